"""Numbers as Java converts, prints and reads them (Java Language Specification 5.1.3, 15.4; ``Double.toString``)."""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

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
    nearest = _pack(float(value)) if isinstance(value, float) else _nearest(value)
    return nearest


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
    """``Double.toString``."""
    return _text(repr(float(value)), value)


def float_text(value: float) -> str:
    """``Float.toString``."""
    single = _pack(value)
    if not math.isfinite(single) or single == 0:
        return _text(repr(single), single)
    for digits in range(1, 10):
        shortest = f"{single:.{digits - 1}e}"
        if _pack(float(shortest)) == single:
            break
    return _text(shortest, single)


def _text(shown: str, value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return sign + "0.0"
    _, parts, exponent = Decimal(shown).normalize().as_tuple()
    digits = "".join(map(str, parts))
    point = len(digits) + int(exponent)  # digits before the point
    if not 1e-3 <= abs(value) < 1e7:
        return f"{sign}{digits[0]}.{digits[1:] or '0'}E{point - 1}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    whole = digits[:point].ljust(point, "0")
    return f"{sign}{whole}.{digits[point:] or '0'}"


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
    """``new BigDecimal(text)``. ValueError."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError("no number")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("no number") from None


def decimal_to_whole(value: Decimal) -> int:
    """The integer part, whatever its size."""
    return int(value)


def number_text(value: Any) -> str:
    """``toString`` of a number that is no float."""
    return str(value)
