"""Vendors the icons that the offline painter's table names.

    npm pack @iconify-json/fluent-emoji-flat@1.2.6 @iconify-json/fluent-emoji@1.2.7
    for archive in *.tgz; do mkdir "${archive%.tgz}" && tar xzf "$archive" -C "${archive%.tgz}"; done
    python tools/vendor_icons.py FLAT/package/icons.json FULL/package/icons.json

Writes services/images/offline/icons-{flat,full}.json.gz: for every icon its SVG body on a canvas of
32x32, and the box [left, top, right, bottom] that its ink fills.
"""

import argparse
import gzip
import io
import json
from pathlib import Path

import resvg_py
from PIL import Image

from services.images.offline import concepts

CANVAS = 32
DOTS = 256
"""Pixels a side at which the ink is measured."""


def main() -> None:
    """Reads the two packages and writes the two subsets."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("flat", type=Path)
    arguments.add_argument("full", type=Path)
    options = arguments.parse_args()
    wanted = sorted({concept.icon for concept in concepts.concepts()})
    for manner, source in (("flat", options.flat), ("full", options.full)):
        bodies = json.loads(source.read_text(encoding="utf-8"))["icons"]
        subset = {name: {"body": bodies[name]["body"], "box": ink(bodies[name]["body"])} for name in wanted}
        target = Path(concepts.__file__).with_name(f"icons-{manner}.json.gz")
        text = json.dumps(subset, separators=(",", ":"), sort_keys=True)
        target.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def ink(body: str) -> list[float]:
    """The box that an icon's opaque part fills, in units of its canvas."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{DOTS}" '
        f'height="{DOTS}" viewBox="0 0 {CANVAS} {CANVAS}">{body}</svg>'
    )
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True))
    alpha = Image.open(io.BytesIO(png)).getchannel("A").point(lambda value: 255 if value > 40 else 0)
    box = alpha.getbbox() or (0, 0, DOTS, DOTS)
    return [round(edge * CANVAS / DOTS, 2) for edge in box]


if __name__ == "__main__":
    main()
