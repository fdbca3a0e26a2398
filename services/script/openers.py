"""How a sentence opens: whether it can be told alone, and what can be left out when it is."""

import re
from enum import Enum, auto

from services.script.clauses import capitalised


class Opener(Enum):
    """What a sentence needs before it to be understood."""

    FREE = auto()
    """Nothing."""
    SUBJECT = auto()
    """Whoever "it", "he" or "they" is: a sentence about the same subject."""
    OWNER = auto()
    """Whose "her father" is: as above, but what follows may be about the father."""
    PREVIOUS = auto()
    """The very sentence before it."""


_CONNECTIVE = re.compile(
    r"^(?:(?:however|therefore|thus|hence|moreover|furthermore|additionally|in addition|similarly|likewise"
    r"|as a result|consequently|for example|for instance|meanwhile|also|nevertheless|nonetheless|finally|overall"
    r"|in fact|indeed|of course|in short|in general|still|besides|and yet|and so|so|yet|but|and),\s+"
    r"|(?:but|and|yet)\s+|so\s+(?=(?:the|they|it|he|she|we|a|an)\s))",
    re.IGNORECASE,
)

_PREVIOUS = re.compile(
    r"^(?:(?:this|these|that|those|such|otherwise|instead|conversely|then|both|neither|either|another|others|here|next)\b"
    r"|(?:by|in)\s+(?:contrast|comparison|turn|other words)\b"
    r"|the\s+(?:former|latter|same|others?|results?|two|three)\b"
    r"|the\s+(?:first|second|third|last)\s+(?:one|is|was|of)\b"
    r"|there\b(?!\s+(?:is|are|was|were|has|have)\b)"
    r"|(?:one|some|many|most|all|none|few|several|each)\s+(?:is|are|was|were|has|have|had|do|did|can|could|of\s+th\w+)\b"
    r"|(?:\w+\s+){1,4}(?:this|these|those|such|therefore|thus|however|instead)\b"
    r"|[^,]{1,80},\s+(?:this|that|these|those)\s"
    r"|[\"“][^\"”]*[\"”]$)",
    re.IGNORECASE,
)
"""The last of these is a sentence all in quotation marks: who says so is said before."""

_LEAD = (
    r"(?:(?:in|on|at|by|after|before|during|since|from|until|over|within|for|as|with|to|while|when)\b"
    r"(?:\s+[\w'’-]+){0,5}?,?\s+)?"
)
"""Words before the subject: "In the year after the war, …"."""

_SUBJECT = re.compile(rf"^(?:(?:{_LEAD}|\w+,?\s+)(?:he|she|it|they)\b|(?:\w+\s+){{2}}(?:it|them|him)\b)", re.IGNORECASE)
_OWNER = re.compile(rf"^{_LEAD}(?:his|her|its|their)\b", re.IGNORECASE)

_EXPLETIVE = re.compile(r"^it\s+(?:is|was|has been)\s+(?:[\w-]+\s+){1,3}(?:that|to)\b", re.IGNORECASE)
""""It is known that …": this "it" stands for nothing before."""


def opener(sentence: str) -> Opener:
    """What the sentence needs before it."""
    bare = _CONNECTIVE.sub("", sentence)
    if _EXPLETIVE.match(bare):
        return Opener.FREE
    for pattern, kind in ((_PREVIOUS, Opener.PREVIOUS), (_SUBJECT, Opener.SUBJECT), (_OWNER, Opener.OWNER)):
        if pattern.match(bare):
            return kind
    return Opener.FREE


def without_connective(sentence: str) -> str:
    """The sentence without a "However," that links it to one that is not told."""
    return capitalised(_CONNECTIVE.sub("", sentence))
