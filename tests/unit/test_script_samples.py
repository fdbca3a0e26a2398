"""The sample scripts: complete, of the right length, and told only where they are asked for."""

import pytest

from schemas.media import MAX_SCENES, MIN_SCENES
from schemas.options import styles
from services.script.openers import Opener, opener
from services.script.plain_text import one_line, word_count
from services.script.samples import Sample, sample_for, samples

NAMES = list(samples())


@pytest.fixture(params=NAMES)
def sample(request: pytest.FixtureRequest) -> Sample:
    return samples()[request.param]


def test_there_are_enough_of_them() -> None:
    assert len(NAMES) >= 14


def test_every_rank_is_given_once_and_the_ends_are_always_told(sample: Sample) -> None:
    assert sorted(scene.rank for scene in sample.scenes) == list(range(1, MAX_SCENES + 1))
    assert {sample.scenes[0].rank, sample.scenes[-1].rank} <= set(range(1, MIN_SCENES + 1))


@pytest.mark.parametrize("style", styles())
def test_ten_scenes_take_about_a_minute(sample: Sample, style: str) -> None:
    draft = sample.draft(style, 10)
    assert 150 <= sum(word_count(scene.narration) for scene in draft.scenes) <= 175
    assert all(5 <= word_count(scene.narration) <= 25 for scene in draft.scenes)


@pytest.mark.parametrize("scene_count", range(MIN_SCENES, MAX_SCENES + 1))
def test_any_number_of_scenes_is_told_in_order(sample: Sample, scene_count: int) -> None:
    told = sample.draft("Educational", scene_count).scenes
    whole = [scene.say for scene in sample.scenes]
    places = [whole.index(scene.narration) for scene in told]
    assert len(places) == scene_count
    assert places == sorted(places)


def test_no_scene_needs_one_that_may_be_left_out(sample: Sample) -> None:
    for before, scene in zip(sample.scenes, sample.scenes[1:], strict=False):
        follows_in_time = scene.say.startswith(("Then ", "Next "))
        if opener(scene.say) is Opener.PREVIOUS and not follows_in_time:
            assert before.rank < scene.rank, scene.say


def test_the_first_scene_stands_alone(sample: Sample) -> None:
    assert opener(sample.scenes[0].say) is Opener.FREE


def test_every_text_is_one_clean_line_and_every_scene_shows_its_own_picture(sample: Sample) -> None:
    texts = [text for scene in sample.scenes for text in (scene.say, scene.show, *scene.styled.values())]
    assert all(text == one_line(text) and text for text in [sample.title, sample.description, *texts])
    assert len({scene.show for scene in sample.scenes}) == MAX_SCENES


def test_styles_are_known_and_open_and_close_in_their_own_way(sample: Sample) -> None:
    written = {style for scene in sample.scenes for style in scene.styled}
    assert written | set(sample.titled) <= set(styles())
    for style in written:
        plain, styled = sample.draft("Educational", MIN_SCENES), sample.draft(style, MIN_SCENES)
        assert plain.scenes[0].narration != styled.scenes[0].narration
        assert plain.scenes[-1].narration != styled.scenes[-1].narration


def test_at_least_four_are_written_in_every_style() -> None:
    complete = [
        sample
        for sample in samples().values()
        if all({"Storytelling", "Meme"} <= set(scene.styled) for scene in sample.scenes if scene.rank <= 10)
    ]
    assert len(complete) >= 4


def test_sources_are_named(sample: Sample) -> None:
    assert sample.sources
    assert all(source.url.startswith("https://") and source.licence for source in sample.sources)


@pytest.mark.parametrize("name", NAMES)
def test_every_topic_finds_its_own_sample(name: str) -> None:
    for topic in samples()[name].topics:
        assert sample_for(f"Please make a short video about {topic}") is samples()[name], topic


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("How coral reefs are built", "coral_reefs"),
        ("Why do bees make honey?", "honeybees"),
        ("THE HISTORY OF THE BICYCLE", "bicycle"),
        ("What is inside a black hole, explained for kids", "black_holes"),
        ("Armstrong's first steps on the Moon: the Apollo 11 landing", "moon_landing"),
        ("Why do we dream?", "sleep"),
    ],
)
def test_a_prompt_finds_the_sample_that_it_is_about(prompt: str, name: str) -> None:
    assert sample_for(prompt) is samples()[name]


OTHER_TOPICS = """
quarterly sales of my bicycle shop
python coral snake habitat
cloud computing
sleep paralysis
training a neural network
the history of trains in India
how to train your dragon
honey badgers fight
!?
"""


@pytest.mark.parametrize("prompt", OTHER_TOPICS.splitlines())
def test_a_prompt_about_something_else_finds_none(prompt: str) -> None:
    assert sample_for(prompt) is None
