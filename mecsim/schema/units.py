"""Human quantities (`16.6 MHz`, `10 dBm`, `[3.5, 4.5] GHz`) to SI floats and back.

Every function raises `ValueError` with one line that says what was expected and what was given. Pint knows the units;
it is imported when the first one is read that is not one to print with, because the import alone takes longer than
loading a scenario.
"""

import math
import re
from functools import cache, lru_cache
from typing import Any, NamedTuple


class Uniform(NamedTuple):
    """A uniform range in SI units, drawn once per episode; `low == high` is a fixed value."""

    low: float
    high: float


class Place(NamedTuple):
    """A point of a plane, in metres east and north."""

    x_m: float
    y_m: float


class CountRange(NamedTuple):
    """A uniform range of whole numbers, both ends included; `low == high` is a fixed count."""

    low: int
    high: int


class Kind(NamedTuple):
    """A kind of quantity: its noun, the SI unit that a parsed float has, an example, and prefixes to print with.

    `low` and `high` are what anything physical lies well within, and a slip of the pen often not.
    """

    noun: str
    unit: str
    example: str
    low: float
    high: float
    prefixes: tuple[str, ...] = ("",)


KINDS = {
    "frequency": Kind("a frequency", "Hz", "16.6 MHz", 1.0, 1e15, ("G", "M", "k", "")),  # up to light
    "power": Kind("a power", "W", "10 mW", 1e-18, 1e12, ("", "m")),
    "rate": Kind("a rate", "/s", "0.1 /s", 1e-12, 1e12),
    "bit_rate": Kind("a bit rate", "bit/s", "64 kbit/s", 1e-3, 1e15, ("G", "M", "k", "")),
    "size": Kind("a data size", "bit", "100 Mbit", 1e-3, 1e18, ("M", "k", "")),
    "duration": Kind("a duration", "s", "1 s", 1e-12, 1e15),
    "distance": Kind("a distance", "m", "50 m", 1e-3, 1e9),  # from a millimetre to beyond the moon
    "speed": Kind("a speed", "m/s", "1.4 m/s", 1e-6, 299_792_458.0),
    "energy": Kind("an energy", "J", "6 J", 1e-15, 1e18),
    "level": Kind("a level in dB", "dB", "8 dB", 0.0, 300.0),  # a path of 300 dB is one to Saturn
}
PREFIX_FACTORS = {"G": 1e9, "M": 1e6, "k": 1e3, "": 1.0, "m": 1e-3}
_PRINTED = {
    (f"{prefix}{kind.unit}", kind.unit): PREFIX_FACTORS[prefix] for kind in KINDS.values() for prefix in kind.prefixes
}

LARGEST = 1e18  # of plain numbers; far enough inside the floats that squares and products stay finite

NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
UNIT = r"(?:1?/ ?)?[A-Za-zµμ]{1,20}(?:[/*][A-Za-zµμ]{1,20}){0,3}"
_MILLI = re.compile(r"m(?:Hz|bit|B)\b")  # of what nobody has thousandths: who writes it means mega
_NUMBER = re.compile(NUMBER)
_QUANTITY = re.compile(rf"({NUMBER})\s*({UNIT})")
_COUNTED = re.compile(rf"(?:({NUMBER})\s*)?({UNIT})")
_RANGE = re.compile(rf"\[\s*({NUMBER})\s*,\s*({NUMBER})\s*\]\s*({UNIT})")

_DEFINITIONS = """
pico- = 1e-12 = p-
nano- = 1e-9 = n-
micro- = 1e-6 = µ- = μ- = u-
milli- = 1e-3 = m-
centi- = 1e-2 = c-
kilo- = 1e3 = k-
mega- = 1e6 = M-
giga- = 1e9 = G-
tera- = 1e12 = T-
kibi- = 1024 = Ki-
mebi- = 1048576 = Mi-
gibi- = 1073741824 = Gi-
bit = [information]
byte = 8 * bit = B
meter = [length] = m = metre
second = [time] = s = sec
minute = 60 * second = min
hour = 3600 * second = h
day = 86400 * second = d
gram = [mass] = g
hertz = 1 / second = Hz
joule = kilogram * meter ** 2 / second ** 2 = J
watt = joule / second = W
"""


