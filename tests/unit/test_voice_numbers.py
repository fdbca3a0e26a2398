"""Numbers as English says them."""

import pytest

from services.voice.kokoro.numbers import cardinal, digit_by_digit, ordinal, plural, year


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("0", "zero"),
        ("13", "thirteen"),
        ("42", "forty two"),
        ("100", "one hundred"),
        ("384,400", "three hundred eighty four thousand four hundred"),
        ("1000001", "one million one"),
        ("1000000000000", "one trillion"),
        ("3.14", "three point one four"),
        ("0.05", "zero point zero five"),
        ("007", "zero zero seven"),
        ("1" * 16, " ".join(["one"] * 16)),
    ],
)
def test_a_number_is_read_whole_and_a_code_digit_by_digit(number: str, said: str) -> None:
    assert cardinal(number) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [("1", "first"), ("12", "twelfth"), ("20", "twentieth"), ("21", "twenty first"), ("104", "one hundred fourth")],
)
def test_ordinals(number: str, said: str) -> None:
    assert ordinal(number) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("1066", "ten sixty six"),
        ("1900", "nineteen hundred"),
        ("1905", "nineteen oh five"),
        ("2000", "two thousand"),
        ("2009", "two thousand nine"),
        ("2026", "twenty twenty six"),
    ],
)
def test_years(number: str, said: str) -> None:
    assert year(number) == said


def test_digits_and_plurals() -> None:
    assert digit_by_digit("1906") == "one nine zero six"
    assert [plural(word) for word in ("ninety", "six", "fourth")] == ["nineties", "sixes", "fourths"]
