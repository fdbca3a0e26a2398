"""The queries of `queries.sql`, by name."""

import re
from collections.abc import Mapping
from pathlib import Path

QUERIES: Mapping[str, str] = dict(
    re.findall(
        r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)",
        (Path(__file__).parent / "queries.sql").read_text(encoding="utf-8"),
        re.MULTILINE | re.DOTALL,
    )
)
