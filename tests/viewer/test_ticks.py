"""Ticks stand where they should and are written as they should."""

import math

from hypothesis import given
from hypothesis import strategies as st

from lossviz.viewer.ticks import linear_ticks, log_ticks, number, offset


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.integers(2, 12))
def test_linear_ticks_lie_inside_and_are_few(low, span, count):
    ticks = linear_ticks(low, low + span, count)
    assert len(ticks) <= 2 * count + 2
    for tick in ticks:
        assert low - 1e-6 * span - 1e-9 * abs(low) <= tick.value
        assert tick.value <= low + span + 1e-6 * span + 1e-9 * abs(low)


@given(st.floats(-290, 290), st.floats(1.0, 500), st.integers(2, 12))
def test_log_ticks_have_labels_in_any_range(exponent, decades, count):
    low, high = 10.0**exponent, 10.0 ** min(exponent + decades, 300)
    if high / low < 12:
        return
    ticks = log_ticks(low, high, count)
    assert all(low * 0.999 <= tick.value <= high * 1.001 for tick in ticks)
    labels = [tick.label for tick in ticks if tick.label]
    assert 1 <= len(labels) <= 3 * count + 3
    assert len(set(labels)) == len(labels)


def test_written_numbers():
    assert number(-0.5, 0.5) == "−0.5" and number(0.0, 0.5) == "0" and number(20.0, 10.0) == "20"
    assert number(1e5, 1e5) == "10⁵" and number(2.5e-7) == "2.5·10⁻⁷" and number(-1e9) == "−10⁹"
    assert number(math.nan) == "NaN" and number(-math.inf) == "−∞"
    assert number(12344.6) == "12345" and number(-99999) == "−99999" and number(9999.4) == "9999"


@given(st.floats(1e-5, 1e9) | st.floats(9999, 100001), st.booleans())
def test_no_number_is_written_with_an_exponent_of_a_program(size, below):
    assert "e" not in number(-size if below else size)


@given(st.integers(-20, 20))
def test_a_number_reads_as_the_tick_beside_it(exponent):
    value = float(f"1e{exponent}")
    for low, high in ((value / 300, value * 300), (value / 12, value * 1.1)):
        (tick,) = (tick for tick in log_ticks(low, high) if tick.value == value)
        assert tick.label == number(value)
    if 10 <= value < 1e4:
        (tick,) = (tick for tick in linear_ticks(0.0, 2 * value, 4) if tick.value == value)
        assert tick.label == number(value)


def test_powers_beside_a_logarithmic_axis():
    labels = [tick.label for tick in log_ticks(5e-5, 5e6, 12) if tick.label]
    assert labels == ["10⁻⁴", "0.001", "0.01", "0.1", "1", "10", "100", "1000", "10⁴", "10⁵",
                      "10⁶"]  # fmt: skip
    assert [tick.label for tick in log_ticks(1e6, 9e6) if tick.label] == ["10⁶", "2·10⁶", "5·10⁶"]


def test_nothing_for_what_is_not_finite():
    assert linear_ticks(math.nan, 1) == [] and log_ticks(0, 0)[0].value == 0
    assert linear_ticks(1.0, 1.0)[0].label == "1"
    assert [t.label for t in linear_ticks(-1, 1, 4)] == ["−1.0", "−0.5", "0", "0.5", "1.0"]


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(), st.integers(1, 12))
def test_ticks_exist_whatever_the_range_is(low, high, count):
    for ticks in (linear_ticks(low, high, count), log_ticks(low, high, count)):
        assert len(ticks) < 2000
        assert all(isinstance(tick.label, str) for tick in ticks)


def test_long_numbers_that_differ_little_are_written_without_what_they_share():
    assert offset(1000.0000001, 1000.0000009) == 1000
    ticks = linear_ticks(1000.0000001, 1000.0000009, 4)
    assert [tick.label for tick in ticks] == ["2·10⁻⁷", "4·10⁻⁷", "6·10⁻⁷", "8·10⁻⁷"]
    assert [tick.label for tick in linear_ticks(123456, 123462, 3)] == ["6", "8", "10", "12"]
    assert offset(-1234.5678, -1234.5671) == -1234.568
    assert offset(0.1, 105) == offset(1e5, 1e6) == offset(-1, 1) == offset(999, 1001) == 0


@given(st.floats(-1e300, 1e300), st.floats(1e-12, 1e300))
def test_labels_of_a_range_differ(low, span):
    high = low + span
    ticks = linear_ticks(low, high, 6)
    labels = [tick.label for tick in ticks]
    if len(ticks) > 2:
        assert len(set(labels)) == len(labels) and max(map(len, labels)) < 12


def test_two_axes_are_written_with_the_same_decimals():
    fine, coarse = linear_ticks(-1, 1, 4), linear_ticks(-1, 1, 2, like=0.5)
    assert [tick.label for tick in fine] == ["−1.0", "−0.5", "0", "0.5", "1.0"]
    assert [tick.label for tick in coarse] == ["−1.0", "0", "1.0"]
    assert [tick.label for tick in linear_ticks(-1, 1, 2, like=1e-4)] == ["−1", "0", "1"]
