"""The generated contracts under schemas/json: written, or compared with what is committed.

python -m keyframe.contracts            writes them
python -m keyframe.contracts --check    fails where they have drifted from the code
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from keyframe import VERSION
from runtime.folder_objects import FolderObjects
from runtime.kafka import Connection, KafkaLog
from schemas.documents import asyncapi, json_schemas
from services.gateway.app import GatewaySettings, create_app
from services.gateway.status_view import PostgresView

FOLDER = Path("schemas/json")


def documents() -> Mapping[str, str]:
    """Every generated document, by file name."""
    made = {f"{topic}.json": schema for topic, schema in json_schemas().items()}
    made |= {"asyncapi.json": asyncapi(VERSION), "openapi.json": _openapi()}
    return {name: json.dumps(body, indent=2, ensure_ascii=False) + "\n" for name, body in made.items()}


def _openapi() -> dict[str, Any]:
    """The gateway's API, with the token that it may ask for; nothing is connected for it."""
    settings = GatewaySettings(api_token=SecretStr("any that is long enough"))
    app = create_app(settings, KafkaLog(Connection("unused"), "contracts"), PostgresView(""), FolderObjects(Path()))
    return app.openapi()


def drifted(folder: Path = FOLDER) -> list[str]:
    """The names of the documents that differ from what the code says, are missing or too many."""
    wanted = documents()
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def write(folder: Path = FOLDER) -> None:
    """Writes every document and removes what is none any more."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = documents()
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


def main() -> int:
    if "--check" not in sys.argv[1:]:
        write()
        return 0
    stale = drifted()
    for name in stale:
        print(f"{FOLDER / name} has drifted: run `make schemas`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
