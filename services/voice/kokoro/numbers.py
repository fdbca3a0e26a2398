"""Numbers as English says them. Every function gives lower-case words separated by single spaces."""

# fmt: off
ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# fmt: on
SCALES = ("", "thousand", "million", "billion", "trillion")

IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}

LONGEST_READ_WHOLE = 3 * len(SCALES)
"""A number of more digits is read digit by digit."""


def cardinal(number: str) -> str:
    """A number as written: digits, with commas between thousands and a decimal point where it has them."""
    whole, point, fraction = number.replace(",", "").partition(".")
    words = digit_by_digit(whole) if _is_code(whole) else _whole(int(whole or "0"))
    return f"{words} point {digit_by_digit(fraction)}" if point else words


def ordinal(number: str) -> str:
    """ "21" as "twenty first"."""
    *head, last = cardinal(number).split()
    if last in IRREGULAR_ORDINALS:
        last = IRREGULAR_ORDINALS[last]
    else:
        last = last.removesuffix("y") + "ieth" if last.endswith("y") else last + "th"
    return " ".join([*head, last])


def year(number: str) -> str:
    """Four digits as a year is said: "nineteen oh five", "two thousand nine", "twenty twenty six"."""
    century, rest = divmod(int(number), 100)
    if century % 10 == 0 and rest < 10:
        return _whole(int(number))
    if rest == 0:
        return f"{_whole(century)} hundred"
    return f"{_whole(century)} {'oh ' if rest < 10 else ''}{_whole(rest)}"


def digit_by_digit(digits: str) -> str:
    """ "007" as "zero zero seven"."""
    return " ".join(ONES[int(digit)] for digit in digits)


def plural(words: str) -> str:
    """The regular plural of the last word: "nineteen nineties"."""
    if words.endswith("y"):
        return words.removesuffix("y") + "ies"
    return words + ("es" if words.endswith(("x", "s", "ch")) else "s")


def _is_code(digits: str) -> bool:
    return len(digits) > LONGEST_READ_WHOLE or (len(digits) > 1 and digits.startswith("0"))


def _whole(value: int) -> str:
    if value < len(ONES):
        return ONES[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return TENS[tens] + (f" {ONES[ones]}" if ones else "")
    if value < 1000:
        hundreds, rest = divmod(value, 100)
        return f"{ONES[hundreds]} hundred" + (f" {_whole(rest)}" if rest else "")
    power = (len(str(value)) - 1) // 3
    head, rest = divmod(value, 1000**power)
    return f"{_whole(head)} {SCALES[power]}" + (f" {_whole(rest)}" if rest else "")
