"""Records of the config and status topics: written as Kafka Connect writes them, read in any order and form."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.documents import Broken
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
    for key in ("task-files-0", "commit-files", "tasks-fencing-files", "session-key"):
        state.apply(key, b'{"tasks":1}')
    with pytest.raises(Broken, match="nobody here writes"):
        state.apply("what-ever", b'{"tasks":1}')
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
        with contextlib.suppress(Broken):
            state.apply(key, value)


NESTED = b"[" * 100_000 + b"]" * 100_000
GOOD = {
    "connector-a": {"properties": {"name": "a", "tasks.max": "1"}},
    "target-state-a": {"state": "PAUSED", "state.v2": "STOPPED"},
    "restart-connector-a": {"include-tasks": True, "only-failed": False},
    "logger-cluster-x": {"level": "DEBUG"},
    "bridge-assignment": {"epoch": 7, "leader": "w", "workers": {"w": ["a"]}},
    "bridge-offsets-request-a": {
        "id": "1",
        "type": "PATCH",
        "offsets": [{"partition": {}, "offset": {"replayId": 1}}],
    },
    "bridge-offsets-outcome-a": {"id": "0", "phase": "APPLIED"},
    "status-connector-a": {"state": "RUNNING", "worker_id": "w", "generation": 7},
    "status-task-a-0": {"state": "RUNNING", "worker_id": "w", "generation": 7, "trace": None, "version": "1"},
    "status-topic-t:connector-a": {
        "topic": {"name": "t", "connector": "a", "task": 0, "discoverTimestamp": 5}
    },
    "bridge-worker-w": {"state": "LEAVING"},
}


def told() -> State:
    state = State()
    for key, value in GOOD.items():
        state.apply(key, json.dumps(value).encode())
    return state


def content(state: State) -> tuple[object, ...]:
    return (
        state.configs, state.targets, state.restarts, state.loggers, state.assignment, state.requests, state.outcomes,
        state.connectors, state.tasks, state.topics, state.leaving,
    )  # fmt: skip


@pytest.mark.parametrize("key", GOOD)
@pytest.mark.parametrize(
    "value",
    [b"", b"garbage", b"4711", b'"text"', b"[]", b"null", b"\xff", NESTED, b'{"state":' + NESTED + b"}"],
)
def test_a_broken_record_changes_nothing_and_is_no_tombstone(key: str, value: bytes) -> None:
    state = told()
    with pytest.raises(Broken):
        state.apply(key, value)
    assert content(state) == content(told())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("connector-", b'{"properties":{"a":"b"}}'),
        ("connector-a", b'{"properties":{"a":{"b":"c"}}}'),
        ("connector-a", b'{"properties":null}'),
        ("target-state-a", b'{"state":"SLEEPING"}'),
        ("bridge-assignment", b'{"epoch":1e999,"workers":{}}'),
        ("bridge-assignment", b'{"epoch":99999999999999999,"workers":{}}'),
        ("bridge-assignment", b'{"epoch":' + b"9" * 5000 + b"}"),
        ("bridge-assignment", b'{"epoch":8,"workers":{"w":"abc"}}'),
        ("bridge-assignment", b'{"epoch":8,"workers":[["w",["a"]]]}'),
        ("bridge-offsets-request-a", b'{"id":"1","type":"PATCH","offsets":"x"}'),
        ("bridge-offsets-request-a", b'{"id":"1","type":"PATCH","offsets":[[{},{}]]}'),
        ("bridge-offsets-request-a", b'{"id":1,"type":"PATCH","offsets":[]}'),
        ("bridge-offsets-request-a", b'{"type":"PATCH","offsets":[]}'),
        ("status-connector-a", b'{"state":"RUNNING","worker_id":"x","generation":99999999999}'),
        ("status-connector-a", b'{"state":"RUNNING","worker_id":"x","generation":Infinity}'),
        ("status-connector-a", b'{"state":"RUNNING","worker_id":"x","generation":-1}'),
        ("status-connector-a", b'{"state":"HAPPY","worker_id":"x","generation":7}'),
        ("status-topic-t:connector-a", b'{"topic":{"discoverTimestamp":1e400}}'),
        ("status-topic-t:connector-a", b'{"topic":{"discoverTimestamp":999999999999999999}}'),
        ("status-topic-t:connector-a", b'{"topic":"t"}'),
    ],
)
def test_numbers_and_words_are_bounded(key: str, value: bytes) -> None:
    state = told()
    with pytest.raises(Broken):
        state.apply(key, value)
    assert content(state) == content(told())


def test_a_generation_that_the_epoch_has_not_reached_shuts_nobody_up() -> None:
    state = told()
    state.apply("status-connector-a", records.status("RUNNING", None, "forged", 500, ""))
    state.apply("status-connector-a", records.status("RUNNING", None, "w", 7, ""))
    assert state.connectors["a"].worker_id == "w"


def test_after_an_enormous_epoch_the_next_one_counts() -> None:
    state = told()
    for epoch in (10**12, 10**12 + 1, 10**12 + 2):
        state.apply("bridge-assignment", json.dumps({"epoch": epoch, "workers": {}}).encode())
        assert state.assignment.epoch == epoch


def test_a_request_without_its_details_can_be_shown_all_the_same() -> None:
    state = State()
    state.apply("bridge-offsets-request-a", b'{"id":"1","type":"DELETE"}')
    assert state.requests["a"] == {"id": "1", "type": "DELETE", "offsets": [], "requested_at": ""}


def test_values_that_are_no_text_are_taken_as_connect_writes_them() -> None:
    state = State()
    state.apply("connector-a", b'{"properties":{"a":1,"b":true,"c":null,"d":"x"}}')
    assert state.configs["a"] == {"a": "1", "b": "true", "d": "x"}
