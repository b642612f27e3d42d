"""What a large group costs: State, Leader and Runner of several workers, with connectors that do nothing.

Kafka is a list that refuses what the broker would refuse, a record of more than 1 MB. Every worker sees every record,
as in a real group; the steps are made in turn, in one thread, so that each can be timed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from attrs import define, field

from bridge.errors import BridgeError, Fatal, Stage
from bridge.worker import records
from bridge.worker.leader import Leader
from bridge.worker.plugins import View
from bridge.worker.records import Record
from bridge.worker.runner import Runner
from bridge.worker.state import State
from tests.bench.setting import Bench
from tests.bench.table import Row

MANY: Final = 20_000
LARGEST: Final = 1_048_588  # a topic's max.message.bytes, unless it was changed
_SINGLY: Final = 200
_STATUS: Final = (records.STATUS, records.TASK_STATUS)


@define
class Idle:
    """A connector that runs and does nothing."""

    stopped: bool = False
    error: BridgeError | None = None

    def start(self) -> None: ...

    def stop(self) -> None:
        self.stopped = True

    def join(self, timeout: float | None = None) -> bool:
        return self.stopped

    def unfinished(self) -> str | None:
        return None

    def view(self) -> View:
        return View("RUNNING", "RUNNING")

    @property
    def numbers(self) -> Idle:
        return self

    def show(self, visible: bool) -> None: ...

    def topics(self) -> tuple[str, ...]:
        return ()


class Plugin:
    """Makes them."""

    version = "1"

    def run(self, name: str, given: Mapping[str, str], worker: str) -> Idle:
        return Idle()


@define
class Group:
    """Workers that share a log; who is alive is what the test says."""

    log: list[Record] = field(factory=list)
    bytes: int = 0
    alive: dict[str, Worker] = field(factory=dict)

    def append(self, added: Sequence[Record]) -> None:
        """As a topic: refuses a record that is too large, gives each to everybody."""
        for key, value in added:
            if len(value or b"") > LARGEST:
                raise Fatal(f"record {key} has {len(value or b''):,} bytes", stage=Stage.POSITION)
        for key, value in added:
            self.log.append((key, value))
            self.bytes += len(key) + len(value or b"")
            for worker in self.alive.values():
                worker.state.apply(key, value)

    def close(self) -> None: ...

    def workers(self) -> frozenset[str]:
        return frozenset(self.alive)

    def join(self, name: str) -> None:
        """A worker that reads everything, then takes part."""
        worker = Worker(name, self)
        for key, value in dict(self.log).items():
            worker.state.apply(key, value)
        self.alive[name] = worker

    def lose_leader(self) -> None:
        self.alive.pop(next(iter(self.alive)))

    def create(self, names: Sequence[str]) -> None:
        self.append([records.connector(name, {"name": name}) for name in names])

    def settle(self) -> float:
        """Steps of everybody until nothing more is said; seconds of the worker that needed most."""
        spent = dict.fromkeys(self.alive, 0.0)
        while True:
            before = len(self.log)
            for name, worker in list(self.alive.items()):
                started = time.perf_counter()
                worker.step()
                spent[name] += time.perf_counter() - started
            if len(self.log) == before:
                return max(spent.values())

    def said(self, since: int) -> int:
        """Records of connectors' states."""
        return sum(key.startswith(_STATUS) for key, _ in self.log[since:])


class Worker:
    """One process's part; the first of the group leads."""

    def __init__(self, name: str, group: Group) -> None:
        self.name, self.group = name, group
        self.state = State()
        self.leader = Leader(name, self.state, self, lambda: group, group)
        plugin: Any = Plugin()
        self.runner = Runner(name, self.state, group, lambda config: plugin, lambda name, request: {})

    def leads(self) -> bool:
        return next(iter(self.group.alive)) == self.name

    def workers(self) -> frozenset[str]:
        return self.group.workers()

    def step(self) -> None:
        self.leader.tend()
        self.runner.step()


def simulate(many: int, workers: int = 4) -> list[Row]:
    """The rows for so many connectors."""
    group = Group()
    for index in range(workers):
        group.join(f"worker-{index}.example.com:8083")
    names = [f"salesforce-production-{index % 97:02}-order-placed-v2-{index:06}" for index in range(many)]
    rows: list[Row] = []

    def timed(what: str, act: Callable[[], None], promise: str = "", most: float | None = None) -> None:
        since, before = len(group.log), group.bytes
        act()
        seconds = group.settle()
        said = group.said(since)
        ok = None if most is None else seconds <= most
        kilobytes = (group.bytes - before) / 1000
        text = f"{seconds * 1000:,.1f} ms of the busiest worker, {said:,} states said, {kilobytes:,.0f} kB written"
        rows.append(Row(what, value=text, promise=promise, ok=ok))

    timed(f"group: {many:,} connectors created at once, {workers} workers", lambda: group.create(names))
    group.settle()
    timed("group: a look at everything, nothing new", lambda: None, "≤ 5 ms", 0.005)
    started, since = time.perf_counter(), len(group.log)
    for index in range(_SINGLY):
        group.create([f"single-{index}"])
        group.settle()
    each, said = (time.perf_counter() - started) / _SINGLY, group.said(since) / _SINGLY
    rows.append(
        Row(
            f"group: {_SINGLY} more, one after the other, all workers together",
            value=f"{each * 1000:.1f} ms each, {said:.0f} states said each",
            promise="≤ 5 ms, 2 states said",
            ok=each <= 0.005 and said == 2,
        )
    )
    timed("group: one worker more", lambda: group.join("worker-new.example.com:8083"))
    timed("group: the leader is gone", group.lose_leader)
    owners = next(iter(group.alive.values())).state.assignment
    rows.append(
        Row(
            "group: owned by a worker that lives",
            value=f"{sum(owners.owner(n) in group.alive for n in names):,}",
        )
    )
    return rows


def group(bench: Bench) -> list[Row]:
    """For ``make bench``."""
    return simulate(MANY)


if __name__ == "__main__":
    from tests.bench.table import print_rows

    print_rows(simulate(int(sys.argv[1]) if len(sys.argv) > 1 else MANY))
