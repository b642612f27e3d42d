"""Calls to what stands beside the data path, schema registry, key management and Salesforce's REST API: how many, how
long, how they ended.

One ``Calls`` for each kind of service and process, without a connector: connectors of a worker may share clients.
Labels are few and fixed (an operation, a type of KMS, the outcome); never an address, a subject or a key.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from attrs import define, field

from bridge import spans
from bridge.errors import Fatal

if TYPE_CHECKING:
    from prometheus_client.core import Metric

OK: Final = "ok"
REFUSED: Final = "refused"
"""An answer that asking again would not change."""
FAILED: Final = "failed"
"""No answer, or one that says that asking again may help."""
OUTCOMES: Final = (OK, REFUSED, FAILED)
BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the histogram's buckets in seconds; 30 is the registry client's time limit."""


@define
class Call:
    """A call under way. ``outcome`` is set by who learns it from an answer; an exception sets it, too. ``status`` is
    that of an HTTP answer, for the call's span."""

    outcome: str = OK
    status: int = 0


@define
class Durations:
    """How long calls took, in seconds: their sum, and how many fell into each bucket (the last is beyond all)."""

    total: float = 0.0
    counts: list[int] = field(factory=lambda: [0] * (len(BOUNDS) + 1))

    def add(self, seconds: float) -> None:
        """Count one."""
        self.total += seconds
        self.counts[bisect_left(BOUNDS, seconds)] += 1

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bounds with how many took no longer, as a histogram of the exposition has them."""
        bounds = [*map(str, BOUNDS), "+Inf"]
        return list(zip(bounds, accumulate(self.counts), strict=True))


@define(eq=False)
class Calls:
    """The calls of one kind, by ``labels`` and outcome; ``service`` is what their spans are called. Thread-safe."""

    name: str
    doc: str
    labels: tuple[str, ...]
    service: str = field(default="call", kw_only=True)
    _durations: dict[tuple[str, ...], Durations] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    @contextmanager
    def timed(self, *labels: str, facts: Mapping[str, spans.Value] | None = None) -> Iterator[Call]:
        """Around one call, which is a span, too, with ``facts`` as its attributes. Fatal is a refusal, every other
        exception a failure; they pass through."""
        call, started = Call(), time.monotonic()
        with spans.span(" ".join((self.service, *labels)), spans.CLIENT, facts) as span:
            try:
                yield call
            except BaseException as error:
                call.outcome = REFUSED if isinstance(error, Fatal) else FAILED
                raise
            finally:
                self.add(time.monotonic() - started, call.outcome, *labels)
                _tell(span, call)

    def add(self, seconds: float, outcome: str, *labels: str) -> None:
        """Count one call."""
        with self._lock:
            if (*labels, outcome) not in self._durations:
                # All outcomes from the first call on: a rate sees no first failure whose series begins with it.
                self._durations |= {(*labels, each): Durations() for each in OUTCOMES}
            self._durations[*labels, outcome].add(seconds)

    def count(self, outcome: str, *labels: str) -> int:
        """How many calls ended so."""
        with self._lock:
            duration = self._durations.get((*labels, outcome))
            return 0 if duration is None else sum(duration.counts)

    def family(self) -> Metric:
        """The histogram as a scrape gets it."""
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(self.name, self.doc, labels=[*self.labels, "outcome"])
        with self._lock:
            for labels, duration in self._durations.items():
                family.add_metric(labels, duration.buckets(), duration.total)
        return family


def _tell(span: spans.Span, call: Call) -> None:
    """How it ended. That something is not there yet (``refused``) is an answer and no failure of the call."""
    span.note("sfbridge.outcome", call.outcome)
    if call.status:
        span.note(spans.STATUS, call.status)
    if call.outcome == FAILED:
        span.failed(str(call.status or FAILED))


REGISTRY: Final = Calls(
    "sfbridge_registry_call_seconds",
    "Requests to the schema registry, retries one by one; refused: 4xx (404 for what is not there yet, too), "
    "failed: 5xx, 408, 429, network.",
    ("operation",),
    service="registry",
)
KMS: Final = Calls(
    "sfbridge_kms_call_seconds",
    "Calls to key management services; refused: denied or no such key, failed: unreachable or throttled.",
    ("kms", "operation"),
    service="kms",
)
SALESFORCE: Final = Calls(
    "sfbridge_salesforce_call_seconds",
    "Calls of Salesforce's REST API, each of which counts against the org's API requests; logins and event streams are "
    "not among them.",
    ("operation",),
    service="salesforce",
)
EVERY: Final = (REGISTRY, KMS, SALESFORCE)
