"""What is told of what a worker writes: each change of a state once, after it has been written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest
from attrs import define, field

from bridge.errors import BridgeError, Fatal, Retriable, Stage
from bridge.log import register_secrets
from bridge.pipeline.connector import Connector
from bridge.worker import records
from bridge.worker.lifecycle import Change
from bridge.worker.records import Record
from bridge.worker.state import State
from bridge.worker.telling import Looked, ToldLog
from tests.support.memory_worker import MemoryLog

BROKEN = Retriable("status did not acknowledge in time", stage=Stage.POSITION)


@define
class Told:
    """A worker's log, and the changes that were told of it."""

    state: State = field(factory=State)
    changes: list[Change] = field(factory=list)

    def log(self, *files: str) -> ToldLog:
        return ToldLog(MemoryLog(self.state), self.state, self.changes.append, files)

    def last(self) -> list[Change]:
        changes, self.changes[:] = list(self.changes), []
        return changes


def status(state: str, trace: str | None = None, by: str = "w", generation: int = 1) -> bytes:
    return records.status(state, trace, by, generation, "1")


def test_from_its_creation_to_its_deletion() -> None:
    told = Told()
    log = told.log()
    log.append([records.connector("orders", {"name": "orders"})])
    assert told.last() == [Change("orders", "CREATED")]
    log.append([records.connector("orders", {"name": "orders", "kafka.topic": "t"})])
    assert told.last() == [], "another configuration is no other state"
    log.append([("status-connector-orders", status("RUNNING")), ("status-task-orders-0", status("RUNNING"))])
    running = Change("orders", "RUNNING", None, None, "w", 1)
    assert told.last() == [running, Change("orders", "RUNNING", None, None, "w", 1, task=True)]
    log.append([("status-connector-orders", status("RUNNING"))])
    assert told.last() == [], "said again, it is no news"
    log.append([("status-connector-orders", status("FAILED", "the login was refused", generation=2))])
    assert told.last() == [Change("orders", "FAILED", "RUNNING", "the login was refused", "w", 2)]
    log.append([("connector-orders", None), ("target-state-orders", None)])
    assert told.last() == [Change("orders", "DELETED", "FAILED")]
    log.append([("status-connector-orders", status("UNASSIGNED")), ("status-task-orders-0", None)])
    assert told.last() == [], "nothing comes after the end"


def test_another_worker_or_another_reason_is_a_change() -> None:
    told = Told()
    log = told.log("orders")
    log.append([records.connector("orders", {"name": "orders"})])
    assert told.last() == [], "a file's connector is not created by the process that runs it"
    for trace, by in (("no route", "a"), ("no login", "a"), ("no login", "b")):
        log.append([("status-connector-orders", status("RESTARTING", trace, by))])
    assert [(one.previous, one.reason, one.worker_id) for one in told.last()] == [
        (None, "no route", "a"),
        ("RESTARTING", "no login", "a"),
        ("RESTARTING", "no login", "b"),
    ]


def test_what_was_written_though_nobody_heard_of_it_is_told_once() -> None:
    class Deaf(MemoryLog):
        def append(self, added: Sequence[Record]) -> None:
            super().append(added)
            if len(self.records) in (1, 3):
                raise BROKEN

    told = Told()
    log = ToldLog(Deaf(told.state), told.state, told.changes.append)
    with pytest.raises(Retriable):
        log.append([records.connector("orders", {"name": "orders"})])
    log.append([("status-connector-orders", status("UNASSIGNED"))])
    with pytest.raises(Retriable):
        log.append([("status-connector-orders", status("RUNNING"))])
    assert [one.state for one in told.last()] == ["CREATED", "UNASSIGNED"]
    for _ in range(2):
        log.append([("status-connector-orders", status("RUNNING"))])
    assert told.last() == [Change("orders", "RUNNING", "UNASSIGNED", None, "w", 1)]


def test_what_could_not_be_written_is_not_told() -> None:
    class Refusing(MemoryLog):
        def append(self, added: Sequence[Record]) -> None:
            raise BROKEN

    told = Told()
    told.state.configs["orders"] = {}
    log = ToldLog(Refusing(told.state), told.state, told.changes.append)
    with pytest.raises(Retriable):
        log.append([("status-connector-orders", status("RUNNING"))])
    assert told.last() == []


def test_connectors_of_a_run_are_told_when_they_change_and_without_secrets() -> None:
    register_secrets(["hunter-two-2"])

    @define
    class One:
        name: str = "orders"
        state: str = "UNASSIGNED"
        error: BridgeError | None = None
        passing: BridgeError | None = None

    one, changes = One(), list[Change]()
    looked = Looked([cast(Connector, one)], "here:1", changes.append)
    looked.look()
    one.state = "RUNNING"
    looked.look()
    looked.look()
    one.state, one.error = "FAILED", Fatal("refused with hunter-two-2", stage=Stage.LOGIN)
    looked.look()
    of_connector = [change for change in changes if not change.task]
    assert [(change.state, change.previous) for change in of_connector] == [
        ("UNASSIGNED", None),
        ("RUNNING", "UNASSIGNED"),
        ("FAILED", "RUNNING"),
    ]
    assert len(changes) == 2 * len(of_connector)
    reason = of_connector[-1].reason
    assert reason is not None
    assert reason.startswith("refused with ")
    assert "hunter" not in reason
