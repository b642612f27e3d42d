"""The workers of the group: who leads, what runs where, what each of them costs."""

from __future__ import annotations

import sys
import threading
from typing import Final

from attrs import define

from bridge.api.exchange import Answer, Ask
from bridge.api.v1.board import Board
from bridge.api.v1.here import VERSION, Here
from bridge.api.v1.operation import BOOLEAN, INTEGER, STRING, Operation, listed, nullable, record, ref

_OWN: Final = "/bridge/v1/workers/here"


@define(eq=False)
class Workers:
    """The handlers."""

    here: Here
    board: Board

    def every(self, ask: Ask) -> Answer:
        others = self.here.peers.others()
        answers = self.here.peers.all(_OWN, ask, others) if others and not ask.forwarded else {}
        with self.here.state.changed:
            assignment = self.here.state.assignment
            leader, epoch = assignment.leader, assignment.epoch
        known = {self.here.worker_id: self._own(), **answers}
        return Answer(
            200,
            {
                "leader": leader or None,
                "epoch": epoch,
                "workers": [known.get(one) or self._silent(one) for one in self.here.workers()],
            },
        )

    def own(self, ask: Ask) -> Answer:
        return Answer(200, self._own())

    def own_connectors(self, ask: Ask) -> Answer:
        return Answer(200, self.board.own())

    def _own(self) -> dict[str, object]:
        root = self.here.loggers.get("root") or {}
        return {
            **self._silent(self.here.worker_id),
            "answered": True,
            "version": VERSION,
            "started_at": int(self.here.started_at * 1000),
            "memory_bytes": memory(),
            "threads": threading.active_count(),
            "level": root.get("level"),
        }

    def _silent(self, worker: str) -> dict[str, object]:
        with self.here.state.changed:
            assignment = self.here.state.assignment
            leaving = worker in self.here.state.leaving
            names = sorted(assignment.workers.get(worker, ()))
        return {
            "id": worker,
            "leads": assignment.leader == worker,
            "leaving": leaving,
            "answered": False,
            "connectors": names,
            "version": None,
            "started_at": None,
            "memory_bytes": None,
            "threads": None,
            "level": None,
        }


def memory() -> int | None:
    """Resident bytes of this process; None where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            pages = int(file.read().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    import resource

    return pages * resource.getpagesize() if sys.platform == "linux" else None


SCHEMAS: Final = {
    "Worker": record(
        "id", "leads", "leaving", "answered", "connectors", "version", "started_at", "memory_bytes", "threads",
        "level",
        id={**STRING, "description": "The address that it is reached at"},
        leads=BOOLEAN,
        leaving=BOOLEAN,
        answered={**BOOLEAN, "description": "Whether it has answered; else only what all know is told"},
        connectors=listed(STRING),
        version=nullable(STRING),
        started_at=nullable(INTEGER, "ms since the epoch"),
        memory_bytes=nullable(INTEGER, "Resident"),
        threads=nullable(INTEGER),
        level=nullable(STRING, "Of the root logger"),
    ),
    "Workers": record(
        "leader", "epoch", "workers",
        leader=nullable(STRING), epoch=INTEGER, workers=listed(ref("Worker")),
    ),
    "OwnRows": {"type": "object", "additionalProperties": {"type": "object"}},
}  # fmt: skip
OPERATIONS: Final[tuple[Operation[Workers], ...]] = (
    Operation("GET", "/bridge/v1/workers", "The workers of the group", Workers.every, {200: "Workers"}),
    Operation("GET", _OWN, "The worker that is asked", Workers.own, {200: "Worker"}),
    Operation(
        "GET", f"{_OWN}/connectors", "The connectors that run on the worker that is asked, by name",
        Workers.own_connectors, {200: "OwnRows"},
    ),
)  # fmt: skip
