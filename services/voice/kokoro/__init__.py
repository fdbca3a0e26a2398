"""Kokoro-82M, the offline voice: text to words as they are said, to phonemes, to sound with timings."""
