"""The gateway's own addresses: stable, and formed when they are read, so that no event and no row holds one."""

from dataclasses import dataclass
from enum import StrEnum


class FileName(StrEnum):
    """The published files, by the names that they are served under."""

    VIDEO = "video.mp4"
    THUMBNAIL = "thumbnail.jpg"
    CAPTIONS_VTT = "captions.vtt"
    CAPTIONS_SRT = "captions.srt"
    MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Addresses:
    """Paths, or whole URLs where it is known how the world reaches us."""

    public_url: str = ""

    def status(self, job_id: str) -> str:
        return f"{self.public_url}/api/v1/status/{job_id}"

    def file(self, job_id: str, name: FileName) -> str:
        return f"{self.public_url}/videos/{job_id}/{name}"

    def keyframe(self, job_id: str, scene: int) -> str:
        """Of the `scene`-th scene, from 1."""
        return f"{self.public_url}/videos/{job_id}/keyframes/{scene}"
