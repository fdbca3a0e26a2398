"""The images: what each service may need at run time is in its own, and little else."""

import json

import pytest

from schemas.topics import ServiceName
from tests.compose.stack import TAG, docker

pytestmark = pytest.mark.timeout(2400)

IMPORTED_LATE = {
    ServiceName.SCRIPT: ["runtime.moderation.openai_moderator"],
    ServiceName.GATEWAY: ["runtime.moderation.openai_moderator"],
}
"""What the service's own modules import only where settings ask for it, beyond themselves."""

IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
own = [module.name for module in pkgutil.walk_packages(package.__path__, sys.argv[1] + ".")]
for name in [*own, *sys.argv[2:], "runtime.span_export"]:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(own))
"""


@pytest.mark.parametrize("service", ServiceName)
async def test_every_module_can_be_imported_where_nothing_but_tmp_can_be_written(images: None, service: str) -> None:
    late = IMPORTED_LATE.get(ServiceName(service), [])
    shut = ("run", "--rm", "--read-only", "--tmpfs", "/tmp", "--network", "none", "--entrypoint", "python")
    said = await docker(
        *shut, f"keyframe/{service}:{TAG}", "-W", "error", "-c", IMPORT_ALL, f"services.{service}", *late
    )
    assert int(said) > 3


@pytest.mark.parametrize("service", [*ServiceName, "tools"])
async def test_it_runs_as_nobody_of_ours_on_its_own_code_alone(images: None, service: str) -> None:
    image = f"keyframe/{service}:{TAG}"
    config = json.loads(await docker("image", "inspect", image))[0]["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"][0] == "python", "a shell would keep SIGTERM to itself"
    writable = "find / -xdev -writable -type f -not -path '/proc*' -not -path '/sys*'"
    look = f"ls services 2>/dev/null; command -v gcc cc; {writable} 2>/dev/null || true"
    found = (await docker("run", "--rm", "--entrypoint", "sh", image, "-c", look)).split()
    assert found == ([] if service == "tools" else ["__init__.py", "__pycache__", service])
