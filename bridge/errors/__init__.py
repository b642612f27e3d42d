"""The one error tree. Where an error is raised, it is decided what may be done about it::

    BridgeError
    ├── Retriable            the same attempt may succeed later: the connector is restarted from its position
    ├── Fatal                trying again cannot help: the connector ends (exit 1, or FAILED)
    │   ├── ConfigurationError   the configuration or command line is wrong: every fault at once (exit 2)
    │   └── Fenced               another process took this connector over; never restarted by itself
    └── BadRecord            this one event cannot be carried: ``errors.tolerance`` decides
        ├── SetAside             … but its schema is incompatible, and that has been decided already
        └── Unexpected           … by an exception nobody thought of: counted apart (``routing/conversion.py``)

Every error carries the stage it happened in and, where there is one, the position (replay id) it concerns.
A message is one sentence that says what was found and what to do; it never holds a secret or a field's value, nor
a control character, whoever's words it quotes (``errors/words.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from attrs import field, frozen

from bridge.errors.words import printable

E = TypeVar("E", bound=BaseException)


class Stage(StrEnum):
    """Where in an event's way something happened (Kafka Connect's word for it is *stage*, too)."""

    CONFIGURATION = "CONFIGURATION"
    LOGIN = "LOGIN"
    METADATA = "METADATA"
    SUBSCRIBE = "SUBSCRIBE"
    RECEIVE = "RECEIVE"
    PARSE = "PARSE"
    TRANSFORMATION = "TRANSFORMATION"
    SCHEMA = "SCHEMA"
    ENCRYPT = "ENCRYPT"
    ENCODE = "VALUE_CONVERTER"
    PRODUCE = "KAFKA_PRODUCE"
    POSITION = "POSITION"


class BridgeError(Exception):
    """Base of every error the bridge raises on purpose."""

    def __init__(self, message: str, *, stage: Stage, position: int | None = None) -> None:
        message = self._fit(message)
        super().__init__(message)
        self.message = message
        self.stage = stage
        self.position = position

    def unsay(self, text: str, instead: str) -> None:
        """Leave a text out of the message, such as a topic's name that an event's value makes."""
        self.message = self.message.replace(text, instead)
        self.args = (self.message,)

    @staticmethod
    def _fit(message: str) -> str:
        return printable(message)


class Retriable(BridgeError):
    """May succeed later. ``retry_after`` (seconds) is a lower bound given by the other side, if any."""

    def __init__(
        self, message: str, *, stage: Stage, position: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, stage=stage, position=position)
        self.retry_after = retry_after


class Fatal(BridgeError):
    """Cannot succeed without somebody changing something; the message says what."""


class BadRecord(BridgeError):
    """One event that cannot be parsed, transformed or encoded."""


class SetAside(BadRecord):
    """One event that goes to the dead-letter topic whatever ``errors.tolerance`` says: its schema is
    incompatible, and ``bridge.schema.on.incompatible=dead_letter``."""


class Unexpected(BadRecord):
    """One event whose conversion raised what it should not: a fault of the bridge that concerns this event alone."""


class Fenced(Fatal):
    """A newer process with the same transactional id owns the connector."""


@frozen
class Fault:
    """One thing wrong with a configuration: the property, what was found (``None`` if secret), what to do."""

    key: str
    message: str = field(converter=printable)
    value: str | None = None


class ConfigurationError(Fatal):
    """All faults of a configuration, at once."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        text = "\n".join(f"{fault.key}: {fault.message}" for fault in self.faults)
        super().__init__(text, stage=Stage.CONFIGURATION)

    @staticmethod
    def _fit(message: str) -> str:
        return message  # one line for each fault


def without_frames(error: E) -> E:
    """The error, and what caused it, without the frames that raised it: an error that is kept for as long as a
    connector is FAILED must not keep alive what they held, such as Kafka's clients with their threads."""
    waiting: list[BaseException | None] = [error]
    seen = set()
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            waiting += one.__cause__, one.__context__
    return error


def fatal(message: str) -> Fatal:
    """What no retry changes, of rules, keys and ciphertext."""
    return Fatal(message, stage=Stage.ENCRYPT)


def retriable(message: str) -> Retriable:
    """What may pass, of rules, keys and ciphertext."""
    return Retriable(message, stage=Stage.ENCRYPT)
