"""What a text-to-image model is told: the scene first, then the look that all pictures of the video share."""

import unicodedata

from services.images.looks import look
from services.images.ports import PictureRequest

NO_TEXT = "no text, letters or logos"


def image_prompt(request: PictureRequest, limit: int) -> str:
    """The prompt, at most `limit` characters: a scene that is too long is cut, the look never is.

    Raises:
        Permanent: the look is unknown.
    """
    words = f"{look(request.look).prompt}, {NO_TEXT}"
    scene = _shortened(_plain(request.prompt), limit - len(words) - len(". "))
    return f"{scene}. {words}" if scene else words


def _plain(text: str) -> str:
    """The text on one line, without control and formatting characters and halves of surrogates."""
    shown = (" " if unicodedata.category(letter).startswith("C") else letter for letter in text)
    return " ".join("".join(shown).split()).rstrip(".,;: ")


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    cut = text[:limit]
    return cut.rsplit(" ", 1)[0].rstrip(".,;: ")
