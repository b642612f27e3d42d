"""A transform of the user's own may remember what it saw: each event is shown to it once, by the data path's thread."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bridge import embed
from bridge.buffer import Buffer
from bridge.event import Data, Delivery, Message
from bridge.metrics import Stats
from bridge.pipeline.commits import Commits
from bridge.pipeline.loop import Limits, Pipeline
from bridge.pipeline.policy import ErrorPolicy
from bridge.pipeline.records import OffsetRecords
from bridge.progress import Progress
from bridge.routing.lookups import LookUps
from bridge.routing.routes import Routes
from bridge.source import Ended
from tests.support.encryption import EVENT, event, writers
from tests.support.loop_run import Notes
from tests.support.toy_transforms import installed

FIRST = {"transforms": "a", "transforms.a.type": "org.example.First"}


@pytest.fixture(autouse=True)
def _package(tmp_path: Path) -> Iterator[None]:
    with installed(tmp_path):
        yield


def numbered(number: int) -> Data:
    data = event(Order_Number__c=f"O-{number}")
    data.event.replayId = number
    return data


def test_each_event_is_shown_once_while_routes_are_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    look_ups: list[object] = []
    ask = LookUps.ask
    monkeypatch.setattr(
        LookUps, "ask", lambda looks, data, channel: look_ups.append(data) or ask(looks, data, channel)
    )
    plain = {"output__data__format": "JSON", "csfle__enabled": "false"}
    own = {key.replace(".", "__"): value for key, value in FIRST.items()}
    made = writers("http://127.0.0.1:1", **plain, **own)
    buffer, notes, stats = Buffer(10**6, 10**9), Notes(), Stats(connector="x")
    pipeline = Pipeline(
        connector="x",
        commits=Commits(notes, OffsetRecords("x", "00D", "offsets"), stats),
        buffer=buffer,
        routes=Routes(made, 0.3),
        producer=notes,
        policy=ErrorPolicy(False, None, stats, print),
        stats=stats,
        limits=Limits(),
        progress=Progress(),
        on_running=lambda: None,
        on_gap=lambda last: None,
    )
    thread = threading.Thread(target=pipeline.run, name="data-path")
    thread.start()
    number, until = 0, time.monotonic() + 30
    while len(look_ups) < 3:
        assert time.monotonic() < until
        number += 1
        buffer.put(Delivery([Message(f"/event/{EVENT}", numbered(number))], 100, time.time(), []))
        time.sleep(0.005)
    buffer.put(Ended())
    thread.join(20)
    written = [
        msgspec.json.decode(record[1])["Order_Number__c"]
        for transaction in notes.transactions
        for record in transaction
        if record[0] != "offsets"
    ]
    wanted = [f"O-{one}" for one in range(1, number + 1)]
    assert written == wanted
    assert sys.modules["toy_transforms_pkg"].First.calls == [("data-path", one) for one in wanted]


def test_one_event_encoded_is_shown_once() -> None:
    with embed.practice(format="JSON") as play:
        config = embed.configuration({**play.connector, **FIRST}, play.worker, environ={})
        with embed.Codec(config, play.describe) as codec:
            encoded = [codec.encode({"Order_Number__c": number}) for number in ("O-1", "O-2", "O-1")]
    assert [len(records) for records in encoded] == [1, 1, 0]
