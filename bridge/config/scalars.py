"""Values of JSON as texts of a configuration, by REST and from files: as Kafka Connect has them, the words as written.

``1.50`` stays ``1.50`` and ``1e400`` stays ``1e400``: Kafka Connect's maps of text take a number's literal (Jackson,
``JsonParser.getText``), and no number is made of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any


class Whole(int):
    """A whole number with its literal."""

    literal: str

    def __new__(cls, literal: str) -> Whole:
        number = super().__new__(cls, literal)
        number.literal = literal
        return number


class Real(float):
    """A number with a fraction or an exponent, with its literal."""

    literal: str

    def __new__(cls, literal: str) -> Real:
        number = super().__new__(cls, literal)
        number.literal = literal
        return number


def load(
    text: str | bytes,
    *,
    no_number: Callable[[str], Any],
    pairs: Callable[[Sequence[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """A JSON document whose numbers keep their literals. ``no_number`` raises for ``NaN`` and its like.

    Raises what ``json.loads`` raises: ValueError, RecursionError.
    """
    return json.loads(
        text, parse_int=Whole, parse_float=Real, parse_constant=no_number, object_pairs_hook=pairs
    )


def text_of(value: str | bool | float) -> str:
    """A scalar as text: numbers of JSON as written, others as Python spells them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Whole | Real):
        return value.literal
    return value if isinstance(value, str) else repr(value)
