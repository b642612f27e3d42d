"""What a task encrypts goes through the status topic to every worker, and from there into its status."""

from __future__ import annotations

from bridge.worker import records
from bridge.worker.answers import state_document
from bridge.worker.state import State

ENTRY = {"event": "E__e", "subject": "e-value", "version": 2, "sealed": ["Mail__c"], "payload": False}


def test_a_status_says_what_is_sealed() -> None:
    state = State()
    state.apply(f"{records.TASK_STATUS}c-0", records.status("RUNNING", None, "w", 1, "1", [ENTRY]))
    state.apply(f"{records.TASK_STATUS}d-0", records.status("RUNNING", None, "w", 1, "1"))
    assert state_document(state.tasks["c"])["sealed"] == [ENTRY]
    assert "sealed" not in state_document(state.tasks["d"]), "it does not encrypt"
    assert b"bridge-sealed" not in records.status("RUNNING", None, "w", 1, "1"), "as Kafka Connect writes it"
