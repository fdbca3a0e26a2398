"""Captions as files: ASS for libass to burn in, WebVTT and SubRip for players.

Text is hostile: each format's own commands are made harmless here, and captions are one line of
plain text before they come here (captions.py).
"""

import re
from collections.abc import Iterator, Sequence

from schemas.media import AspectRatio
from services.assembler.captions import Caption

FONT = "Montserrat"
"""The family of the font in fonts/; scripts that it lacks come from the system by fontconfig."""

_ZERO_WIDTH_SPACE = "\u200b"

_WHITE, _LIT = "&H00FFFFFF", "&H4AD5FF&"  # alpha, blue, green, red
_OUTLINE, _SHADOW = "&H00181008", "&H80000000"

_SIZES = {AspectRatio.LANDSCAPE: 0.076, AspectRatio.PORTRAIT: 0.082, AspectRatio.SQUARE: 0.07}
"""The font's size as a part of the picture's shorter side."""
_FEET = {AspectRatio.LANDSCAPE: 0.075, AspectRatio.PORTRAIT: 0.2, AspectRatio.SQUARE: 0.075}
"""What stays free below as a part of the picture's height; phones lay their buttons over a portrait's foot."""

_HEADER = """[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
WrapStyle: 0
ScaledBorderAndShadow: yes
YCbCr Matrix: TV.709

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Caption,{font},{size},{white},{white},{outline},{shadow},-1,0,0,0,100,100,0,0,1,{border},{depth},2,\
{side},{side},{foot},-1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
# BorderStyle 1: outline and shadow. Alignment 2: centred at the foot. Encoding -1: the text's own direction.


def ass(captions: Sequence[Caption], size: tuple[int, int], aspect: AspectRatio) -> str:
    """Captions with the spoken word lit, in Advanced SubStation Alpha: an event for every lit word.

    Args:
        size: (width, height) of the video in pixels.
    """
    width, height = size
    letters = round(min(size) * _SIZES[aspect])
    header = _HEADER.format(
        width=width,
        height=height,
        font=FONT,
        size=letters,
        white=_WHITE,
        outline=_OUTLINE,
        shadow=_SHADOW,
        border=max(1, round(letters * 0.075)),
        depth=max(1, round(letters * 0.03)),
        side=width // 14,
        foot=round(height * _FEET[aspect]),
    )
    return header + "".join(event for caption in captions for event in _lit_events(caption))


def webvtt(captions: Sequence[Caption]) -> str:
    """Captions as WebVTT (W3C): `&`, `<` and `>` as references, so neither a tag nor an arrow is read."""
    cues = (f"{_clock(c.start, '.')} --> {_clock(c.end, '.')}\n{_vtt_text(c.text)}\n" for c in captions)
    return "\n".join(["WEBVTT\n", *cues])


def subrip(captions: Sequence[Caption]) -> str:
    """Captions as SubRip, which knows no escape: a zero-width space stands where a command would begin."""
    cues = (
        f"{number}\n{_clock(c.start, ',')} --> {_clock(c.end, ',')}\n{_srt_text(c.text)}\n"
        for number, c in enumerate(captions, 1)
    )
    return "\n".join(cues)


def ass_text(text: str) -> str:
    """Plain text for an ASS event: no override block opens, no escape is read."""
    return text.replace("\\", "\\" + _ZERO_WIDTH_SPACE).replace("{", "\\{").replace("}", "\\}")


def _lit_events(caption: Caption) -> Iterator[str]:
    starts = [_centiseconds(token.start) for token in caption.tokens]
    ends = [*starts[1:], _centiseconds(caption.end)]
    for lit, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if end > start:
            yield f"Dialogue: 0,{_ass_clock(start)},{_ass_clock(end)},Caption,,0,0,0,,{_lit_text(caption, lit)}\n"


def _lit_text(caption: Caption, lit: int) -> str:
    parts: list[str] = []
    for index, token in enumerate(caption.tokens):
        text = ass_text(token.text)
        parts.append(" " if token.spaced and index else "")
        parts.append(f"{{\\c{_LIT}}}{text}{{\\c}}" if index == lit else text)
    return "".join(parts)


def _vtt_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _srt_text(text: str) -> str:
    return re.sub(r"<(?=[/A-Za-z])|\{(?=\\)|--(?=>)", lambda command: command[0] + _ZERO_WIDTH_SPACE, text)


def _centiseconds(seconds: float) -> int:
    return round(seconds * 100)


def _ass_clock(centiseconds: int) -> str:
    seconds, rest = divmod(centiseconds, 100)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:02}"


def _clock(seconds: float, point: str) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{milliseconds:03}"
