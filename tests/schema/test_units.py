"""Quantities with units: what is read, what is refused, and that printing and reading are inverse."""

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecsim.schema import units
from mecsim.schema.units import (
    KINDS,
    CountRange,
    Uniform,
    format_quantity,
    format_range,
    parse_count,
    parse_count_range,
    parse_number,
    parse_quantity,
    parse_range,
)

QUANTITY_KINDS = sorted(KINDS.keys() - {"level"})


def magnitudes(kind: str) -> st.SearchStrategy[float]:
    return st.floats(min_value=KINDS[kind].low, max_value=KINDS[kind].high)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("16.6 MHz", "frequency", 16.6e6),
        ("4GHz", "frequency", 4e9),
        ("10 mW", "power", 0.01),
        ("10 dBm", "power", 0.01),
        ("-3 dBm", "power", 10**-3.3),
        ("0.1 /s", "rate", 0.1),
        ("0.1 1/s", "rate", 0.1),
        ("6 /minute", "rate", 0.1),
        ("100 Mbit", "size", 1e8),
        ("1 MB", "size", 8e6),
        ("1 Mibit", "size", 2.0**20),
        ("1 s", "duration", 1.0),
        ("250 ms", "duration", 0.25),
        ("50 m", "distance", 50.0),
        ("1.5 km", "distance", 1500.0),
        ("8 dB", "level", 8.0),
        ("133.6", "level", 133.6),
        ("6 J", "energy", 6.0),
        ("0.540540540540541 J", "energy", 0.540540540540541),
    ],
)
def test_quantities_are_read_in_si_units(text: str, kind: str, value: float) -> None:
    assert parse_quantity(text, kind) == pytest.approx(value, rel=1e-14)


def test_conversion_leaves_no_float_dust() -> None:
    assert parse_quantity("16.6 MHz", "frequency") == 16.6e6
    assert parse_range("[3.5, 4.5] GHz", "frequency") == Uniform(3.5e9, 4.5e9)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("100 Mbit", "frequency"),
        ("100 MHz", "size"),
        ("100", "size"),
        ("5 rad", "size"),
        ("1 Mb", "size"),
        ("3 dBW", "power"),
        ("10 dBm", "energy"),
        ("10 dB", "power"),
        ("1 s/", "duration"),
        ("1 s**2", "duration"),
        ("nan s", "duration"),
        ("inf s", "duration"),
        ("1e400 s", "duration"),
        ("__import__('os')", "duration"),
        ("", "duration"),
        ("8 W", "level"),
    ],
)
def test_wrong_units_are_refused_with_an_example(text: str, kind: str) -> None:
    with pytest.raises(ValueError, match=r"^expected ") as caught:
        parse_quantity(text, kind)
    assert str(caught.value) == f"expected {KINDS[kind].noun} such as '{KINDS[kind].example}', got {text!r}"


@pytest.mark.parametrize(
    ("text", "kind"), [("20 mHz", "frequency"), ("5 mbit", "size"), ("5 mB", "size"), ("64 mbit/s", "bit_rate")]
)
def test_thousandths_of_what_has_none_are_refused(text: str, kind: str) -> None:
    """A bandwidth of 20 mHz would be a valid one, a thousand million times too narrow."""
    with pytest.raises(ValueError, match="m is milli, M is mega") as caught:
        parse_quantity(text, kind)
    assert text in str(caught.value)
    assert parse_quantity(text.replace("m", "M"), kind) > 1e6
    with pytest.raises(ValueError, match="m is milli, M is mega"):
        parse_range(f"[1, 2] {text.split()[1]}", kind)


def test_message_names_what_was_given() -> None:
    with pytest.raises(ValueError, match=r"^expected a frequency such as '16\.6 MHz', got '16\.6 mW'$"):
        parse_quantity("16.6 mW", "frequency")


@pytest.mark.parametrize("value", [True, None, math.nan, math.inf, 10**400, [1.0], {"a": 1}, 1.0])
def test_a_file_needs_units(value: object) -> None:
    with pytest.raises(ValueError, match=r"^expected a duration such as '1 s', got "):
        parse_quantity(value, "duration")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 s", "expected a duration above 0 such as '1 s', got '0 s'"),
        ("-1 s", "expected a duration above 0 such as '1 s', got '-1 s'"),
        ("2e12 s", "expected a duration from 1e-12 to 1e+12 s, got '2e12 s'"),
        ("1e-13 s", "expected a duration from 1e-12 to 1e+12 s, got '1e-13 s'"),
    ],
)
def test_quantities_have_bounds(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^expected") as caught:
        parse_quantity(text, "duration")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("999 dB", "level"),  # of a path: nothing is ever received
        ("1e16 Hz", "frequency"),
        ("3e9 m/s", "speed"),  # ten times that of light
        ("1e13 m", "distance"),
        ("1e-4 bit", "size"),
        ("200 dBm", "power"),
    ],
)
def test_what_nothing_physical_has_is_refused(text: str, kind: str) -> None:
    with pytest.raises(ValueError, match=r"^expected "):
        parse_quantity(text, kind)


