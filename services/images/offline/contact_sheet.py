"""A contact sheet of sentences, to look at what the offline painter makes of them.

    python -m services.images.offline.contact_sheet OUT.jpg [--sentences FILE] [--size WIDTHxHEIGHT]

The looks take turns. The sheet in docs/ is made of tests/data/held_out_sentences.txt, on which the
table of concepts was not tuned.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from services.images.looks import looks
from services.images.offline.studio import paint
from services.images.offline.techniques import TECHNIQUES

COLUMNS = 5
THUMBNAIL = 400
"""Pixels across."""
CAPTION = 34
"""Pixels under a picture."""
SEED = 2_026


def main() -> None:
    """Paints every sentence of a file and writes the sheet."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--sentences", type=Path, default=Path("tests/data/held_out_sentences.txt"))
    arguments.add_argument("--size", default="1344x768")
    options = arguments.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    sentences = options.sentences.read_text(encoding="utf-8").splitlines()
    contact_sheet(sentences, width, height).save(options.out, quality=85)


def contact_sheet(sentences: Sequence[str], width: int, height: int) -> Image.Image:
    """The pictures of all sentences, each over its words."""
    down = THUMBNAIL * height // width
    rows = -(-len(sentences) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * THUMBNAIL, rows * (down + CAPTION)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    names = tuple(looks())
    for index, sentence in enumerate(sentences):
        technique = TECHNIQUES[looks()[names[index % len(names)]].technique]
        picture = paint(sentence, technique, width, height, SEED + index)
        x, y = index % COLUMNS * THUMBNAIL, index // COLUMNS * (down + CAPTION)
        sheet.paste(picture.resize((THUMBNAIL, down), Image.Resampling.LANCZOS), (x, y))
        half = len(sentence) // 2 if len(sentence) > 64 else len(sentence)
        cut = sentence.rfind(" ", 0, half + 8) if half < len(sentence) else half
        pen.multiline_text((x + 6, y + down + 3), f"{sentence[:cut]}\n{sentence[cut:].strip()}", "black", font)
    return sheet


if __name__ == "__main__":
    main()
