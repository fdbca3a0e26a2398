"""What the offline painter reads in a sentence, and the table that it reads by."""

from collections import Counter
from random import Random

import pytest

from services.images.looks import looks
from services.images.offline.concepts import Placement, concepts, find
from services.images.offline.icons import Manner, icons
from services.images.offline.language import singular, tokens
from services.images.offline.reading import MAX_SUBJECTS, Reading, read
from services.images.offline.studio import SCENERIES
from services.images.offline.tables import table
from services.images.offline.techniques import TECHNIQUES


def shown(text: str) -> list[str]:
    return [match.concept.icon for match in find(tokens(text))]


def reading(text: str, seed: int = 1) -> Reading:
    return read(text, Random(seed))  # noqa: S311


def test_the_table_is_large_and_names_nothing_twice() -> None:
    words = Counter(word for concept in concepts() for word in concept.words)
    assert len(concepts()) >= 400
    assert [word for word, count in words.items() if count > 1] == []
    assert all(word == word.lower().strip() for word in words)


@pytest.mark.parametrize("manner", list(Manner))
def test_every_icon_is_vendored_and_none_for_nothing(manner: Manner) -> None:
    assert {concept.icon for concept in concepts()} == set(icons(manner))


def test_every_concept_has_a_size_a_place_and_only_words_in_singular_or_phrase() -> None:
    assert all(0.005 < concept.size < 200 for concept in concepts())
    assert {concept.place for concept in concepts()} <= set(SCENERIES)
    assert {concept.placement for concept in concepts()} == set(Placement)
    assert {concept.pos for concept in concepts()} == {"", "noun"}


def test_places_palettes_and_looks_name_what_there_is() -> None:
    assert set(table("places.toml")["places"]) <= set(SCENERIES)
    assert set(table("palettes.toml")["lands"]) == set(SCENERIES)
    assert {look.technique for look in looks().values()} == set(TECHNIQUES)
    assert all(look.prompt for look in looks().values())


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("bees", "bee"),
        ("berries", "berry"),
        ("foxes", "fox"),
        ("loaves", "loaf"),
        ("mice", "mouse"),
        ("wolves", "wolf"),
        ("horses", "horse"),
        ("houses", "house"),
        ("buses", "bus"),
        ("viruses", "virus"),
        ("tomatoes", "tomato"),
        ("shoes", "shoe"),
        ("bus", "bus"),
        ("glass", "glass"),
    ],
)
def test_plurals_are_undone(plural: str, one: str) -> None:
    assert singular(plural) == one


@pytest.mark.parametrize(
    ("text", "icons"),
    [
        ("The bank approved the loan.", ["bank"]),
        ("They sat on the river bank.", []),
        ("A bat hung in the cave.", ["bat"]),
        ("He swung the bat at the ball.", []),
        ("An orange fell.", []),
        ("Orange announced a merger.", []),
        ("Prices rose in spring.", []),
        ("He gave her a rose.", ["rose"]),
        ("Revenue rose again.", []),
        ("The leaves fall.", []),
        ("Plant the idea early.", []),
        ("Workers at the power plant went home.", ["factory"]),
        ("He plays the bass.", []),
        ("A crane lifted the steel.", ["building-construction"]),
        ("The crane danced in the marsh.", []),
        ("The mouse ran under the bed.", ["mouse", "bed"]),
        ("Click the mouse twice.", []),
        ("A seal slept on the ice.", ["seal"]),
        ("They seal the deal.", []),
        ("A turkey crossed the road.", ["turkey"]),
        ("In Turkey the sun shines.", []),
        ("China exports steel.", []),
        ("They march in March.", []),
        ("Mercury is hot.", []),
        ("Saturn has rings.", ["ringed-planet"]),
        ("Apollo was a god of the Greeks.", []),
        ("Apollo 11 landed on the Moon.", ["rocket"]),
        ("Time flies.", []),
        ("They duck under the rope.", ["knot"]),
        ("The polar bear swam.", ["polar-bear"]),
        ("He ate a hot dog.", ["hot-dog"]),
        ("It was a piece of cake.", []),
        ("There is no dog here.", []),
        ("Investors fear the bear market.", []),
        ("Roman officers wrote on a laptop.", []),
        ("Twelve percent at three o'clock.", []),
    ],
)
def test_a_word_shows_only_what_it_means(text: str, icons: list[str]) -> None:
    assert shown(text) == icons


@pytest.mark.parametrize(
    "text",
    [
        "Revenue rose twelve percent in the third quarter.",
        "Our margins fell in spring, and the board met twice.",
        "Growth is a habit.",
        "Everything that matters takes time.",
        "Nobody knows why.",
    ],
)
def test_what_cannot_be_shown_is_a_bare_scene(text: str) -> None:
    assert all(reading(text, seed).subjects == () for seed in range(5))


def test_a_headline_in_capitals_is_read_like_any_sentence() -> None:
    assert shown("THE FOX AND THE GRAPES") == shown("The fox and the grapes") == ["fox", "grapes"]


def test_there_are_never_more_than_three_things() -> None:
    crowded = reading("The cows, the sheep, two horses, a dog, the cat and three geese met at the barn.")
    assert sum(subject.count for subject in crowded.subjects) == MAX_SUBJECTS
    assert [subject.count for subject in reading("Elephants never forget.").subjects] == [3]
    assert [subject.count for subject in reading("Two elephants met.").subjects] == [2]
    assert [subject.count for subject in reading("An elephant sneezed.").subjects] == [1]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Whales sing songs that cross whole oceans.", "underwater"),
        ("The ship left the harbour.", "sea"),
        ("Astronauts float in orbit.", "space"),
        ("She stirs the soup in the kitchen.", "table"),
        ("Camels crossed the Sahara.", "desert"),
        ("Penguins huddle on the ice.", "snow"),
        ("The jazz band played the saxophone.", "theatre"),
        ("A wolf howled in the forest.", "forest"),
        ("Giraffes sleep standing.", "savannah"),
        ("The bus stopped in the street.", "city"),
        ("Roman engineers brought water to the city.", "hills"),
    ],
)
def test_a_scene_is_set_where_the_sentence_says(text: str, place: str) -> None:
    assert reading(text).place == place


@pytest.mark.parametrize(
    ("text", "time"), [("The owl hunts at midnight.", "night"), ("At sunset the cows come home.", "dusk")]
)
def test_the_hour_is_the_sentences_own(text: str, time: str) -> None:
    assert all(reading(text, seed).time == time for seed in range(5))


def test_a_boat_needs_water() -> None:
    inland = reading("Pharaohs were buried in the desert with bread, boats and board games.")
    assert inland.place == "desert"
    assert all(subject.concept.placement is not Placement.WATER for subject in inland.subjects)
    afloat = reading("A boat crosses the sea.")
    assert [subject.concept.placement for subject in afloat.subjects] == [Placement.WATER]