def show(value: object) -> str:
    """`value` as it is quoted in a message: one short line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    text = str(list(value)) if isinstance(value, (list, tuple)) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def parse_quantity(value: object, kind: str, *, bare: bool = False, zero: bool = False) -> float:
    """One quantity of `kind` (a key of `KINDS`) as a float in that kind's SI unit.

    `bare` also takes a plain number as already in the SI unit; `zero` also takes 0. Everything else has to lie between
    `low` and `high` of the kind; a level in dB has to be above `low`.
    """
    name = KINDS[kind]
    complaint = f"expected {name.noun} such as '{name.example}', got {show(value)}"
    number: float | None = None
    if isinstance(value, str) and (match := _QUANTITY.fullmatch(value.strip())):
        if _MILLI.match(match[2]):
            told = f"expected {name.noun} such as '{name.example}' (m is milli, M is mega)"
            raise ValueError(f"{told}, got {show(value)}")
        number = _to_si(float(match[1]), match[2], kind)
    elif bare or kind == "level":
        number = _to_float(value)
    if number is None:
        raise ValueError(complaint)
    if (zero and number == 0) or (number > 0 and name.low <= number <= name.high):
        return number
    if number <= 0:
        bound = "of 0 or more" if zero else "above 0"
        raise ValueError(f"expected {name.noun} {bound} such as '{name.example}', got {show(value)}")
    raise ValueError(f"expected {name.noun} from {name.low:g} to {name.high:g} {name.unit}, got {show(value)}")


def parse_range(value: object, kind: str, *, bare: bool = False, zero: bool = False) -> Uniform:
    """A range of `kind`: `"[3.5, 4.5] GHz"`, `["3.5 GHz", "4.5 GHz"]`, or one quantity for a fixed value.

    `zero` also takes 0 as an end.
    """
    name = KINDS[kind]
    if isinstance(value, str) and (match := _RANGE.fullmatch(value.strip())):
        ends: list[Any] = [f"{match[1]} {match[3]}", f"{match[2]} {match[3]}"]
    elif isinstance(value, (list, tuple)):
        ends = list(value)
    else:
        ends = [value]
    if len(ends) not in (1, 2) or (isinstance(value, list) and len(ends) != 2):
        raise ValueError(f"expected {name.noun} such as '{name.example}' or a range [low, high], got {show(value)}")
    try:
        low, high = (parse_quantity(end, kind, bare=bare, zero=zero) for end in (ends[0], ends[-1]))
    except ValueError as error:
        raise ValueError(f"{str(error).rsplit(', got ', 1)[0]}, got {show(value)}") from None
    if low > high:
        raise ValueError(f"expected a range [low, high] with low <= high, got {show(value)}")
    return Uniform(low, high)


def parse_place(value: object, *, bare: bool = False) -> Place:
    """A point of the plane: `"[120, -80] m"`, `["120 m", "-0.2 km"]`; with `bare` also numbers, which are metres."""
    ends: list[Any] = list(value) if isinstance(value, (list, tuple)) else []
    if isinstance(value, str) and (match := _RANGE.fullmatch(value.strip())):
        ends = [f"{match[1]} {match[3]}", f"{match[2]} {match[3]}"]
    try:
        x_m, y_m = (_parse_coordinate(end, bare) for end in ends)
    except ValueError:
        raise ValueError(f"expected a place such as [120, 80] m, east and north, got {show(value)}") from None
    return Place(x_m, y_m)


def _parse_coordinate(value: object, bare: bool) -> float:
    """A distance with a sign."""
    text = str(value).strip()
    distance_m = parse_quantity(text.lstrip("-"), "distance", bare=bare, zero=True)
    return -distance_m if text.startswith("-") else distance_m


def format_place(value: Place) -> str:
    """A point as text that `parse_place` reads back to exactly the same floats."""
    return "[{}, {}] m".format(*(repr(end).removesuffix(".0") for end in value))


def parse_number(value: object, *, low: float = 0.0, low_included: bool = False, high: float = LARGEST) -> float:
    """A plain number above `low` (or equal, if included) and up to `high`; text such as `5e-31` counts as one."""
    number = _to_float(value)
    if number is None or number > high or number < low or (number == low and not low_included):
        bound = f"a number of {low:g} or more" if low_included else f"a number above {low:g}"
        limit = f" and up to {high:g}" if number is not None and number > high else ""
        raise ValueError(f"expected {bound}{limit}, got {show(value)}")
    return number


def parse_count(value: object, low: int, high: int) -> int:
    """A whole number from `low` to `high`; text such as `1e6` counts as one, because YAML 1.1 reads it as text."""
    number = value if isinstance(value, int) and not isinstance(value, bool) else _to_float(value)
    if number is None or number != math.floor(number):
        raise ValueError(f"expected a whole number from {low} to {high}, got {show(value)}")
    if number < low:
        raise ValueError(f"expected at least {low}, got {show(value)}")
    if number > high:
        raise ValueError(f"expected at most {high}, got {show(value)}")
    return int(number)


def parse_count_range(value: object, low: int, high: int) -> CountRange:
    """A whole number or `[low, high]`, each from `low` to `high`."""
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise ValueError(f"expected a whole number or a range [low, high], got {show(value)}")
        ends = CountRange(parse_count(value[0], low, high), parse_count(value[1], low, high))
        if ends.low > ends.high:
            raise ValueError(f"expected a range [low, high] with low <= high, got {show(value)}")
        return ends
    count = parse_count(value, low, high)
    return CountRange(count, count)


def format_quantity(value: float, kind: str) -> str:
    """`value`, in SI units, as text that `parse_quantity` reads back to exactly the same float."""
    unit = KINDS[kind].unit
    prefix = _prefix(value, kind)
    text = f"{_short(value, prefix)} {prefix}{unit}"
    return text if parse_quantity(text, kind, zero=True) == value else f"{value!r} {unit}"


def format_range(value: Uniform, kind: str) -> str:
    """A range as text that `parse_range` reads back to exactly the same floats."""
    low, high = value
    if low == high:
        return format_quantity(low, kind)
    prefix, unit = _prefix(high, kind), KINDS[kind].unit
    text = f"[{_short(low, prefix)}, {_short(high, prefix)}] {prefix}{unit}"
    return text if parse_range(text, kind, zero=True) == value else f"[{low!r}, {high!r}] {unit}"


def _prefix(value: float, kind: str) -> str:
    """The largest prefix of `kind` that leaves at least 1 before the decimal point, else the base unit."""
    fitting = (prefix for prefix in KINDS[kind].prefixes if value >= PREFIX_FACTORS[prefix])
    return next(fitting, "")


def _short(value: float, prefix: str) -> str:
    return f"{value / PREFIX_FACTORS[prefix]:.15g}"


def _to_float(value: object) -> float | None:
    """A finite plain number as a float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        return None
    try:
        number = float(value)
    except OverflowError:  # an int beyond the floats
        return None
    return number if math.isfinite(number) else None


