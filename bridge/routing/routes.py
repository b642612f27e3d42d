"""Routes by the schema that an event was published with, and when they are looked up again.

A route is looked up again when nine tenths of its time are over, beside the data path and one after the other; the
old one serves meanwhile. Only routes that are used are looked up. None serves beyond its time (``ttl``), but for one
whose look-up is under way: that one has as long again, a minute at most, so that a slow registry does not stop the
events and one that is away does. A look-up that fails takes its route away: the next event asks again, where the
failure can be dealt with.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Final, Protocol

from attrs import define

from bridge.event import Data
from bridge.routing.lookups import LooksUp, LookUp, LookUps
from bridge.routing.route import Renewed, Route, Unprepared
from bridge.waits import RENEWED_FROM

__all__ = ["Renewed", "Resolver", "Route", "Routes", "Unprepared"]

MOST: Final = 100
"""Schemas whose routes are kept, where a connector carries no more events than that."""
_GRACE: Final = 60.0  # seconds


class Resolver(LooksUp, Protocol):
    """Finds the route of a schema; asks Salesforce and the registry, so never inside a transaction."""

    def resolve(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Route:
        """Raise Retriable, Fatal, or BadRecord where only events of this schema cannot be carried."""
        ...

    def forget(self, schema_id: str | None) -> None:
        """Keep nothing of this schema: others have taken its place."""
        ...


@define(eq=False)
class _Kept:
    """``since``: when its look-up began (monotonic). ``look``: the next one."""

    route: Route
    since: float
    renew_at: float
    look: LookUp | None = None


class Routes:
    """Routes by ``data.schema``. Belongs to the thread of the data path."""

    def __init__(self, resolver: Resolver, ttl: float, most: int = MOST) -> None:
        self._resolver = resolver
        self._looks = LookUps(resolver)
        self._ttl, self._grace, self._most = ttl, min(ttl, _GRACE), most
        self._kept: dict[str | None, _Kept] = {}  # the oldest first
        self._due = float("inf")
        self.by_schema: dict[str | None, Route] = {}

    def serving(self, sample: Data, channel: str | None = None) -> Route | None:
        """The route of a schema whose time is not over, though it is looked up again. Asks nobody here and now."""
        kept = self._kept.get(sample.schema)
        if kept is None or time.monotonic() >= self._limit(kept):
            return None
        if kept.look is None:
            kept.look = self._looks.ask(sample, channel)
        self.by_schema[sample.schema] = kept.route
        self._due = min(self._due, self._limit(kept))
        return kept.route

    def resolve(self, sample: Data, channel: str | None = None) -> Route:
        """The route for the sample's schema, asked for anew; between two transactions. ``channel``: of its message."""
        kept = self._kept.get(sample.schema)
        look = None if kept is None else kept.look
        if look is not None and kept is not None and not self._looks.take_back(look):
            look.done.wait()
            kept.look = None
            if look.failure is not None:
                raise look.failure
            return self._take(look, lambda: None)
        began = time.monotonic()
        route = self._resolver.resolve(sample.schema, sample, channel)
        self._keep(sample.schema, route, began)
        return route

    def tend(self, before_settling: Callable[[], None] = lambda: None) -> None:
        """Call between deliveries: takes over what was looked up, and lets go of what is due.

        ``before_settling`` ends the transaction that is open.
        """
        while self._looks.ended:
            look = self._looks.ended.popleft()
            kept = self._kept.get(look.sample.schema)
            if kept is None or kept.look is not look:
                continue  # forgotten meanwhile, or taken over
            kept.look = None
            if look.failure is None:
                self._take(look, before_settling)
            else:
                kept.since = float("-inf")
                self.by_schema.pop(look.sample.schema, None)
        if (now := time.monotonic()) >= self._due:
            self._let_go(now)

    def forget(self) -> None:
        """Every route is asked for anew, with what is known by then."""
        self.by_schema.clear()
        for kept in self._kept.values():
            if kept.look is not None:
                self._looks.take_back(kept.look)
            kept.look, kept.since = None, float("-inf")

    def close(self) -> None:
        """Look nothing up any more."""
        self._looks.close()

    def _take(self, look: LookUp, before_settling: Callable[[], None]) -> Route:
        renewed, began = look.renewed, look.began
        assert renewed is not None
        assert began is not None
        if renewed.settle is not None:
            before_settling()
            renewed.settle()
        self._keep(look.sample.schema, renewed.route, began)
        return renewed.route

    def _keep(self, schema: str | None, route: Route, began: float) -> None:
        self._kept.pop(schema, None)
        renew_at = began + self._ttl * RENEWED_FROM * random.uniform(0.95, 1.05)  # noqa: S311 - not all at once
        self._kept[schema] = _Kept(route, began, renew_at)
        self.by_schema[schema] = route
        self._due = min(self._due, renew_at)
        while len(self._kept) > self._most:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            self.by_schema.pop(oldest, None)
            self._resolver.forget(oldest)

    def _limit(self, kept: _Kept) -> float:
        """Until when it may serve."""
        return kept.since + self._ttl + (0.0 if kept.look is None else self._grace)

    def _let_go(self, now: float) -> None:
        """Of what is to be looked up, so that its next use is noticed, and of what may serve no more."""
        self._due = float("inf")
        for schema, kept in self._kept.items():
            if schema in self.by_schema:
                until = kept.renew_at if kept.look is None else self._limit(kept)
                if now >= until:
                    del self.by_schema[schema]
                else:
                    self._due = min(self._due, until)
