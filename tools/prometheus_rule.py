"""The alerts of deploy/observability as the Prometheus operator wants them.

python -m tools.prometheus_rule > deploy/kubernetes/components/prometheus-operator/rule.yaml
"""

import sys
from pathlib import Path
from textwrap import indent

ALERTS = Path("deploy/observability/alerts.yml")

HEAD = """\
# Written by tools/prometheus_rule.py from deploy/observability/alerts.yml.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: keyframe
spec:
"""


def rule() -> str:
    """The custom resource, as YAML."""
    return HEAD + indent(ALERTS.read_text(encoding="utf-8"), "  ")


if __name__ == "__main__":
    sys.stdout.write(rule())
