"""A struct whose values are those of another one, as they are: under other names, fewer of them, in another order, or
with fixed texts between them. What does no more than that to a record needs no value to be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from attrs import frozen


@frozen
class Fixed:
    """A text that stands in every record."""

    text: str


@frozen
class TopicName:
    """The record's topic."""


Moves: TypeAlias = Mapping[str, str | Fixed]
"""By the name of each field afterwards, in their order: the name of the field before, or a text."""
Step: TypeAlias = Mapping[str, str | Fixed | TopicName]
"""What one transform moves."""


def followed(first: Moves, then: Step, topic: str) -> Moves:
    """Both, one after the other; ``topic``: of the record between them."""
    return {
        name: first[move] if isinstance(move, str) else move if isinstance(move, Fixed) else Fixed(topic)
        for name, move in then.items()
    }