def _to_si(number: float, unit: str, kind: str) -> float | None:
    """`number` times `unit` in the SI unit of `kind`; None where the unit is unknown or of another kind."""
    if kind == "level":
        return number if unit == "dB" and math.isfinite(number) else None
    if kind == "power" and unit == "dBm":
        return _without_dust(10 ** ((number - 30) / 10)) if abs(number) < 1000 else None
    factor = _unit_factor(unit, KINDS[kind].unit)
    if factor is None:
        return None
    value = number if factor == 1 else _without_dust(number * factor)
    return value if math.isfinite(value) else None


def parse_unit(text: str, unit: str) -> float:
    """How many `unit` a 1 stands for that counts in `text`, a unit or a quantity: `kB`, `32 bit`."""
    match = _COUNTED.fullmatch(text.strip())
    factor = _unit_factor(match[2], unit) if match and not _MILLI.match(match[2]) else None
    counted = factor * float(match[1] or 1.0) if match and factor is not None else math.nan
    if not (0.0 < counted < math.inf):
        raise ValueError(f"expected a unit that can be told in {unit}, or a quantity, got {show(text)}")
    return _without_dust(counted)


def _without_dust(value: float) -> float:
    """16600000.000000002 as 16600000.0: no unit conversion is exact to 17 digits, and no user means the last two."""
    return float(f"{value:.15g}")


@cache
def _registry() -> Any:
    """The units of this field alone: loads in a few milliseconds, and no barn or lambda passes by accident.

    Unlike in pint's own list, `bit` has a dimension here, so that a data size cannot pass as anything else.
    """
    import pint

    registry: Any = pint.UnitRegistry(None)
    registry.load_definitions(_DEFINITIONS.splitlines())
    return registry


@lru_cache(maxsize=256)
def _unit_factor(unit: str, si_unit: str) -> float | None:
    """How many `si_unit` make one `unit`; None where `unit` is unknown or measures something else."""
    if (unit, si_unit) in _PRINTED:
        return _PRINTED[unit, si_unit]

    import pint

    one, target = (f"1{text}" if text.startswith("/") else text for text in (unit, si_unit))
    try:
        return float(_registry().Quantity(1.0, one).to(target).magnitude)
    except (pint.PintError, ValueError, AttributeError, TypeError, ArithmeticError):
        return None
