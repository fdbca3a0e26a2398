"""Integrated loudness after ITU-R BS.1770-4, and speech brought to one loudness."""

import numpy as np
from numpy.typing import NDArray

BLOCK, HOP = 0.4, 0.1
"""Seconds of a gating block, and from one to the next."""
ABSOLUTE_GATE = -70.0
"""LUFS below which a block does not count."""
RELATIVE_GATE = -10.0
"""LU below the mean of the blocks that count, below which a block does not count either."""
OFFSET = -0.691
"""LUFS of a mean square of 1 after weighting."""

# K-weighting at 48 kHz (BS.1770-4, tables 1 and 2), as (b, a) in powers of 1/z.
SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
TABULATED_RATE = 48_000

TARGET = -20.0
"""LUFS of every scene's recording: room for the assembler's own mastering."""
CEILING = -1.0
"""dBFS that no sample exceeds."""
LIMITER_WINDOW = 0.005
"""Seconds over which the limiter turns down before a peak, and up after it."""


def integrated(samples: NDArray[np.float32], rate: int) -> float:
    """LUFS of mono sound with samples between -1 and 1; minus infinity where all is silence.

    Sound shorter than one block is measured as a whole.
    """
    weighted = _k_weighted(samples, rate)
    block, hop = round(BLOCK * rate), round(HOP * rate)
    if len(weighted) < block:
        weighted = np.resize(weighted, block) if len(weighted) else np.zeros(block)
    energy = np.concatenate([[0.0], np.cumsum(np.square(weighted))])
    starts = np.arange(0, len(weighted) - block + 1, hop)
    powers = (energy[starts + block] - energy[starts]) / block
    powers = powers[powers > _power(ABSOLUTE_GATE)]
    if not powers.size:
        return -np.inf
    powers = powers[powers > powers.mean() * 10 ** (RELATIVE_GATE / 10)]
    return float(OFFSET + 10 * np.log10(powers.mean()))


def levelled(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """The sound at the target loudness, its peaks held under the ceiling. Silence stays as it is."""
    loudness = integrated(samples, rate)
    if not np.isfinite(loudness):
        return samples
    return _limited(samples * np.float32(10 ** ((TARGET - loudness) / 20)), rate)


def _power(lufs: float) -> float:
    return 10 ** ((lufs - OFFSET) / 10)


def _k_weighted(samples: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """The sound as BS.1770 weighs it.

    The standard's filters are applied by their response at each frequency, so that the sound needs
    no resampling to the rate for which they are tabulated.
    """
    size = len(samples) + rate  # a second of silence, or the filters' ringing would wrap around to the start
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    delay = np.exp(-2j * np.pi * frequencies / TABULATED_RATE)
    response = np.ones_like(delay)
    for numerator, denominator in (SHELF, HIGH_PASS):
        response *= np.polyval(numerator[::-1], delay) / np.polyval(denominator[::-1], delay)
    return np.fft.irfft(np.fft.rfft(samples, size) * response, size)[: len(samples)]


def _limited(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Peaks turned down smoothly: the gain that each moment needs, at its lowest around it, averaged."""
    ceiling = 10 ** (CEILING / 20)
    needed = np.minimum(1.0, ceiling / np.maximum(np.abs(samples), ceiling))
    if needed.min(initial=1.0) == 1.0:
        return samples
    reach = round(LIMITER_WINDOW * rate)
    window = 2 * reach + 1
    around = np.pad(needed, 2 * reach, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(around, window).min(axis=1)
    gain = np.convolve(lowest, np.full(window, 1 / window), mode="valid")
    return (samples * gain).astype(np.float32)
