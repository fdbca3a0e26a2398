"""Mastering, decided without a sound."""

import pytest

from runtime.errors import Transient
from services.assembler.loudness import (
    TARGETS,
    TRUE_PEAK,
    Loudness,
    Mastering,
    master_argv,
    measure_argv,
    parse_loudness,
)

SUMMARY = """[Parsed_ebur128_0 @ 0x5581] Summary:

  Integrated loudness:
    I:         -20.7 LUFS
    Threshold: -30.9 LUFS

  Loudness range:
    LRA:         3.3 LU

  True peak:
    Peak:       -4.2 dBFS
"""


def test_the_summary_is_read() -> None:
    assert parse_loudness(SUMMARY) == Loudness(-20.7, -4.2)
    assert parse_loudness(SUMMARY.replace("-4.2", "-inf")).true_peak == float("-inf")


@pytest.mark.parametrize("messages", ["", "Conversion failed!", SUMMARY.partition("True peak")[0]])
def test_without_a_summary_nothing_was_measured(messages: str) -> None:
    with pytest.raises(Transient):
        parse_loudness(messages)


def test_what_is_too_quiet_is_raised_and_what_peaks_is_held_lower() -> None:
    first = Mastering(-14.0, 6.0)
    quiet = first.corrected(Loudness(-15.0, -2.0))
    assert quiet.gain > 7.0
    assert quiet.ceiling == first.ceiling
    peaky = first.corrected(Loudness(-14.0, 0.5))
    assert peaky.gain == 6.0
    assert peaky.ceiling < first.ceiling - 1.5


@pytest.mark.parametrize(
    ("integrated", "true_peak", "met"),
    [(-14.0, -1.0, True), (-14.4, -3.0, True), (-14.6, -3.0, False), (-14.0, -0.9, False), (-13.4, -1.5, False)],
)
def test_a_target_is_met_within_half_a_unit_and_under_the_peak(integrated: float, true_peak: float, met: bool) -> None:
    assert Mastering(TARGETS[0], 0.0).met_by(Loudness(integrated, true_peak)) is met


def test_the_arguments_say_all_that_was_decided() -> None:
    argv = master_argv(Mastering(-14.0, 6.25, -2.0), frames=90)
    chain = argv[argv.index("-af") + 1]
    assert "highpass=f=70,acompressor=" in chain
    assert "volume=6.25dB,aresample=192000,alimiter=limit=0.7943:" in chain
    assert chain.endswith("apad,atrim=end_sample=144000")
    assert argv[argv.index("-c:a") + 1] == "aac"
    assert measure_argv("x.m4a")[-4:] == ["ebur128=framelog=quiet:peak=true", "-f", "null", "-"]
    assert TRUE_PEAK == -1.0
