"""Counters of a connector, and how Prometheus reads them.

``Stats`` is what the data path writes: plain numbers, each with one writer, cheap to add to. ``Metrics`` is
what a scrape reads: it renders every ``Stats`` at that moment and costs nothing in between. Where Kafka
Connect has a metric of the same meaning, its name is used as the JMX exporter spells it
(``kafka_connect_<mbean type>_<attribute>``), so that existing dashboards work; the rest is ``sfbridge_*``
with the unit in the name.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from attrs import define, field

from bridge.calls import EVERY, Calls
from bridge.counts import CAREFUL_CONVERSIONS, FOREIGN_RECORDS, LIFECYCLE_DROPPED
from bridge.errors import ConfigurationError, Fault
from bridge.limits import ORG_LIMITS
from bridge.metrics.endpoint import Endpoint
from bridge.metrics.families import by_label, expiries, family, latencies, org_limits, states
from bridge.metrics.series import BRIDGE_SERIES, CONNECT_SERIES
from bridge.metrics.stats import RETENTION, STATES, Filled, Stats

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

__all__ = [
    "BRIDGE_SERIES",
    "CONNECT_SERIES",
    "RETENTION",
    "STATES",
    "Endpoint",
    "Filled",
    "Metrics",
    "Stats",
    "serve",
]


@define(eq=False)
class Metrics:
    """A Prometheus collector over the ``Stats`` of every connector in this process, and the calls of all."""

    _stats: dict[str, Stats] = field(factory=dict)
    _calls: tuple[Calls, ...] = EVERY
    expiries: dict[str, float] = field(factory=dict)
    """What ends by itself and belongs to the process → when, in seconds since the epoch."""

    def register(self, stats: Stats) -> Stats:
        """Expose ``stats`` under its connector's name, in place of what was there under that name."""
        self._stats[stats.connector] = stats
        return stats

    def remove(self, stats: Stats) -> None:
        """Expose ``stats`` no longer; what has taken their place stays."""
        if self._stats.get(stats.connector) is stats:
            del self._stats[stats.connector]

    def of(self, connector: str) -> Stats | None:
        """The numbers of a connector that runs in this process, or has failed here."""
        return self._stats.get(connector)

    def everyone(self) -> list[Stats]:
        """The numbers of all of them."""
        return list(self._stats.values())

    def collect(self) -> Iterator[Metric]:
        """What ``prometheus_client`` calls for each scrape."""
        now = time.time()
        everyone = self.everyone()
        for series in CONNECT_SERIES:
            yield family(series, {"connector": None, "task": "0"}, everyone, now)
        for series in BRIDGE_SERIES:
            yield family(series, {"connector": None}, everyone, now)
        yield states(everyone, STATES)
        yield expiries(everyone, self.expiries)
        yield latencies(everyone)
        yield from org_limits(ORG_LIMITS)
        for calls in self._calls:
            yield calls.family()
        yield by_label(
            "sfbridge_foreign_records_total",
            "Records of topics of ours that others wrote or that are broken.",
            "topic",
            FOREIGN_RECORDS,
        )
        yield by_label(
            "sfbridge_careful_conversions_total",
            "Values that a generated encoder left to the complete, slow way.",
            "reason",
            CAREFUL_CONVERSIONS,
        )
        yield by_label(
            "sfbridge_lifecycle_events_dropped_total",
            "Lifecycle events that Kafka did not take.",
            "topic",
            LIFECYCLE_DROPPED,
        )

    def text(self) -> str:
        """The exposition text, as a scrape would get it."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry()).decode()

    def serve(self, port: int, host: str = "127.0.0.1") -> Endpoint:
        """Answer scrapes in a thread of its own; port 0 takes a free one. ConfigurationError if it cannot be had."""
        from prometheus_client import start_http_server

        try:
            server, thread = start_http_server(port, addr=host, registry=self._registry())
        except (OSError, OverflowError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise ConfigurationError(
                [Fault("--metrics-port", f"cannot listen on {host}:{port}: {reason}")]
            ) from error
        return Endpoint(host, server.server_port, server, thread)

    def _registry(self) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry, ProcessCollector

        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        ProcessCollector(registry=registry)
        return registry


def serve(port: int, stats: Iterable[Stats]) -> Endpoint:
    """``--metrics-port``: expose these connectors on 127.0.0.1."""
    metrics = Metrics()
    for one in stats:
        metrics.register(one)
    return metrics.serve(port)
