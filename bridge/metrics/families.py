"""Numbers of connectors as families of the Prometheus exposition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from bridge.counts import Counts
from bridge.limits import OrgLimits
from bridge.metrics.series import Series
from bridge.metrics.stats import Stats

if TYPE_CHECKING:
    from prometheus_client.core import Metric


def family(series: Series, labels: dict[str, str | None], everyone: list[Stats], now: float) -> Metric:
    """One series of every connector; ``labels`` with their fixed values, the others are the connector's name."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    make = CounterMetricFamily if series.counter else GaugeMetricFamily
    family = make(series.name, series.doc, labels=list(labels))
    for stats in everyone:
        value = series.read(stats, now)
        if value is not None:
            family.add_metric([fixed or stats.connector for fixed in labels.values()], value)
    return family


def by_label(name: str, doc: str, label: str, counts: Counts) -> Metric:
    """A counter of the process, by one label."""
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(name, doc, labels=[label])
    for value, count in counts.by_label().items():
        family.add_metric([value], count)
    return family


def states(everyone: list[Stats], every: tuple[str, ...]) -> Metric:
    """1 for the state that each connector is in, 0 for the others of ``every``."""
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(
        "sfbridge_connector_state", "1 for the state the connector is in.", labels=["connector", "state"]
    )
    for stats in everyone:
        for state in dict.fromkeys((*every, stats.state)):
            family.add_metric([stats.connector, state], float(state == stats.state))
    return family


def expiries(everyone: list[Stats], own: Mapping[str, float]) -> Metric:
    """When keystores and certificates end; ``own``: of the process, whose connector is empty."""
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(
        "sfbridge_certificate_expiry_timestamp_seconds",
        "When a certificate ends.",
        labels=["connector", "what"],
    )
    for connector, of_it in [("", own), *((stats.connector, stats.expiries) for stats in everyone)]:
        for what, when in of_it.items():
            family.add_metric([connector, what], when)
    return family


def latencies(everyone: list[Stats]) -> Metric:
    """How long events took from their creation to their commit: the newest of each transaction."""
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(
        "sfbridge_event_latency_seconds",
        "From an event's creation to its commit, of the newest event of each transaction.",
        labels=["connector"],
    )
    for stats in everyone:
        family.add_metric([stats.connector], stats.latency.buckets(), stats.latency.total)
    return family


def org_limits(limits: OrgLimits) -> Iterator[Metric]:
    """How much an org may use, and how much of it is left."""
    from prometheus_client.core import GaugeMetricFamily

    most = GaugeMetricFamily("sfbridge_org_limit_max", "A limit of the org.", labels=["org", "limit"])
    left = GaugeMetricFamily(
        "sfbridge_org_limit_remaining",
        "What is left of it, asked every five minutes.",
        labels=["org", "limit"],
    )
    for org, name, limit in limits.every():
        most.add_metric([org, name], limit.most)
        left.add_metric([org, name], limit.left)
    yield from (most, left)
