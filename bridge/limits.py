"""What orgs have left of their limits, as they last said: ``salesforce/limits`` fills it, a scrape reads it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final

from attrs import define, field, frozen


@frozen
class Limit:
    """One limit of an org: how much there is, and how much of it is left."""

    most: int
    left: int


@define(eq=False)
class OrgLimits:
    """By org id and Salesforce's name of the limit. Thread-safe."""

    _by_org: dict[str, Mapping[str, Limit]] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def told(self, org: str, limits: Mapping[str, Limit]) -> None:
        """An org's answer, in place of its last."""
        with self._lock:
            self._by_org[org] = dict(limits)

    def forget(self, org: str) -> None:
        """Nobody asks this org any more, so that nothing is known of it soon."""
        with self._lock:
            self._by_org.pop(org, None)

    def every(self) -> list[tuple[str, str, Limit]]:
        """Org, name, limit."""
        with self._lock:
            return [(org, name, one) for org, limits in self._by_org.items() for name, one in limits.items()]


ORG_LIMITS: Final = OrgLimits()
