"""Fonts for libass: ours first, the system's for the scripts that ours lacks.

A folder of fonts alone gives libass no fall-back between fonts: fontconfig finds it.
"""

from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent / "fonts"

_SYSTEM = ("/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "/Library/Fonts")


def fonts_conf() -> str:
    """A fontconfig configuration that does not depend on whether the system has one."""
    folders = "".join(f"  <dir>{escape(folder)}</dir>\n" for folder in (str(FOLDER), *_SYSTEM))
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        f'{folders}  <dir prefix="xdg">fonts</dir>\n  <cachedir prefix="xdg">fontconfig</cachedir>\n</fontconfig>\n'
    )
