"""SimpleDateFormat's patterns, and the English words in them."""

from __future__ import annotations

from typing import Final

from attrs import frozen

_LETTERS: Final = "GyMwWDdFEuaHkKhmsSzZXYL"
ERAS: Final = ("BC", "AD")
LONG_ERAS: Final = ("Before Christ", "Anno Domini")
HALVES: Final = ("AM", "PM")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
WEEKDAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


@frozen
class Part:
    """A letter so many times, or literal text where ``letter`` is empty."""

    letter: str
    count: int
    text: str = ""


def compile_pattern(pattern: str) -> tuple[Part, ...]:
    """The parts of a pattern. ValueError in Java's words."""
    parts: list[Part] = []
    quoted = False
    position = 0
    while position < len(pattern):
        char = pattern[position]
        if char == "'":
            _check(parts)
            if pattern[position + 1 : position + 2] == "'":
                parts.append(Part("", 0, "'"))
                position += 1
            else:
                quoted = not quoted
        elif quoted or not (char.isascii() and char.isalpha()):
            _check(parts)
            parts.append(Part("", 0, char))
        else:
            part = _letter(parts, char)
            _check(parts)
            parts.append(part)
        position += 1
    _check(parts)
    if quoted:
        raise ValueError("Unterminated quote")
    return tuple(parts)


def _check(parts: list[Part]) -> None:
    """ValueError for a last part that is none."""
    if parts and parts[-1].letter == "X" and parts[-1].count > 3:
        raise ValueError(f"invalid ISO 8601 format: length={parts[-1].count}")


def _letter(parts: list[Part], char: str) -> Part:
    if char not in _LETTERS:
        raise ValueError(f"Illegal pattern character '{char}'")
    count = 1
    if parts and parts[-1].letter == char:
        count += parts.pop().count
    return Part(char, count)
