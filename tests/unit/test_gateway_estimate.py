"""What a video will cost, about."""

import pytest

from schemas.prices import prices
from schemas.topics import ServiceName
from services.gateway.estimate import Model, estimate
from services.gateway.requests import GenerateRequest

SCRIPT, IMAGES, VOICE = ServiceName.SCRIPT, ServiceName.IMAGES, ServiceName.VOICE
FREE = {SCRIPT: Model("offline", "gpt-4o-mini"), IMAGES: Model("offline", "x"), VOICE: Model("offline", "neural")}
PAID = {
    SCRIPT: Model("openai", "gpt-4o-mini"),
    IMAGES: Model("nebius", "black-forest-labs/flux-schnell"),
    VOICE: Model("polly", "neural"),
}


def asked(**more: object) -> GenerateRequest:
    return GenerateRequest.model_validate({"prompt": "Why coral reefs matter", "style": "Educational"} | more)


def test_what_is_free_has_no_estimate():
    assert estimate(asked(), FREE) is None


def test_each_paid_stage_is_priced_by_the_table():
    cost = estimate(asked(scene_count=10, target_seconds=60), PAID)
    assert cost is not None
    assert cost.by_stage[IMAGES] == pytest.approx(10 * 0.0013)
    assert cost.by_stage[VOICE] == pytest.approx(2 * 60 * 15.5 * 16 / 1_000_000)
    assert 0.0005 < (cost.by_stage[SCRIPT] or 0) < 0.003
    assert cost.usd == pytest.approx(sum(part or 0 for part in cost.by_stage.values()))
    assert cost.reason is None


def test_a_stage_that_is_free_costs_nothing_beside_one_that_is_paid():
    cost = estimate(asked(), FREE | {IMAGES: PAID[IMAGES]})
    assert cost is not None
    assert (cost.by_stage[SCRIPT], cost.by_stage[VOICE], cost.usd) == (0, 0, pytest.approx(0.013))


def test_more_that_is_asked_for_costs_more():
    small = estimate(asked(scene_count=3, target_seconds=15), PAID)
    longer = estimate(asked(scene_count=3, target_seconds=30), PAID)
    with_source = estimate(asked(scene_count=3, target_seconds=15, source_text="x" * 50_000), PAID)
    assert small is not None
    assert longer is not None
    assert with_source is not None
    assert longer.by_stage[VOICE] == pytest.approx(2 * (small.by_stage[VOICE] or 0))
    assert (longer.by_stage[SCRIPT] or 0) > (small.by_stage[SCRIPT] or 0)
    assert (with_source.by_stage[SCRIPT] or 0) - (small.by_stage[SCRIPT] or 0) == pytest.approx(12_500 * 0.15e-6)


def test_an_engine_without_speech_marks_is_asked_once():
    per_character = prices()[("polly", "generative")].usd_per_million["characters"] / 1_000_000
    cost = estimate(asked(target_seconds=60), FREE | {VOICE: Model("polly", "generative")})
    assert cost is not None
    assert cost.usd == pytest.approx(60 * 15.5 * per_character)


def test_a_price_that_is_not_known_is_said():
    cost = estimate(asked(), PAID | {SCRIPT: Model("openai", "llama3"), VOICE: Model("polly", "new")})
    assert cost is not None
    assert (cost.usd, cost.by_stage[SCRIPT], cost.by_stage[VOICE]) == (None, None, None)
    assert cost.by_stage[IMAGES] == pytest.approx(0.013)
    assert cost.reason == "the price of llama3 at openai and of new at polly is not known"
