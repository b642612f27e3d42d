"""``sfbridge offsets`` straight on the topic: what it stores is where the next run begins."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.cli.main import main
from bridge.sandbox.org import Org
from tests.support.bridge_run import EVENT, Bridge
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read


@pytest.fixture
def bridge(tmp_path: Path, broker: Broker, org: Org) -> Bridge:
    return Bridge.of(tmp_path, broker, org)


def offsets(bridge: Bridge, action: str, *more: str) -> int:
    files = [str(bridge.connector_file()), *more, "--worker", str(bridge.worker_file())]
    return main(["offsets", action, *files])


def answer(bridge: Bridge, capsys: pytest.CaptureFixture[str], action: str, *more: str) -> Any:
    capsys.readouterr()
    assert offsets(bridge, action, *more, "-o", "json") == 0
    return json.loads(capsys.readouterr().out)


def test_a_run_begins_where_the_position_was_set(
    bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = org.publish_many(EVENT, 10)
    bridge.run(max_events=10)
    got = answer(bridge, capsys, "get")
    assert got["offsets"] == [{"partition": {}, "offset": {"replayId": ids[-1]}}]
    assert got["org_id"]
    moved = answer(bridge, capsys, "set", str(ids[5]))
    assert moved["previous_offsets"][0]["offset"]["replayId"] == ids[-1]
    bridge.run(max_events=4)
    assert bridge.replay_ids() == ids + ids[6:]


def test_reset_starts_as_a_new_connector(
    bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = org.publish_many(EVENT, 3)
    bridge.run(max_events=3)
    assert answer(bridge, capsys, "reset", "--yes")["offsets"] == []
    assert bridge.position() is None
    assert answer(bridge, capsys, "describe")["offsets"] == []
    bridge.run(max_events=3)
    assert bridge.replay_ids() == ids + ids


def test_another_orgs_position_names_the_remedy_and_the_remedy_works(bridge: Bridge, org: Org) -> None:
    org.publish_many(EVENT, 2)
    bridge.run(max_events=2)
    org.refresh()
    failed = bridge.run(max_events=1)
    assert failed.error
    assert "sfbridge offsets reset" in failed.error.message
    assert offsets(bridge, "reset", "--yes") == 0
    ids = org.publish_many(EVENT, 2)
    assert bridge.run(max_events=2).error is None
    assert bridge.replay_ids()[-2:] == ids


def test_positions_come_from_connects_topic_and_from_the_managed_connectors_json(
    bridge: Bridge, tmp_path: Path, capsys: pytest.CaptureFixture[str], make_topic: Any
) -> None:
    theirs = make_topic()
    producer = Producer(bridge.broker.client())
    producer.produce(theirs, b'{"replayId":4711}', f'["{bridge.name}",{{}}]'.encode())
    producer.flush(10)
    moved = answer(bridge, capsys, "import", "--from-topic", theirs)
    assert moved["offsets"] == [{"partition": {}, "offset": {"replayId": 4711}}]
    managed = {
        "id": "lcc-example123",
        "offsets": [{"partition": {}, "offset": {"replayId": 120572741}}],
        "metadata": {"observed_at": "2024-03-28T17:57:48.139635200Z"},
    }
    (tmp_path / "old.json").write_text(json.dumps(managed))
    answer(bridge, capsys, "import", "--from-json", str(tmp_path / "old.json"), "--yes")
    records = read(bridge.broker, bridge.offsets)
    key = f'["{bridge.name}",{{}}]'.encode()
    assert [m.value() for m in records if m.key() == key] == [b'{"replayId":4711}', b'{"replayId":120572741}']


def test_set_check_asks_salesforce_first(
    bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = org.publish_many(EVENT, 3)
    assert offsets(bridge, "set", "999999999999", "--check") == 1
    assert "was tried and the position not moved" in capsys.readouterr().err
    assert answer(bridge, capsys, "get")["offsets"] == []
    assert offsets(bridge, "set", str(ids[0]), "--check") == 0


@pytest.mark.parametrize("wrong", ["x", "1.5", "-3", "9223372036854775808", "٣"])
def test_what_is_no_replay_id_is_refused(
    bridge: Bridge, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offsets(bridge, "set", wrong) == 2
    assert "REPLAY_ID" in capsys.readouterr().err


def test_what_loses_events_is_asked_about(
    bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = org.publish_many(EVENT, 4)
    bridge.run(max_events=2)
    for words in (("reset",), ("set", str(ids[3]))):
        assert offsets(bridge, *words) == 2
        assert "--yes: is needed where there is no terminal" in capsys.readouterr().err
    assert bridge.position() == {"replayId": ids[1]}
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: "n\n", raising=False)
    assert offsets(bridge, "reset") == 1
    assert "Go on? [y/N]" in (err := capsys.readouterr().err)
    assert err.endswith("sfbridge: nothing was changed\n")
    monkeypatch.setattr("sys.stdin.readline", lambda: "y\n", raising=False)
    assert offsets(bridge, "set", str(ids[3])) == 0
    assert offsets(bridge, "set", str(ids[0])) == 0, "backwards nothing is lost"


def test_a_dry_run_says_what_would_be(bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str]) -> None:
    ids = org.publish_many(EVENT, 2)
    bridge.run(max_events=2)
    would = answer(bridge, capsys, "reset", "--dry-run")
    assert (would["offsets"], would["previous_offsets"][0]["offset"]["replayId"]) == ([], ids[1])
    assert offsets(bridge, "set", str(ids[0]), "--dry-run") == 0
    assert f"position would be replay id {ids[0]}; it is {ids[1]}" in capsys.readouterr().out
    assert bridge.position() == {"replayId": ids[1]}


def test_a_position_at_a_time(
    bridge: Bridge, org: Org, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.inspection.retained._QUIET", 1.0)
    days = [org.publish(EVENT, {}, created=time.time() - hours * 3600) for hours in (48, 36, 24, 12)]
    moved = answer(bridge, capsys, "set", "--at", "30h", "--yes")
    assert moved["offsets"][0]["offset"]["replayId"] == days[1]
    bridge.run(max_events=2)
    assert bridge.replay_ids() == days[2:]
    assert answer(bridge, capsys, "set", "--at", "1h", "--yes")["offsets"][0]["offset"]["replayId"] == days[3]
    assert offsets(bridge, "set", "--at", "60h", "--yes") == 1
    assert "salesforce.initial.start=all begins with it" in capsys.readouterr().err
    assert offsets(bridge, "set") == 2
    assert "REPLAY_ID: is required, or --at TIME" in capsys.readouterr().err
