"""Payloads as foreign orgs send them: dates far apart, nulls at random, texts of all lengths, Salesforce's numbers.

What a cache of ours could profit from is taken away: no two events lie together in time, no field is always there, no
length comes twice in a row. The same seed gives the same payloads.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from attrs import frozen

from bridge.documents import Json
from bridge.java.numbers import double_text
from bridge.sandbox.definition import EventDefinition, FieldDefinition

Value = Json | msgspec.Raw
"""Numbers are JSON texts, because Java writes some as Python does not: ``1.0E7``."""

NULLS: Final = 1 / 8
"""The share of values that are null, where a field may be."""
MAIL: Final = "@example.com"
_FIRST: Final = datetime(2016, 3, 1, tzinfo=UTC)
_DAYS: Final = 3650
_DAY_MS: Final = 86_400_000
_LATIN: Final = string.ascii_letters + "     .,-'\"\n"
_ALPHABETS: Final = (
    _LATIN,
    _LATIN,
    _LATIN,
    _LATIN,
    _LATIN,
    _LATIN,
    _LATIN + "äčéñøßž",
    _LATIN + "日本語漢字",
)


@frozen
class Texts:
    """How long texts are: most of them short, up to ``longest`` characters."""

    longest: int

    def draw(self, draws: random.Random, most: int) -> str:
        """One text of at most ``most`` characters."""
        longest = min(self.longest, most)
        length = int(longest * draws.random() ** 3)
        word = "".join(draws.choices(draws.choice(_ALPHABETS), k=min(length, 61)))
        return (word * (length // len(word) + 1))[:length] if word else ""


def payload(definition: EventDefinition, draws: random.Random, texts: Texts) -> dict[str, Value]:
    """One payload; no text is longer than its field. Personal data is always there, so that what encrypts it has its
    full work, and addresses of mail end alike, so that they are found where they should not be."""
    values: dict[str, Value] = {"CreatedDate": _moment(draws), "CreatedById": "0055g00000Ab1cdAAC"}
    for field in definition.fields:
        there = field.required or field.type == "boolean" or field.compliance_group is not None
        values[field.name] = _value(field, draws, texts) if there or draws.random() >= NULLS else None
    return values


def _value(field: FieldDefinition, draws: random.Random, texts: Texts) -> Value:
    draw = _DRAWS.get(field.type)
    if "Email" in field.name:
        return texts.draw(draws, 60) + MAIL
    return texts.draw(draws, field.length or 255) if draw is None else draw(draws)


def _moment(draws: random.Random) -> str:
    at = _FIRST + timedelta(milliseconds=draws.randrange(_DAYS * _DAY_MS))
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _day(draws: random.Random) -> str:
    return (_FIRST + timedelta(days=draws.randrange(_DAYS))).date().isoformat()


def _number(draws: random.Random) -> msgspec.Raw:
    value = draws.choice((1, 1, 1, -1)) * 10 ** draws.uniform(-3, 9)
    return msgspec.Raw(double_text(round(value, draws.choice((0, 2, 2, 6)))).encode())


def _flag(draws: random.Random) -> bool:
    return draws.random() < 0.5


_DRAWS: Final[dict[str, Callable[[random.Random], Value]]] = {
    "datetime": _moment,
    "date": _day,
    "double": _number,
    "boolean": _flag,
}

_MIX: Final = ("string", "double", "datetime", "string", "boolean", "date", "textarea", "double")


def wide(fields: int) -> EventDefinition:
    """An event of so many custom fields, of all types that platform events have."""
    kinds = (_MIX[number % len(_MIX)] for number in range(fields))
    return EventDefinition(
        f"Wide_{fields}__e",
        label=f"Wide {fields}",
        fields=tuple(
            FieldDefinition(f"Field_{number}__c", kind, length=60 if kind in ("string", "textarea") else None)
            for number, kind in enumerate(kinds)
        ),
    )
