"""Where things lie in the object store: every key is made here.

artefacts/{job}/{digest}                 what a stage made, by what it was made from
answers/{job}/{event}                    the event a stage answered with, before it is emitted
scratch/{job}/{revision}/{digest}/{name} cleared once the video is published
published/{job}/{revision}/{name}        what viewers get
replays/{replay}.json                    what a replay is to do, before it does it
"""

import hashlib
import json
from collections.abc import Mapping

ARTEFACTS, ANSWERS, SCRATCH, PUBLISHED, REPLAYS = "artefacts", "answers", "scratch", "published", "replays"


def digest(recipe: Mapping[str, object]) -> str:
    """The SHA-256 in hex of what an artefact is made from, in canonical JSON.

    Raises:
        TypeError: the recipe holds something that JSON does not know.
    """
    canonical = json.dumps(recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def artefact_key(job_id: str, recipe: Mapping[str, object]) -> str:
    return f"{ARTEFACTS}/{job_id}/{digest(recipe)}"


def facts_key(artefact_key: str) -> str:
    """What is known of an artefact beside its bytes (timings, cost), as JSON."""
    return f"{artefact_key}.json"


def answer_key(job_id: str, event_id: str) -> str:
    return f"{ANSWERS}/{job_id}/{event_id}"


def scratch_prefix(job_id: str) -> str:
    return f"{SCRATCH}/{job_id}/"


def published_prefix(job_id: str) -> str:
    return f"{PUBLISHED}/{job_id}/"


def published_key(job_id: str, revision: int, name: str) -> str:
    return f"{published_prefix(job_id)}{revision}/{name}"


def replay_key(replay_id: str) -> str:
    return f"{REPLAYS}/{replay_id}.json"
