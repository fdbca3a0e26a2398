"""A server in the shape of OpenAI's images API that takes SECONDS for a picture and counts what it sold.

    python painter.py

GET /sold tells, as JSON: calls begun, calls whose client had gone before the answer, calls under way by address.
"""

import base64
import io
import json
import os
import select
import threading
import time
from collections import Counter
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

SECONDS = float(os.environ.get("SECONDS", "8"))

LOCK = threading.Lock()
UNDER_WAY: Counter[str] = Counter()
SOLD = {"begun": 0, "lost": 0}


@cache
def picture(width: int, height: int) -> str:
    """Coarse noise as a PNG, in base64."""
    coarse = np.random.default_rng(1).integers(0, 255, (24, 42, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(coarse).resize((width, height)).save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


class Painter(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        if self.path == "/sold":
            with LOCK:
                self._answer({**SOLD, "under_way": {ip: calls for ip, calls in UNDER_WAY.items() if calls}})
        elif self.path == "/v1/models":
            self._answer({"object": "list", "data": [{"id": "fake"}]})
        else:
            self._answer({"error": {"message": "not found"}}, 404)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        width, height = (int(side) for side in asked["size"].split("x"))
        client, lost = self.client_address[0], True
        with LOCK:
            SOLD["begun"] += 1
            UNDER_WAY[client] += 1
        try:
            time.sleep(SECONDS)
            lost = self._has_gone()
            if not lost:
                self._answer({"data": [{"b64_json": picture(width, height)}]})
        except ConnectionError:
            lost = True
        finally:
            with LOCK:
                UNDER_WAY[client] -= 1
                SOLD["lost"] += lost

    def _has_gone(self) -> bool:
        """Whether the client has closed: it has nothing more to say, so whatever can be read is the end."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable)

    def _answer(self, content: Any, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class has it
        """Nobody reads it."""


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", 8000), Painter).serve_forever()  # noqa: S104 - a pod of its own
