"""Numbers as Java converts, prints and reads them (Java Language Specification 5.1.3, 15.4; ``Double.toString``)."""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from bridge.java.texts import trimmed

_DIGIT: Final = "[^\\D\\U00010000-\\U0010ffff]"
"""A decimal digit as Java's ``char`` can hold one: of any script, but not beyond 16 bits."""
_WHOLE: Final = re.compile(rf"[+-]?{_DIGIT}+")
_LONGEST: Final = 40  # digits, of which an integer of 64 bits has fewer
_BITS: Final = 128  # of a hexadecimal mantissa that decide, the rest by whether there is any
_FAR: Final = 2000  # a power of two far beyond every float
_FLOAT: Final = re.compile(
    r"([+-]?)(?:(NaN|Infinity)|((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?"
    r"|0[xX]([0-9a-fA-F]*)(?:\.([0-9a-fA-F]*))?[pP]([+-]?\d+)[fFdD]?)",
    re.ASCII,
)
_DECIMAL: Final = re.compile(rf"[+-]?(?:{_DIGIT}+\.?{_DIGIT}*|\.{_DIGIT}+)(?:[eE][+-]?{_DIGIT}+)?")


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


def float32(value: float | Fraction | Decimal) -> float:
    """The nearest 32-bit float, ties to even; beyond the range infinity."""
    return _pack(value) if isinstance(value, float) else _nearest(value)


def _pack(value: float) -> float:
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _nearest(value: Fraction | Decimal) -> float:
    """Without rounding twice: a double that is not exact is made odd, so that it is no tie between two floats."""
    try:
        first = float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    if math.isinf(first):
        return first
    exact = Fraction(first) if isinstance(value, Fraction) else Decimal(first)
    if exact != value and not struct.pack("<d", first)[0] & 1:
        first = math.nextafter(first, math.inf if value > exact else -math.inf)
    return _pack(first)


def double_text(value: float) -> str:
    """``Double.toString`` as of Java 19: the fewest digits that read back, at least two.

    Python's ``repr`` finds the same digits, and spells numbers that Java writes without an exponent as Java does.
    """
    if 1e-3 <= value < 1e7 or -1e7 < value <= -1e-3:
        return repr(float(value))
    if not math.isfinite(value) or value == 0:
        return _special(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    if len(digits) == 1:  # of the decimals with two digits the nearest, where fewer would do
        sign, digits, exponent = Decimal(f"{value:.1e}").as_tuple()
    return _spelled(sign, digits, int(exponent))


def float_text(value: float) -> str:
    """``Float.toString`` as of Java 19, of the nearest 32-bit float."""
    single = _pack(value)
    if not math.isfinite(single) or single == 0:
        return _special(single)
    return _spelled(*_single_digits(single))


def shortest_float(value: float) -> float:
    """The double whose digits are the fewest that are the same 32-bit float, as Java prints one."""
    return float(float_text(value))


def _single_digits(single: float) -> tuple[int, tuple[int, ...], int]:
    """Sign, digits and the exponent of the last: the fewest, at least two, and of those the nearest."""
    exact = Fraction(single)
    for places in range(1, 9):
        sign, digits, exponent = Decimal(f"{single:.{places}e}").as_tuple()
        whole, ulp = int("".join(map(str, digits))), Fraction(10) ** int(exponent)
        # floats lie wider apart above a power of two: a neighbour may read back where the nearest does not
        near = sorted((whole, whole - 1, whole + 1), key=lambda n: abs(n * ulp - abs(exact)))
        for candidate in near:
            if _nearest(candidate * ulp) == abs(single):
                return sign, tuple(map(int, str(candidate))), int(exponent)
    raise AssertionError("nine digits tell every 32-bit float")  # pragma: no cover


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    sign = "-" if math.copysign(1, value) < 0 else ""
    return sign + ("Infinity" if math.isinf(value) else "0.0")


def _spelled(sign: int, digits: tuple[int, ...], last: int) -> str:
    """Java's spelling: with an exponent below 1E-3 and from 1E7 on. ``last`` is the exponent of the last digit."""
    text = "".join(map(str, digits)).rstrip("0")
    first = last + len(digits) - 1
    minus = "-" if sign else ""
    if not -3 <= first < 7:
        return f"{minus}{text[0]}.{text[1:] or '0'}E{first}"
    if first < 0:
        return f"{minus}0.{'0' * (-first - 1)}{text}"
    return f"{minus}{text[: first + 1].ljust(first + 1, '0')}.{text[first + 1 :] or '0'}"


def parse_whole(text: str, bits: int) -> int:
    """``Integer.parseInt`` and its like, for at most 64 bits. ValueError."""
    if not _WHOLE.fullmatch(text):
        raise ValueError("no integer")
    long = len(text) > _LONGEST  # Python reads no decimal of any length
    if long and Decimal(text).adjusted() > _LONGEST:
        raise ValueError("out of range")
    value = int(Decimal(text)) if long else int(text)
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise ValueError("out of range")
    return value


def parse_big(text: str) -> int:
    """``new BigInteger(text)``: of any length. ValueError."""
    if not _WHOLE.fullmatch(text):
        raise ValueError("no integer")
    return int(Decimal(text))


def parse_float(text: str, *, single: bool = False) -> float:
    """``Double.parseDouble`` or ``Float.parseFloat``. ValueError."""
    match = _FLOAT.fullmatch(trimmed(text))
    if match is None:
        raise ValueError("no number")
    sign, word, decimal, whole, part, power = match.groups()
    if word:
        value = math.nan if word == "NaN" else math.inf
    elif decimal:
        value = _single(decimal) if single else float(decimal)
    else:
        value = _hexadecimal(whole or "", part or "", power, single=single)
    return -value if sign == "-" else value


def _single(decimal: str) -> float:
    try:
        return _nearest(Decimal(decimal))
    except InvalidOperation:  # an exponent of 19 digits and more
        return _pack(float(decimal))


def _hexadecimal(whole: str, part: str, power: str, *, single: bool) -> float:
    """Nearest to the digits times a power of two, without ever making so large a number."""
    if not whole and not part:
        raise ValueError("no digits")
    mantissa = int(whole + part, 16)
    if not mantissa:
        return 0.0
    spare = mantissa.bit_length() - _BITS
    exponent = max(min(Decimal(power), Decimal(1 << 40)), Decimal(-1 << 40)) - 4 * len(part)
    if spare > 0:
        mantissa, exponent = mantissa >> spare | bool(mantissa & (1 << spare) - 1), exponent + spare
    highest = int(exponent) + mantissa.bit_length()
    if abs(highest) > _FAR:
        return math.inf if highest > 0 else 0.0
    exact = Fraction(mantissa) * Fraction(2) ** int(exponent)
    if single:
        return _nearest(exact)
    try:
        return float(exact)
    except OverflowError:
        return math.inf


def parse_decimal(text: str) -> Decimal:
    """``new BigDecimal(text)``. ValueError."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError("no number")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError("no number") from None
    if not -(1 << 31) <= int(value.as_tuple().exponent) < 1 << 31:
        raise ValueError("no scale")
    return value


def long_of(value: Decimal) -> int:
    """``BigDecimal.longValue``: the whole part's low 64 bits, which are 0 behind 64 zeros."""
    if value.adjusted() < 0 or int(value.as_tuple().exponent) >= 64:
        return 0
    return wrap(int(value), 64)
