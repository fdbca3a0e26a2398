"""Kokoro-82M, the offline voice: text to words as they are said, to phonemes, to sound with timings."""

import os

# Read when onnxruntime is imported: without it the package sends usage events home, under an id that it keeps of this
# machine in the user's cache. Who wants that says so in the environment.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
