r"""``${…}`` in texts, found in one pass.

A pattern that ends in ``[^}]*\}`` looks for the end from each beginning, which takes minutes where there is no end; so
nothing is looked for behind the last ``}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator


def every(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """As ``pattern.finditer(text)``, for a pattern whose matches end with ``}``."""
    return pattern.finditer(text, 0, text.rfind("}") + 1)


def filled(pattern: re.Pattern[str], text: str, value: Callable[[re.Match[str]], str]) -> str:
    """As ``pattern.sub(value, text)``, for such a pattern."""
    end = text.rfind("}") + 1
    return pattern.sub(value, text[:end]) + text[end:]
