"""Many connectors that are only said to run: a simulated state, numbers and all, for tests of what looks at them."""

from __future__ import annotations

import time
from typing import Final

from bridge.metrics import Stats
from bridge.worker import records
from tests.support.memory_worker import GOOD, WORKER, MemoryWorker

STATES: Final = ("RUNNING",) * 16 + ("PAUSED", "STOPPED", "FAILED", "RESTARTING")
TRACE: Final = (
    "Salesforce refuses the password (invalid_grant): change salesforce.password, or the user's login"
)


def config(number: int) -> dict[str, str]:
    """The configuration of one."""
    return {
        **GOOD,
        "name": f"orders-{number:04}",
        "kafka.topic": f"Salesforce.Orders.{number}",
        "salesforce.platform.event.name": f"Order_Placed_{number}__e",
        "output.data.format": ("AVRO", "JSON_SR", "JSON", "PROTOBUF")[number % 4],
    }


def crowd(worker: MemoryWorker, size: int, owner: str = WORKER, first: int = 0) -> list[Stats]:
    """Have the state say that an owner runs so many; the numbers of those, which a test may change.

    The worker's own leader and runner must have been stopped: they would do something about it.
    """
    names = [f"orders-{number:04}" for number in range(first, first + size)]
    assigned = {one: list(others) for one, others in worker.state.assignment.workers.items()}
    workers = {**assigned, owner: names}
    value = {"epoch": worker.state.assignment.epoch + 1, "leader": WORKER, "workers": workers}
    worker.configs.append([(records.ASSIGNMENT, records.encode(value))])
    all_stats = []
    for number, name in enumerate(names, first):
        worker.configs.append([records.connector(name, config(number))])
        state = STATES[number % len(STATES)]
        said = records.status(state, TRACE if state == "FAILED" else None, owner, 1, "1")
        key = f"{records.TASK_STATUS}{name}-0"
        worker.statuses.append([(records.STATUS + name, said), (key, said)])
        if owner == WORKER and state == "RUNNING":
            all_stats.append(worker.metrics.register(_stats(name, number)))
    return all_stats


def _stats(name: str, number: int) -> Stats:
    now = time.time()
    return Stats(
        name, events_delivered=1000 + number, transactions=10, commit_seconds=0.1, last_replay_id=10_000 + number,
        last_created_ms=int((now - 2) * 1000), last_committed_at=now - 1, state="RUNNING",
    )  # fmt: skip


def carry(all_stats: list[Stats], events: int) -> None:
    """So many events more for each of them."""
    now = time.time()
    for stats in all_stats:
        stats.events_delivered += events
        stats.transactions += 1
        stats.commit_seconds += 0.02
        stats.last_created_ms, stats.last_committed_at = int(now * 1000), now
