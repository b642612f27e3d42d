"""Java's ways with numbers, dates and regular expressions, beyond what was recorded."""

import datetime
import math
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.java import numbers as numbers
from bridge.java.calendar import date_of, day_number
from bridge.java.exceptions import JavaError
from bridge.java.regex import Pattern
from bridge.java.simple_date_format import SimpleDateFormat

ISO = SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")


@given(st.floats())
def test_a_double_s_text_reads_back(value: float) -> None:
    back = numbers.parse_float(numbers.double_text(value))
    assert back == value or (math.isnan(back) and math.isnan(value))


@given(st.floats(width=32))
def test_a_float_s_text_reads_back(value: float) -> None:
    back = numbers.parse_float(numbers.float_text(value), single=True)
    assert back == value or (math.isnan(back) and math.isnan(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e7, "1.0E7"),
        (9999999.0, "9999999.0"),
        (0.001, "0.001"),
        (9.5e-4, "9.5E-4"),
        (-0.0, "-0.0"),
        (5e-324, "4.9E-324"),
        (123456789.5, "1.234567895E8"),
        (1e18, "1.0E18"),
        (2.0**60, "1.152921504606847E18"),
        (2e23, "2.0E23"),
        (1e23, "1.0E23"),
        (2e-323, "2.0E-323"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (2.2250738585072014e-308, "2.2250738585072014E-308"),
        (9007199254740993.0, "9.007199254740992E15"),
        (100.0, "100.0"),
        (-0.00123, "-0.00123"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
    ],
)
def test_java_s_text_of_a_double(value: float, text: str) -> None:
    assert numbers.double_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.4028234663852886e38, "3.4028235E38"),
        (1.401298464324817e-45, "1.4E-45"),
        (2.802596928649634e-45, "2.8E-45"),
        (1.1754943508222875e-38, "1.1754944E-38"),
        (0.1, "0.1"),
        (0.3, "0.3"),
        (16777216.0, "1.6777216E7"),
        (33554432.0, "3.3554432E7"),
        (1e10, "1.0E10"),
        (123456.79, "123456.79"),
        (2.0**-24, "5.9604645E-8"),
        (8.5e35, "8.5E35"),
        (-1.5, "-1.5"),
        (0.0, "0.0"),
    ],
)
def test_java_s_text_of_a_float(value: float, text: str) -> None:
    assert numbers.float_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_shorter_text_of_a_double_reads_back(value: float) -> None:
    digits = _digits(numbers.double_text(value))
    assert digits <= max(2, _digits(repr(value)))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_no_shorter_text_of_a_float_reads_back(value: float) -> None:
    digits = _digits(numbers.float_text(value))
    shorter = {f"{value:.{places}e}" for places in range(max(digits - 2, 0))}
    assert digits <= 2 or value not in {numbers.parse_float(text, single=True) for text in shorter}


def _digits(text: str) -> int:
    """How many significant digits it has."""
    return len(text.lower().partition("e")[0].replace(".", "").replace("-", "").strip("0"))


@given(st.integers(), st.sampled_from([8, 16, 32, 64]))
def test_wrapping_is_two_s_complement(value: int, bits: int) -> None:
    wrapped = numbers.wrap(value, bits)
    assert -(1 << bits - 1) <= wrapped < 1 << bits - 1
    assert (wrapped - value) % (1 << bits) == 0


@given(st.floats(allow_nan=False))
def test_the_nearest_float(value: float) -> None:
    try:
        expected = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        expected = math.copysign(math.inf, value)
    assert numbers.float32(value) == expected


@given(st.dates(min_value=datetime.date(1583, 1, 1)))
def test_the_calendar_is_python_s_after_the_cutover(day: datetime.date) -> None:
    number = (day - datetime.date(1970, 1, 1)).days
    assert date_of(number) == (day.year, day.month, day.day)
    assert day_number(day.year, day.month, day.day) == number


@given(st.integers(-60_000_000_000_000, 300_000_000_000_000))
def test_an_instant_s_text_reads_back(instant: int) -> None:
    assert ISO.parse(ISO.format(instant)) == instant


@given(st.integers(-10_000_000_000_000, 10_000_000_000_000))
def test_any_part_of_a_date_reads_back(instant: int) -> None:
    for pattern in (
        "EEE, d MMM yyyy HH:mm:ss.SSS zzz",
        "yyyy D H:m:s.S",
        "YYYY ww u HH:mm:ss.SSS",
        "yyyyMMddHHmmssSSS",
        "G yyyy-MM-dd hh:mm:ss.SSS a XXX",
        "yyyy MM W u kk:mm:ss.SSS",
        "yyyy MM F E KK:mm:ss.SSS a",
    ):
        form = SimpleDateFormat(pattern)
        assert form.parse(form.format(instant)) == instant, pattern


@given(st.text(max_size=30), st.sampled_from(["yyyy-MM-dd", "EEE z", "hh a X", "yyyyMMdd"]))
def test_no_text_breaks_the_parser(text: str, pattern: str) -> None:
    found = SimpleDateFormat(pattern).parse(text)
    assert found is None or isinstance(found, int)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        (r"a(?i)b|c", "aB", True),
        (r"a(?i)b|c", "C", True),
        (r"a(?i)b|c", "Ab", False),
        (r"(?i:a)b", "Ab", True),
        (r"(?i:a)b", "AB", False),
        (r"[a-c[x-z]]+", "axz", True),
        (r"[a-z&&[^m-p]&&[^a]]+", "bc", True),
        (r"[a-z&&[^m-p]&&[^a]]+", "am", False),
        (r"[^a[bc]]", "c", False),
        (r"[\w&&[^\d]]+", "a_b", True),
        (r"\p{Upper}\P{Upper}", "Ab", True),
        (r"\p{L}+", "žluť", True),
        (r"\x41\u0042\x{43}\0104\cA", "ABCD\x01", True),
        (r"[\]\-^]+", "]-^", True),
        (r"\Qa.b", "a.b", True),
        (r"(?<x>a)\k<x>\1", "aaa", True),
        (r"a.b", "a\u2028b", False),
        (r"(?s)a.b", "a\nb", True),
        (r"\h\v\R", " \n\r\n", True),
        (r"(?:a|b){2,3}+", "aba", True),
        (r"(?>a*)a", "aaa", False),
        (r"(?s-i:a.)b", "a\nb", True),
    ],
)
def test_java_s_regular_expressions(pattern: str, text: str, matches: bool) -> None:
    assert Pattern(pattern).matches(text) is matches


@pytest.mark.parametrize(
    "pattern", ["(", ")", "[", "*a", "[b-a]", "a\\", "\\p{Nothing}", "\\i", "(?<n>a)(?<n>b)", "(?x) a"]
)
def test_patterns_that_are_wrong(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        Pattern(pattern)


def test_a_script_that_is_none_is_said_without_a_word_of_time_limits() -> None:
    with pytest.raises(ValueError, match=r"^Unknown property value$"):
        Pattern(r"\p{IsNope}")


@given(st.text(alphabet="ab.*+?()[]{}\\^$|&-d1Q", max_size=12), st.text(alphabet="ab1", max_size=6))
def test_no_pattern_breaks_the_translation(pattern: str, text: str) -> None:
    try:
        compiled = Pattern(pattern)
    except ValueError:
        return
    compiled.matches(text)


@given(st.text(alphabet="a$\\{}1n0", max_size=8))
def test_no_replacement_breaks_the_expansion(replacement: str) -> None:
    with suppress(JavaError):
        assert isinstance(Pattern("(?<n>a)(b)?").replace_first("ab", replacement), str)
