"""Whole numbers in texts, as Java's ``Integer.parseInt`` reads them."""

from __future__ import annotations

import re
from typing import Final

INT: Final = range(-(1 << 31), 1 << 31)
_DIGITS: Final = re.compile(r"[+-]?\d+")


def whole(text: str) -> int | None:
    """The number of any size: a sign or none, digits of any script, nothing else; None where the text is none."""
    return int(text) if _DIGITS.fullmatch(text) else None


def java_int(text: str) -> int | None:
    """The number where it fits into 32 bits, else None."""
    number = whole(text)
    return number if number is not None and number in INT else None
