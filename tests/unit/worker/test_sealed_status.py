"""What a task encrypts goes through the status topic to every worker, and from there into its status."""

from __future__ import annotations

from bridge.worker import records
from bridge.worker.herder import _shown
from bridge.worker.state import State

ENTRY = {"event": "E__e", "subject": "e-value", "version": 2, "sealed": ["Mail__c"], "payload": False}


def test_a_status_says_what_is_sealed() -> None:
    state = State()
    state.apply(f"{records.TASK_STATUS}c-0", records.status("RUNNING", None, "w", 1, "1", [ENTRY]))
    state.apply(f"{records.TASK_STATUS}d-0", records.status("RUNNING", None, "w", 1, "1"))
    assert _shown(state.tasks["c"])["sealed"] == [ENTRY]
    assert "sealed" not in _shown(state.tasks["d"]), "it does not encrypt"
    assert b"bridge-sealed" not in records.status("RUNNING", None, "w", 1, "1"), "as Kafka Connect writes it"
