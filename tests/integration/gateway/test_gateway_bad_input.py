"""Hostile requests: a 4xx that names the field, never a 500, and no job."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from tests.builders import job_id
from tests.gateways import BODY, GatewayUnderTest, problem

JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
async def no_job(gateway: GatewayUnderTest) -> AsyncIterator[None]:
    """None of it makes a job."""
    yield
    assert gateway.log.published == []


FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ""}, "#/prompt"),
    ({"prompt": "  \t\n"}, "#/prompt"),
    ({"prompt": "\u200b\u200d"}, "#/prompt"),
    ({"prompt": "x" * 2001}, "#/prompt"),
    ({"prompt": "a\x00b"}, "#/prompt"),
    ({"prompt": "a\nb"}, "#/prompt"),
    ({"prompt": "a\x1b[31mb"}, "#/prompt"),
    ({"prompt": "a\x85b"}, "#/prompt"),
    ({"prompt": "\x1f a"}, "#/prompt"),
    ({"prompt": "\ud800"}, "#/prompt"),
    ({"prompt": 1}, "#/prompt"),
    ({"prompt": None}, "#/prompt"),
    ({"prompt": ["x"]}, "#/prompt"),
    ({"style": "Noir"}, "#/style"),
    ({"style": ""}, "#/style"),
    ({"style": "Meme\x00"}, "#/style"),
    ({"style": "Meme\udfff"}, "#/style"),
    ({"style": None}, "#/style"),
    ({"style": {"name": "Meme"}}, "#/style"),
    ({"aspect_ratio": "4:3"}, "#/aspect_ratio"),
    ({"aspect_ratio": 1.7}, "#/aspect_ratio"),
    ({"voice": "nobody"}, "#/voice"),
    ({"voice": True}, "#/voice"),
    ({"language": "tlh"}, "#/language"),
    ({"scene_count": 2}, "#/scene_count"),
    ({"scene_count": 21}, "#/scene_count"),
    ({"scene_count": "10"}, "#/scene_count"),
    ({"scene_count": True}, "#/scene_count"),
    ({"scene_count": 10.5}, "#/scene_count"),
    ({"scene_count": None}, "#/scene_count"),
    ({"scene_count": 10**300}, "#/scene_count"),
    ({"target_seconds": 14}, "#/target_seconds"),
    ({"target_seconds": 181}, "#/target_seconds"),
    ({"target_seconds": 60.0}, "#/target_seconds"),
    ({"target_seconds": "60"}, "#/target_seconds"),
    ({"target_seconds": None}, "#/target_seconds"),
    ({"source_text": "x" * 50_001}, "#/source_text"),
    ({"source_text": " \n "}, "#/source_text"),
    ({"source_text": "a\x00"}, "#/source_text"),
    ({"source_text": "a\x0bb"}, "#/source_text"),
    ({"source_text": 5}, "#/source_text"),
    ({"surprise": 1}, "#/surprise"),
    ({"a/b~c é": 1}, "#/a~1b~0c%20%C3%A9"),
    ({"\ud800": 1}, "#"),
    ({"revision": 2}, "#/revision"),
]


@pytest.mark.parametrize(
    ("wrong", "pointer"), FIELDS, ids=[f"{pointer}-{number}" for number, (_, pointer) in enumerate(FIELDS)]
)
async def test_a_wrong_field_is_named(gateway: GatewayUnderTest, wrong: dict[str, Any], pointer: str):
    answer = await gateway.client.post("/api/v1/generate", content=json.dumps(BODY | wrong), headers=JSON)
    problem(answer, 422, pointer)


async def test_every_wrong_field_is_named(gateway: GatewayUnderTest):
    answer = await gateway.client.post("/api/v1/generate", json={"style": "Noir", "scene_count": 0})
    problem(answer, 422, "#/prompt", "#/style", "#/scene_count")


@pytest.mark.parametrize("document", [[], "text", 5, None, True, [BODY]])
async def test_a_body_is_an_object(gateway: GatewayUnderTest, document: Any):
    problem(await gateway.client.post("/api/v1/generate", content=json.dumps(document), headers=JSON), 422, "#")


BROKEN = [
    b"",
    b"{",
    b'{"prompt": "x", "style": "Meme",}',
    b'{"prompt": "\xff", "style": "Meme"}',
    b'{"prompt": "\xed\xa0\x80", "style": "Meme"}',
    json.dumps(BODY).encode("utf-16"),
    b"\xef\xbb\xbf" + json.dumps(BODY).encode(),
    b'{"scene_count": NaN}',
    b'{"scene_count": Infinity}',
    b'{"scene_count": ' + b"1" * 5000 + b"}",
    b'{"prompt": "line\nbreak"}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    json.dumps(BODY).encode() + b"{}",
    b"\x00" * 100,
    b"prompt=x&style=Meme",
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
async def test_broken_json_is_a_bad_request(gateway: GatewayUnderTest, body: bytes):
    problem(await gateway.client.post("/api/v1/generate", content=body, headers=JSON), 400)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": ""},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_another_media_type_is_refused(gateway: GatewayUnderTest, headers: dict[str, str]):
    answer = await gateway.client.post("/api/v1/generate", content=json.dumps(BODY), headers=headers)
    problem(answer, 415)


async def test_a_huge_body_is_refused_by_its_length(gateway: GatewayUnderTest):
    answer = await gateway.client.post("/api/v1/generate", content=b" " * 1_048_577, headers=JSON)
    problem(answer, 413)


async def test_a_huge_body_without_a_length_is_not_read_to_its_end(gateway: GatewayUnderTest):
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b" " * 65_536

    problem(await gateway.client.post("/api/v1/generate", content=endless(), headers=JSON), 413)
    assert sent <= 1_048_576 + 2 * 65_536


@pytest.mark.parametrize(
    "name",
    ["x", "1", str(UUID(int=1))[:-1], f"{UUID(int=1)}0", UUID(int=1).hex, f"{{{UUID(int=1)}}}", "%00", "..%2f.."],
)
async def test_a_malformed_id_is_named(gateway: GatewayUnderTest, name: str):
    answer = await gateway.client.get(f"/api/v1/status/{name}")
    if answer.status_code == 404:  # an escaped slash is one
        problem(answer, 404)
    else:
        problem(answer, 422, "jobId")
    assert (await gateway.client.get(f"/videos/{name}/video.mp4")).status_code in (404, 422)


async def test_an_unknown_id_is_not_found(gateway: GatewayUnderTest):
    problem(await gateway.client.get(f"/api/v1/status/{job_id(404)}"), 404)
    problem(await gateway.client.get(f"/videos/{job_id(404)}/video.mp4"), 404)
    problem(await gateway.client.get(f"/videos/{job_id(404)}/keyframes/1"), 404)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("style=Noir", "style"),
        ("style=%00", "style"),
        ("style=", "style"),
        ("cursor=", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("cursor=A", "cursor"),
        ("cursor=" + "A" * 5000, "cursor"),
        ("cursor=MjAyNi0wMS0wMVQwMDowMDowMC94", "cursor"),
        ("cursor=OTk5OS0xMi0zMVQyMzo1OTo1OS0yMzo1OS8wMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDE", "cursor"),
    ],
)
async def test_a_wrong_parameter_is_named(gateway: GatewayUnderTest, query: str, parameter: str):
    problem(await gateway.client.get(f"/api/v1/feed?{query}"), 422, parameter)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v1/generate", "POST"),
        ("PUT", "/api/v1/generate", "POST"),
        ("POST", "/api/v1/feed", "GET, HEAD"),
        ("DELETE", f"/videos/{UUID(int=1)}/video.mp4", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
    ],
)
async def test_another_method_is_told_which_are_allowed(
    gateway: GatewayUnderTest, method: str, path: str, allowed: str
):
    answer = await gateway.client.request(method, path)
    problem(answer, 405)
    assert answer.headers["allow"] == allowed


async def test_an_address_that_is_not_there_is_a_problem_too(gateway: GatewayUnderTest):
    for path in ("/nothing", "/api/v1/nothing", "/static/nothing.js", "/static/..%2f..%2fapp.py", "/videos/x"):
        problem(await gateway.client.get(path), 404)