def test_zero_and_bare_numbers_only_on_request() -> None:
    assert parse_quantity("0 /s", "rate", zero=True) == 0
    assert parse_quantity(2.5, "duration", bare=True) == 2.5
    with pytest.raises(ValueError, match="of 0 or more"):
        parse_quantity("-1 /s", "rate", zero=True)
    with pytest.raises(ValueError, match="above 0"):
        parse_quantity("0 dB", "level")
    with pytest.raises(ValueError, match="of 0 or more"):
        parse_quantity("-1 dB", "level", zero=True)


@pytest.mark.parametrize(
    "value", ["[3.5, 4.5] GHz", ["3.5 GHz", "4.5 GHz"], "[ 3.5 ,4.5 ]GHz", ["3500 MHz", "4.5 GHz"]]
)
def test_ranges_have_two_spellings(value: object) -> None:
    assert parse_range(value, "frequency") == Uniform(3.5e9, 4.5e9)


def test_a_single_quantity_is_a_fixed_range() -> None:
    assert parse_range("2 GHz", "frequency") == Uniform(2e9, 2e9)
    assert parse_range(2e9, "frequency", bare=True) == Uniform(2e9, 2e9)
    assert parse_range(Uniform(1.0, 2.0), "distance", bare=True) == Uniform(1.0, 2.0)


@pytest.mark.parametrize(
    "value", ["[4.5, 3.5] GHz", ["1 GHz"], ["1 GHz"] * 3, [], [1, 2], "[1, 2] mW", "[1] GHz", "[1, 2]", ["1 GHz", "2"]]
)
def test_bad_ranges_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"^expected a ") as caught:
        parse_range(value, "frequency")
    assert "\n" not in str(caught.value)


@given(st.sampled_from(QUANTITY_KINDS).flatmap(lambda kind: st.tuples(magnitudes(kind), st.just(kind))))
def test_a_printed_quantity_reads_back_exactly(drawn: tuple[float, str]) -> None:
    value, kind = drawn
    assert parse_quantity(format_quantity(value, kind), kind) == value


@given(st.sampled_from(QUANTITY_KINDS).flatmap(lambda kind: st.tuples(*[magnitudes(kind)] * 2, st.just(kind))))
def test_a_printed_range_reads_back_exactly(drawn: tuple[float, float, str]) -> None:
    ends, kind = sorted(drawn[:2]), drawn[2]
    assert parse_range(format_range(Uniform(*ends), kind), kind) == Uniform(*ends)


@given(st.text(max_size=40), st.sampled_from(sorted(KINDS)))
def test_any_text_is_read_or_refused_in_one_line(text: str, kind: str) -> None:
    value, message = 0.0, "expected "
    try:
        value = parse_quantity(text, kind)
    except ValueError as error:
        message = str(error)
    assert math.isfinite(value)
    assert message.startswith("expected ")
    assert "\n" not in message


def test_short_text_is_printed_short() -> None:
    assert format_quantity(16.6e6, "frequency") == "16.6 MHz"
    assert format_quantity(0.01, "power") == "10 mW"
    assert format_quantity(0.1, "rate") == "0.1 /s"
    assert format_range(Uniform(1.75e9, 2.25e9), "frequency") == "[1.75, 2.25] GHz"


def test_numbers_may_be_text() -> None:
    assert parse_number("5e-31") == 5e-31
    assert parse_number(3) == 3.0
    assert parse_count("1e6", 1, 10**7) == 10**6
    assert parse_count(7.0, 1, 10) == 7


@pytest.mark.parametrize("value", ["x", "nan", True, None, 0, -1, "1e19", [1]])
def test_numbers_have_bounds(value: object) -> None:
    with pytest.raises(ValueError, match=r"^expected a number above 0"):
        parse_number(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "expected at least 1, got 0"),
        (9, "expected at most 8, got 9"),
        (1.5, "expected a whole number from 1 to 8, got 1.5"),
        (True, "expected a whole number from 1 to 8, got true"),
        ("two", "expected a whole number from 1 to 8, got 'two'"),
        ([1, 2], "expected a whole number from 1 to 8, got [1, 2]"),
    ],
)
def test_counts_have_bounds(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=r"^expected") as caught:
        parse_count(value, 1, 8)
    assert str(caught.value) == message


def test_count_ranges() -> None:
    assert parse_count_range(3, 1, 8) == CountRange(3, 3)
    assert parse_count_range([1, 8], 1, 8) == CountRange(1, 8)
    for value in ([8, 1], [1], [0, 3], [1, 9]):
        with pytest.raises(ValueError, match=r"^expected"):
            parse_count_range(value, 1, 8)


@pytest.mark.parametrize("kind", KINDS)
def test_units_to_print_with_are_what_pint_says(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = [f"3.7 {prefix}{KINDS[kind].unit}" for prefix in KINDS[kind].prefixes]
    found = [parse_quantity(text, kind) for text in told]
    units._unit_factor.cache_clear()
    monkeypatch.setattr(units, "_PRINTED", {})
    assert [parse_quantity(text, kind) for text in told] == found


def test_import_needs_no_pint() -> None:
    """Nor do scenarios whose units are those that mecsim writes."""
    code = "import sys, mecsim; mecsim.load_scenario('gmorl-e6'); sys.exit('pint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
