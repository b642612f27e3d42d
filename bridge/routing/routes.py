"""Routes: for each schema an event was published with, where it goes and the compiled function that makes its bytes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from attrs import frozen

from bridge.event import Data, Record


class Unprepared(Exception):
    """A record's target is not known yet. ``prepare`` may ask the registry, so it is called between transactions;
    then the event is converted again."""

    def __init__(self, prepare: Callable[[], None]) -> None:
        super().__init__("the record's target is not prepared")
        self.prepare = prepare


@frozen
class Route:
    """What a warm event needs. ``convert`` goes from the event to the value's bytes in one call.

    ``record`` stands instead of it where topic, key, headers or timestamp depend on the event; it returns
    None for an event that was filtered out, and raises Unprepared. Both raise BadRecord for an event they cannot
    carry.
    """

    topic: str
    convert: Callable[[Data], bytes]
    record: Callable[[Data], Record | None] | None = None
    describes: str = ""
    sealed: int = 0
    """How many protected fields ``convert`` writes for each event."""


class Resolver(Protocol):
    """Finds the route of a schema; asks Salesforce and the registry, so never inside a transaction."""

    def resolve(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Route:
        """Raise Retriable, Fatal, or BadRecord where only events of this schema cannot be carried."""
        ...


class Routes:
    """Routes by ``data.schema``, forgotten after ``ttl`` seconds so that changed schemas and rules are seen."""

    def __init__(self, resolver: Resolver, ttl: float) -> None:
        self._resolver = resolver
        self._ttl = ttl
        self._expires = time.monotonic() + ttl
        self.by_schema: dict[str | None, Route] = {}

    def resolve(self, sample: Data, channel: str | None = None) -> Route:
        """The route for the sample's schema, asked for anew. ``channel``: of the sample's message."""
        route = self._resolver.resolve(sample.schema, sample, channel)
        self.by_schema[sample.schema] = route
        return route

    def forget_expired(self) -> None:
        """Call between deliveries: the next event of each schema resolves again."""
        if time.monotonic() >= self._expires:
            self.by_schema.clear()
            self._expires = time.monotonic() + self._ttl
