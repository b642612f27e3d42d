"""What the Pub/Sub API costs: CPU per event beside the floor by gRPC, at two sizes of responses; latency; memory."""

from __future__ import annotations

from typing import Final

from tests.bench.contest import AVRO, ENCRYPTED, JSON, JSON_SCHEMA, PROTOBUF, contest_of
from tests.bench.events import USUAL
from tests.bench.latency import measured, rows_of
from tests.bench.measure import median
from tests.bench.setting import Bench
from tests.bench.table import Row

SERVER: Final = "pubsub_server"
SIZES: Final = (100, 50)
_PROMISED: Final = {JSON: 1.4, AVRO: 1.5}
_OTHERS: Final = (PROTOBUF, JSON_SCHEMA, ENCRYPTED)
_WARM: Final = 400


def pubsub(bench: Bench) -> list[Row]:
    """All of it."""
    rows: list[Row] = []
    for size in SIZES:
        variants = (*_PROMISED, *(_OTHERS if size == SIZES[0] else ()))
        more, costs = contest_of(
            bench,
            USUAL,
            variants,
            promised=_PROMISED,
            of=f" (Pub/Sub, {size} a response)",
            floor="floor_pubsub",
            server=SERVER,
            reply=size,
        )
        rows += more
    with bench.bridge(AVRO, warm=_WARM, rate=100, server=SERVER, reply=100) as lane:
        found = measured(lane, 2_000)
    rows += rows_of(found, " (Pub/Sub)", (None, 30))
    peak = max(cost.peak_mb for cost in costs[JSON.name])
    text = f"{peak:.0f} MB"
    rows.append(Row("memory, peak (Pub/Sub)", value=text, promise="≤ 140 MB", ok=peak <= 140, peak_mb=peak))
    micros = median([cost.micros for cost in costs["floor"]])
    rows.append(Row("the floor by gRPC, 50 a response", value=f"{micros:.1f} µs"))
    return rows
