"""Numbers as Java converts, prints and reads them (Java Language Specification 5.1.3, 15.4; ``Double.toString``)."""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

_EFFICIENT: Final = 1_000_000  # Values.TOO_BIG is 1e1000000
_BLANKS: Final = "".join(map(chr, range(33)))
_WHOLE: Final = re.compile(r"[+-]?\d+")
_FLOAT: Final = re.compile(
    r"([+-]?)(?:(NaN|Infinity)|((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?"
    r"|0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?[pP]([+-]?\d+)[fFdD]?)",
    re.ASCII,
)
_DECIMAL: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def wrap(value: int, bits: int) -> int:
    """An integer cut to a width, as Java's narrowing conversion does."""
    half = 1 << bits - 1
    return (value + half & (1 << bits) - 1) - half


def saturate(value: float, bits: int) -> int:
    """(int) or (long) of a floating-point number."""
    if math.isnan(value):
        return 0
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    if math.isinf(value):
        return high if value > 0 else low
    return min(max(int(value), low), high)


def float_to_int(value: float, bits: int) -> int:
    """``Number.byteValue`` and its like: below 32 bits by way of int."""
    return saturate(value, bits) if bits >= 32 else wrap(saturate(value, 32), bits)


def float32(value: float | Fraction) -> float:
    """The nearest 32-bit float, ties to even; beyond the range infinity."""
    return _pack(value) if isinstance(value, float) else _nearest(value)


def _pack(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _nearest(value: Fraction) -> float:
    """Without rounding twice."""
    try:
        first = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    single = _pack(first)
    if math.isinf(single) or Fraction(first) == value:
        return single
    bits = struct.unpack("<i", struct.pack("<f", abs(single)))[0]
    best, distance = single, abs(Fraction(single) - value)
    for near in (bits - 1, bits + 1):
        if 0 <= near < 0x7F800000:
            other = math.copysign(struct.unpack("<f", struct.pack("<i", near))[0], first)
            if abs(Fraction(other) - value) < distance:
                best, distance = other, abs(Fraction(other) - value)
    return best


def double_text(value: float) -> str:
    """``Double.toString`` of Java 17."""
    return _text(value, 53, -1074)


def float_text(value: float) -> str:
    """``Float.toString`` of Java 17."""
    return _text(_pack(value), 24, -149)


def _text(value: float, precision: int, lowest: int) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return sign + "0.0"
    digits, exponent = _digits(abs(value), precision, lowest)
    if not 1e-3 <= abs(value) < 1e7:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    return f"{sign}{digits[: exponent + 1].ljust(exponent + 1, '0')}.{digits[exponent + 1 :] or '0'}"


def _digits(value: float, precision: int, lowest: int) -> tuple[str, int]:
    """Significant digits and the exponent of the first, as Java made them before version 19: not always the
    fewest, and at least two where an exponent is written."""
    power = math.frexp(value)[1] - 1
    significant = min(precision, power - lowest + 1)
    if power <= 62 and value.is_integer():
        return _whole_digits(int(value), power - significant - 1 if power > significant else 0)
    exact = Fraction(value)
    margin = Fraction(2) ** (
        power - significant - (exact.numerator & exact.numerator - 1 == 0 and _alone(exact))
    )
    exponent = math.floor(math.log10(value))
    while Fraction(10) ** exponent > exact:
        exponent -= 1
    while Fraction(10) ** (exponent + 1) <= exact:
        exponent += 1
    rest, margin = exact / Fraction(10) ** exponent, margin / Fraction(10) ** exponent
    out = int(rest)
    rest, margin = (rest - out) * 10, margin * 10
    low, high = rest < margin, rest + margin > 10
    if exponent < -3 or exponent >= 8:
        low = high = False
    while not low and not high:
        digit = int(rest)
        out, rest, margin = out * 10 + digit, (rest - digit) * 10, margin * 10
        low, high = rest < margin, rest + margin > 10
    if high and (not low or rest > 5 or (rest == 5 and out % 2)):
        out += 1
    text = str(out)
    written = len(text) - 1
    exponent += 1 if out == 10**written and _grew(out, exact, exponent, written) else 0
    return text.rstrip("0") or "0", exponent


def _alone(exact: Fraction) -> bool:
    """A power of two: the number below it is only half as far away."""
    return exact.denominator & exact.denominator - 1 == 0


def _grew(out: int, exact: Fraction, exponent: int, written: int) -> bool:
    """Whether rounding up added a digit in front."""
    return Fraction(out) / Fraction(10) ** written * Fraction(10) ** exponent < exact / 2


def _whole_digits(value: int, beyond: int) -> tuple[str, int]:
    """An integer's digits but for those that its precision does not reach (``beyond`` bits)."""
    dropped = int(beyond * math.log10(2)) if beyond > 1 else 0
    exponent = len(str(value)) - 1
    if dropped:
        kept, residue = divmod(value, 10**dropped)
        value = (kept + (residue >= 10**dropped // 2)) * 10**dropped
        exponent = len(str(value)) - 1
    return str(value).rstrip("0"), exponent


def parse_whole(text: str, bits: int) -> int:
    """``Integer.parseInt`` and its like. ValueError."""
    if not _WHOLE.fullmatch(text):
        raise ValueError("no integer")
    value = int(text)
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise ValueError("out of range")
    return value


def parse_float(text: str, *, single: bool = False) -> float:
    """``Double.parseDouble`` or ``Float.parseFloat``. ValueError."""
    match = _FLOAT.fullmatch(text.strip(_BLANKS))
    if match is None:
        raise ValueError("no number")
    sign, word, decimal, whole, part, power = match.groups()
    if word:
        value = math.nan if word == "NaN" else math.inf
    elif decimal:
        value = float32(Fraction(decimal)) if single and _sane(decimal) else float(decimal)
        value = _pack(value) if single else value
    else:
        if not whole and not part:
            raise ValueError("no digits")
        digits = (whole or "") + (part or "")
        exact = Fraction(int(digits, 16)) * Fraction(2) ** (int(power) - 4 * len(part or ""))
        value = float32(exact) if single else float(exact)
    return -value if sign == "-" else value


def _sane(decimal: str) -> bool:
    """Whether an exact fraction of it stays small; what does not is far beyond the range in any case."""
    return abs(int((decimal.lower() + "e0").split("e")[1])) < 400


def parse_decimal(text: str) -> Decimal:
    """``new BigDecimal(text)``, within the range that Connect works with. ValueError."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError("no number")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError("no number") from None
    if value and not -_EFFICIENT <= value.adjusted() < _EFFICIENT:
        raise ValueError("outside efficient parsing range")
    return value
