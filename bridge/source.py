"""What a transport is, and all it says to the pipeline: one channel, the buffer, in the order in which things happened.

Signals are dealt with in the order in which they were put, after every event before them: a gap, the moment since when
a connector listens, the position of an idle stream are never seen too early by whoever commits.
"""

from __future__ import annotations

from threading import Event
from typing import Protocol, TypeAlias

from attrs import frozen

from bridge.errors import BridgeError
from bridge.event import Delivery


@frozen
class Listening:
    """A subscription is confirmed.

    ``since_ms`` is set where it is one to new events only: the server's time (Unix ms) at which it took effect, never
    later. Until an event is committed that moment is the position, and has to be durable before the connector is
    said to run.
    """

    since_ms: int | None = None


@frozen
class Silent:
    """The subscription has ended, and another will follow: an idle connector does not count as idle meanwhile."""


@frozen
class Gap:
    """Salesforce does not know the position any more. What follows is another subscription, with a new count of ids."""

    last: int


@frozen
class Idle:
    """Everything up to this replay id was sent; nothing of the channel is under way. Keeps the position of a quiet
    channel within what Salesforce retains, where a transport has such a keep-alive. ``raw``: the id as it came."""

    replay_id: int
    raw: bytes | None = None


@frozen
class Ended:
    """The last signal: nothing follows. ``failure``: what ended it, None after a stop."""

    failure: BridgeError | None = None


Signal: TypeAlias = Delivery | Listening | Silent | Gap | Idle | Ended


class Source(Protocol):
    """One channel of Salesforce, by whatever transport. It is given a ``Buffer`` and puts signals into it.

    What it promises, and what ``tests/contract/test_sources.py`` holds every transport to:

    - each event once and in order within a run, whatever breaks: sessions, tokens, replies, connections;
    - ``Listening`` when a subscription is confirmed (events may come with the confirmation), ``Silent`` when it is
      over, ``Gap`` before anything of a subscription that starts over;
    - it stops fetching while the buffer is full, and drops nothing that it has fetched;
    - a start at ``latest`` loses nothing that comes after ``Listening.since_ms``.
    """

    def run(self, stop: Event) -> None:
        """Receive until ``stop`` is set. Belongs to one thread; may be called again, and then goes on after the last
        event it put. Raises Fatal, or Retriable when the time for retries is over."""
        ...

    def interrupt(self) -> None:
        """End whatever ``run`` waits for; called from another thread after the event given to ``run`` was set."""
        ...
