"""From the server's socket write to a ``read_committed`` consumer, at 100 events a second, in the worst minute.

The worst minute has what an hour has once or twice: routes that are looked up again, an access token that is not
accepted any more, and another connector of the same process that receives and commits. Before and after it stands the
**floor**: a bare loop with a transaction for each event, on the same broker. What that does not reach no bridge can.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from attrs import frozen

from tests.bench import events, measure
from tests.bench.contest import AVRO
from tests.bench.end_to_end import Variant
from tests.bench.harness import Lane, PeerFailed, committed
from tests.bench.setting import Bench
from tests.bench.table import Row

_RATE = 100
_WARM = 400
_EVENTS = 6_000
_FLOOR = 1_000
_REFRESH_MS = "20000"
_WORST = Variant("bridge, Avro", form="AVRO", properties=(("bridge.schema.latest.ttl.ms", _REFRESH_MS),))


@frozen
class Latency:
    """In milliseconds."""

    events: int
    p50: float
    p99: float


def latency(bench: Bench) -> list[Row]:
    """One event every 10 ms, for a minute."""
    with ExitStack() as stack:
        floor = stack.enter_context(bench.module("floor", "commit", warm=_WARM, rate=_RATE))
        lane, other = stack.enter_context(bench.two(_WORST, AVRO, warm=_WARM, rate=_RATE))
        before = measured(floor, _FLOOR)
        with _disturbed(lane, other):
            worst = measured(lane, _EVENTS)
        after = measured(floor, _FLOOR)
    rows = rows_of(worst, ", worst minute", (5, 20))
    return [
        *rows,
        *rows_of(before, ", floor before", (None, None)),
        *rows_of(after, ", floor after", (None, None)),
    ]


def rows_of(found: Latency, of: str, promised: tuple[float | None, float | None]) -> list[Row]:
    """A row for each, with what was promised of it, in ms."""
    rows = []
    for name, value, limit in zip(("p50", "p99"), (found.p50, found.p99), promised, strict=True):
        promise, ok = ("", None) if limit is None else (f"≤ {limit} ms", value <= limit)
        rows.append(Row(f"latency at 100/s, {name}{of}", value=f"{value:.1f} ms", promise=promise, ok=ok))
    return rows


@contextmanager
def _disturbed(lane: Lane, other: Lane) -> Iterator[None]:
    """A token that is refused after 20 s, and 50 events for the other connector every second."""
    over = threading.Event()

    def disturb() -> None:
        for second in range(1, 1_000):
            if over.wait(1.0):
                return
            other.source.post("/bench/go/50")
            if second == 20:
                lane.source.post("/bench/revoke")

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def measured(lane: Lane, count: int) -> Latency:
    """Live events, one at a time, at the server's rate."""
    with committed(lane.topic) as consumer:
        lane.source.post(f"/bench/go/{count}")
        found: list[float] = []
        until = time.monotonic() + 600
        while len(found) < count:
            if time.monotonic() > until:
                raise PeerFailed(f"{len(found)} of {count} live events came")
            message = consumer.poll(0.05)
            if message is not None and (sent := events.stamp(message.value() or b"")):
                found.append((time.monotonic_ns() - sent) / 1e6)
    # The first ones pay for the reader's own start.
    kept = found[min(100, len(found) // 10) :]
    return Latency(len(kept), measure.percentile(kept, 0.5), measure.percentile(kept, 0.99))
