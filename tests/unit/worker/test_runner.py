"""What a worker says of connectors when it begins."""

from bridge.worker import records
from bridge.worker.runner import Runner
from bridge.worker.state import State
from tests.support.memory_worker import WORKER, MemoryLog


def said(state: State, name: str, what: str, worker: str) -> None:
    state.apply(records.CONNECTOR + name, records.encode({"properties": {"name": name}}))
    state.apply(records.STATUS + name, records.status(what, None, worker, 1, ""))


def test_what_a_killed_process_of_the_same_worker_said_is_taken_back() -> None:
    state = State()
    said(state, "mine", "RUNNING", WORKER)
    said(state, "mine-paused", "PAUSED", WORKER)
    said(state, "another's", "RUNNING", "other:8083")
    runner = Runner(WORKER, state, MemoryLog(state), lambda config: None, lambda name, request: {})
    runner.start()
    runner.stop()
    assert {name: status.state for name, status in state.connectors.items()} == {
        "mine": "UNASSIGNED",
        "mine-paused": "PAUSED",
        "another's": "RUNNING",
    }
