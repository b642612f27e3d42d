"""Texts as Java handles them."""

from __future__ import annotations

import unicodedata
from typing import Final

_BLANKS: Final = "".join(map(chr, range(33)))


def trimmed(text: str) -> str:
    """``String.trim``: what is up to U+0020 goes; other blanks, such as U+00A0, stay."""
    return text.strip(_BLANKS)


def control_characters(text: str) -> list[int]:
    """``Character.isISOControl``: the code points of U+0000 to U+001F and U+007F to U+009F, in their order."""
    return [ord(character) for character in text if unicodedata.category(character) == "Cc"]
