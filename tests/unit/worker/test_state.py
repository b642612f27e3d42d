"""Records of the config and status topics: written as Kafka Connect writes them, read in any order and form."""

import json

from hypothesis import given
from hypothesis import strategies as st

from bridge.worker import records
from bridge.worker.state import State


def test_records_are_kafka_connects() -> None:
    assert records.connector("files", {"a": "b"}) == ("connector-files", b'{"properties":{"a":"b"}}')
    stopped = records.target_state("files", "STOPPED")
    assert stopped == ("target-state-files", b'{"state":"PAUSED","state.v2":"STOPPED"}')
    assert records.target_state("files", "RUNNING")[1] == b'{"state":"STARTED","state.v2":"STARTED"}'
    wish = records.restart("files", True, False)
    assert wish == ("restart-connector-files", b'{"include-tasks":true,"only-failed":false}')
    said = records.status("RUNNING", None, "127.0.0.1:19083", 2, "4.3.1")
    assert said == (
        b'{"state":"RUNNING","trace":null,"worker_id":"127.0.0.1:19083","generation":2,"version":"4.3.1"}'
    )
    assert records.topic_key("lines", "files") == "status-topic-lines:connector-files"


def test_a_worker_that_slept_does_not_talk_over_its_successor() -> None:
    state = State()
    state.apply("status-connector-a", records.status("RUNNING", None, "new", 5, ""))
    state.apply("status-connector-a", records.status("FAILED", "fenced", "old", 4, ""))
    assert state.connectors["a"].worker_id == "new"
    state.apply("status-connector-a", records.status("FAILED", "why", "new", 5, ""))
    assert state.connectors["a"].state == "FAILED"


def test_an_older_assignment_does_not_replace_a_newer_one() -> None:
    state = State()
    for epoch, worker in ((2, "b"), (1, "a")):
        value = {"epoch": epoch, "leader": worker, "workers": {worker: ["c"]}}
        state.apply("bridge-assignment", records.encode(value))
    assert state.assignment.owner("c") == "b"


def test_a_request_is_pending_until_its_own_outcome() -> None:
    state = State()
    state.apply("bridge-offsets-request-a", records.encode({"id": "1", "type": "DELETE"}))
    assert state.pending("a")
    state.apply("bridge-offsets-outcome-a", records.encode({"id": "0", "phase": "APPLIED"}))
    assert state.pending("a")
    state.apply("bridge-offsets-outcome-a", records.encode({"id": "1", "phase": "FAILED"}))
    assert state.pending("a") is None


def test_connects_own_records_do_no_harm() -> None:
    state = State()
    for key in ("task-files-0", "commit-files", "tasks-fencing-files", "session-key", "what-ever"):
        state.apply(key, b'{"tasks":1}')
    assert state.configs == {}
    assert state.session_key


KEYS = st.sampled_from(
    ["connector-a", "target-state-a", "restart-connector-a", "logger-cluster-x", "status-connector-a",
     "status-task-a-0", "status-topic-t:connector-a", "bridge-offsets-request-a", "bridge-worker-w"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.lists(st.tuples(KEYS, st.none() | st.binary() | JSON.map(lambda v: json.dumps(v).encode()))))
def test_no_record_of_anybody_breaks_the_reader(found: list[tuple[str, bytes | None]]) -> None:
    state = State()
    for key, value in found:
        state.apply(key, value)
