"""Where a connector stands, told while nothing runs."""

import json

import pytest

from bridge.documents import Broken
from bridge.metrics import Metrics, Stats
from bridge.worker import places as module
from bridge.worker import records
from bridge.worker.places import Place, Places, moved
from bridge.worker.state import State


def test_it_is_said_at_the_end_and_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    state, metrics = State(), Metrics()
    places = Places(state, metrics)
    assert places.news("a", True) == []
    stats = metrics.register(Stats("a", last_replay_id=5, resumed_created_ms=1000))
    ((key, value),) = places.news("a", True)
    assert (key, json.loads(value or b"")) == (
        "bridge-position-a",
        {"replayId": 5, "created": 1000, "committed": None},
    )
    state.apply(key, value)
    stats.last_replay_id, stats.last_created_ms, stats.last_committed_at = 6, 2000, 2.5
    assert places.news("a", True) == [], "not with each commit"
    monkeypatch.setattr(module, "_LOOK_EVERY", 0.0)
    assert places.news("a", True) == [], "nor each time that it is looked at"
    metrics.remove(stats)
    stats.last_replay_id = 7  # the last commit of one that drains
    ((key, value),) = places.news("a", False)
    assert json.loads(value or b"") == {"replayId": 7, "created": 2000, "committed": 2500}
    state.apply(key, value)
    assert places.news("a", False) == []
    assert Place.said(state, "a") == Place(7, 2000, 2500)


@pytest.mark.parametrize(
    ("offsets", "replay_id"),
    [
        (None, None),
        ([({}, None)], None),
        ([({}, {"replayId": -1})], None),
        ([({}, {"replayId": 12})], 12),
        ([({}, {"replayId": "13"})], 13),
        ([({}, {"position": 13})], None),
    ],
)
def test_what_was_moved_has_no_time(
    offsets: list[tuple[object, object]] | None, replay_id: int | None
) -> None:
    state = State()
    state.apply(*Place(1, 2, 3).record("a"))
    state.apply(*moved("a", offsets))
    assert Place.said(state, "a") == (None if replay_id is None else Place(replay_id))


def test_a_record_that_is_none_is_passed_over() -> None:
    state = State()
    for value in (b"{}", b'{"replayId":-1}', b'{"replayId":1,"created":1e30}', b"[]", b"x"):
        with pytest.raises(Broken):
            state.apply(records.POSITION + "a", value)
    assert state.positions == {}
