"""CPU per event of the bridge as a multiple of the floor, by a method whose own noise is small.

All processes of a contest are up at the same time and carry events **in turn**, a few ten thousand each, so that what
the machine does meanwhile meets them alike; a ratio is taken within one round, and the median of the rounds counts.
The processes share one core that nothing else is bound to, and the kernel counts their time. A second floor takes part:
how far its ratio to the first lies from 1, and spreads, is the noise of the method.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from attrs import evolve, frozen

from tests.bench.end_to_end import LeftTheQuickWay, Variant, left_to_the_careful_way
from tests.bench.events import KINDS, USUAL
from tests.bench.harness import Lane
from tests.bench.measure import Cost, median, noise
from tests.bench.setting import Bench
from tests.bench.table import Row
from tests.support.ports import free_ports

JSON: Final = Variant("bridge, JSON")
AVRO: Final = Variant("bridge, Avro", form="AVRO")
PROTOBUF: Final = Variant("bridge, Protobuf", form="PROTOBUF")
JSON_SCHEMA: Final = Variant("bridge, JSON Schema", form="JSON_SR")
ENCRYPTED: Final = Variant("bridge, Avro, 3 encrypted fields", form="AVRO", encrypted=True)
PROMISED: Final = {JSON: 1.6, AVRO: 1.7, PROTOBUF: 2.0, JSON_SCHEMA: 2.0, ENCRYPTED: 2.6}
_OTHERS: Final = (JSON, AVRO, PROTOBUF)
_USUAL_BYTES: Final = 640


@frozen
class Contestant:
    """A lane, and the port of its metrics where it is a bridge."""

    lane: Lane
    metrics_port: int | None = None

    def carry(self, events: int) -> Cost:
        """Its turn. LeftTheQuickWay."""
        cost = self.lane.carry(events)
        if self.metrics_port is not None and (slow := left_to_the_careful_way(self.metrics_port)):
            raise LeftTheQuickWay(f"{self.lane.name}: left to the careful way: {slow}")
        return cost


def cpu(bench: Bench) -> list[Row]:
    """The usual events of a foreign org, in every format; here the promises count."""
    rows, costs = contest_of(bench, USUAL, tuple(PROMISED))
    middle = median([cost.micros for cost in costs["floor"]])
    for form in ("json", "avro"):
        with bench.module("plain_bridge", form) as lane:
            plain = [lane.carry(bench.events // 5) for _ in range(3)]
        ratios = [cost.micros / middle for cost in plain]
        rows.append(_row(f"plain Python bridge, {form.upper()}", plain, ratios))
    return rows


def kinds(bench: Bench) -> list[Row]:
    """The other kinds of events, for comparison; nothing is promised of them."""
    return [
        row
        for name in KINDS
        if name != USUAL
        for row in contest_of(bench, name, _OTHERS, of=f" ({name})", promised={})[0]
    ]


def contest_of(
    bench: Bench,
    kind: str,
    variants: Sequence[Variant],
    *,
    of: str = "",
    promised: Mapping[Variant, float] = PROMISED,
    floor: str = "floor",
    server: str = "server",
    reply: int = 400,
) -> tuple[list[Row], dict[str, list[Cost]]]:
    """The rows, and what each round cost. ``floor``: the floor loop's module; ``server``: who sends the events."""
    events = max(4_000, bench.events * _USUAL_BYTES // KINDS[kind].bytes)
    with ExitStack() as stack:
        channel = () if floor == "floor" else (KINDS[kind].event.channel,)
        first, again = (
            Contestant(
                stack.enter_context(bench.module(floor, *channel, kind=kind, server=server, reply=reply))
            )
            for _ in range(2)
        )
        bridges = {}
        for variant in variants:
            port = free_ports(["metrics"])["metrics"]
            more = ("--metrics-port", str(port))
            lane = bench.bridge(variant, kind=kind, more=more, server=server, reply=reply)
            bridges[variant] = Contestant(stack.enter_context(lane), port)
        rounds = [
            {"floor": first.carry(events)}
            | {variant.name: one.carry(events) for variant, one in bridges.items()}
            | {"again": again.carry(events)}
            for _ in range(bench.repeat)
        ]
    costs = {name: [one[name] for one in rounds] for name in rounds[0]}
    ratios = {
        name: [cost.micros / least.micros for cost, least in zip(its, costs["floor"], strict=True)]
        for name, its in costs.items()
    }
    rows = [_row(f"floor{of}", costs["floor"], ratios["floor"])]
    rows += [
        _row(f"{one.name}{of}", costs[one.name], ratios[one.name], promised.get(one)) for one in variants
    ]
    method = f"{median(ratios['again']):.3f} × the floor"
    check = Row(f"the floor, measured twice{of}", value=method, noise=noise(ratios["again"]))
    if promised:
        check = evolve(check, promise="1 ± 5 %", ok=abs(median(ratios["again"]) - 1) <= 0.05)
    return [*rows, check], costs


def _row(name: str, costs: list[Cost], ratios: list[float], promised: float | None = None) -> Row:
    ratio = median(ratios)
    return Row(
        name,
        rate=median([each.rate for each in costs]),
        micros=median([each.micros for each in costs]),
        ratio=ratio,
        peak_mb=max(each.peak_mb for each in costs),
        promise=f"≤ {promised} × floor" if promised else "",
        ok=ratio <= promised if promised else None,
        noise=noise(ratios),
    )
