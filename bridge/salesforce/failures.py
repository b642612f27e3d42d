"""Why a session, or a stream, with Salesforce ended, and what that asks of the client; the same for every transport."""

from __future__ import annotations

from enum import Enum, auto

from attrs import field, frozen

from bridge.errors import BridgeError, Fatal, Retriable, Stage
from bridge.errors.words import quoted


class Verdict(Enum):
    """What an error asks of the client."""

    RENEW = auto()  # the token is no longer good: fetch another, handshake, subscribe
    HANDSHAKE = auto()  # the session is gone: handshake, subscribe
    EXPIRED = auto()  # the replay id of this subscription is not known (any more)
    LIMIT = auto()  # a quota is used up: wait long
    BUSY = auto()  # overloaded: wait a little
    FATAL = auto()  # somebody has to change something
    UNKNOWN = auto()  # not understood: treated like a lost connection


@frozen
class Failure:
    """An error and what it means; ``text`` is the other side's own words."""

    verdict: Verdict
    text: str = field(converter=quoted)
    remedy: str = ""


class UnknownReplayId(Retriable):
    """The org does not know the replay id after which a subscription was tried, or not any more."""


def refusal(channel: str, failure: Failure) -> BridgeError:
    """A failure as the error of a subscription that is tried once."""
    kinds: dict[Verdict, type[BridgeError]] = {
        Verdict.FATAL: Fatal,
        Verdict.RENEW: Fatal,
        Verdict.EXPIRED: UnknownReplayId,
    }
    text = f"Salesforce refuses {channel}: {failure.text}; {failure.remedy}".removesuffix("; ")
    return kinds.get(failure.verdict, Retriable)(text, stage=Stage.SUBSCRIBE)


class SessionOver(Exception):
    """The session cannot go on; ``wait`` (seconds) is the least the other side asked for."""

    def __init__(self, failure: Failure, wait: float | None = None) -> None:
        super().__init__(failure.text)
        self.failure = failure
        self.wait = wait
