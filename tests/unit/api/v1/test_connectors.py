"""Connectors at a glance: pages, order, filters, changes; a thousand of them; those of workers that do not answer."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from bridge.api.exchange import Answer
from bridge.api.v1 import board as boards
from bridge.worker import records
from bridge.worker.glance import CONDITIONS
from tests.support.crowd import TRACE, carry, config, crowd
from tests.support.memory_worker import JSON, WORKER, MemoryWorker
from tests.vectors.connect_stubs import World, stubs

PATH = "/bridge/v1/connectors"


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> MemoryWorker:
    monkeypatch.setattr(boards, "_FRESH", 0.0)
    monkeypatch.setattr(boards, "_PEERS_FRESH", 0.0)
    worker = MemoryWorker(stubs(World()))
    worker.stop()
    return worker


def ask(worker: MemoryWorker, path: str, **headers: str) -> Answer:
    return worker.site.answer("GET", path, {**JSON, **headers}, b"", f"http://{WORKER}")


def get(worker: MemoryWorker, path: str) -> Any:
    answer = ask(worker, path)
    assert answer.status == 200, answer
    return json.loads(answer.content())


def test_a_row_says_what_an_operator_wants_to_know(worker: MemoryWorker) -> None:
    all_stats = crowd(worker, 20)
    for _ in range(13):
        carry(all_stats, 50)
        worker.watch.sampler.tick(worker.state.configs, time.time())
    (row,) = get(worker, f"{PATH}?search=orders-0001")["items"]
    assert {key: row[key] for key in ("name", "event", "channel", "topic", "format", "worker")} == {
        "name": "orders-0001",
        "event": "Order_Placed_1__e",
        "channel": None,
        "topic": "salesforce.orders.1",
        "format": "JSON_SR",
        "worker": WORKER,
    }
    assert (row["state"], row["connect_state"], row["condition"]) == ("RUNNING", "RUNNING", "running")
    assert row["rate"] > 0
    assert 0 <= row["lag"] < 60
    assert 71.9 < row["window_hours_left"] <= 72
    assert abs(row["last_event_at"] / 1000 - time.time()) < 60
    assert (row["delivered"], row["errors"], row["dead_letters"]) == (1001 + 13 * 50, 0, 0)
    assert row["replay_id"] == 10_001
    (failed,) = get(worker, f"{PATH}?condition=failed")["items"]
    assert (failed["reason"], failed["whose"], failed["state"]) == (TRACE, "yours", "FAILED")
    told = (
        ask(worker, f"{PATH}?spark=true").content() + ask(worker, f"{PATH}/orders-0001").content()
    ).decode()
    secret = {text for key, text in config(1).items() if "secret" in key or "password" in key}
    assert not [text for text in secret if text in told]


def test_the_position_is_told_while_nothing_runs(worker: MemoryWorker) -> None:
    crowd(worker, 20)
    created = int((time.time() - 10 * 3600) * 1000)
    value = {"replayId": 77, "created": created, "committed": created + 5}
    worker.statuses.append([(records.POSITION + "orders-0017", records.encode(value))])
    (row,) = get(worker, f"{PATH}?condition=stopped")["items"]
    assert (row["replay_id"], row["last_event_at"], row["last_commit_at"]) == (77, created, created + 5)
    assert row["window_hours_left"] == pytest.approx(62, abs=0.1)


def test_pages_orders_and_filters(worker: MemoryWorker) -> None:
    crowd(worker, 250)
    first = get(worker, f"{PATH}?sort=name")
    assert (len(first["items"]), first["total"], first["met"], first["page"], first["pages"]) == (
        100,
        250,
        250,
        1,
        3,
    )
    assert first["counts"]["failed"] == 12
    assert sum(first["counts"].values()) == 250
    last = get(worker, f"{PATH}?sort=name&page=3")
    assert [row["name"] for row in last["items"]] == [f"orders-{number:04}" for number in range(200, 250)]
    down = get(worker, f"{PATH}?sort=-event&limit=2")
    assert down["items"][0]["event"] == max(f"Order_Placed_{number}__e" for number in range(250))
    gravest = [row["condition"] for row in get(worker, PATH)["items"]]
    assert gravest[0] == "failed"
    assert gravest == sorted(gravest, key=CONDITIONS.index)
    some = get(worker, f"{PATH}?condition=paused,stopped&sort=name")
    assert some["met"] == 24
    assert {row["condition"] for row in some["items"]} == {"paused", "stopped"}
    assert get(worker, f"{PATH}?search=orders+0007")["met"] == 1
    assert get(worker, f"{PATH}?worker=nobody")["met"] == 0
    lag = [row["lag"] for row in get(worker, f"{PATH}?sort=-lag&limit=100&page=3")["items"]]
    assert lag[-1] is None, "what is not known comes last"
    for wrong in (
        "page=0",
        "limit=101",
        "limit=x",
        "sort=size",
        "condition=odd",
        "page=99999999999999999999",
    ):
        assert ask(worker, f"{PATH}?{wrong}").status == 400, wrong


def test_who_has_seen_a_revision_is_told_what_has_changed(worker: MemoryWorker) -> None:
    all_stats = crowd(worker, 130)
    revision = get(worker, f"{PATH}?limit=1")["revision"]
    assert ask(worker, f"{PATH}?since={revision}").status == 204
    carry(all_stats[:2], 7)
    worker.configs.append([("connector-orders-0129", None)])
    news = get(worker, f"{PATH}?since={revision}")
    assert {row["name"] for row in news["items"]} == {"orders-0000", "orders-0001"}
    assert news["gone"] == ["orders-0129"]
    assert ask(worker, f"{PATH}?since={news['revision']}").status == 204
    # In parts, none of them twice and none left out.
    carry(all_stats, 1)
    seen: list[str] = []
    since = news["revision"]
    while (answer := ask(worker, f"{PATH}?since={since}&limit=40")).status == 200:
        part = json.loads(answer.content())
        seen += [row["name"] for row in part["items"]]
        since = part["revision"]
    assert sorted(seen) == sorted({stats.connector for stats in all_stats} - {"orders-0129"})
    # What no longer meets the filter is gone from it.
    since = get(worker, f"{PATH}?condition=running")["revision"]
    worker.statuses.append([(records.STATUS + "orders-0000", records.status("FAILED", "no", WORKER, 1, "1"))])
    assert get(worker, f"{PATH}?condition=running&since={since}")["gone"] == ["orders-0000"]
    for unknown in ("", "x", "00000000-1", f"{revision}x", "é-1"):
        assert get(worker, f"{PATH}?since={unknown}")["page"] == 1, "another process's revision: all is new"


def test_a_thousand_connectors_cost_little(worker: MemoryWorker) -> None:
    all_stats = crowd(worker, 1000)
    for _ in range(180):
        worker.watch.sampler.tick(worker.state.configs, time.time())
        for stats in all_stats:
            stats.events_delivered += 37
    ask(worker, PATH)
    spent, sizes = [], []
    for page in range(1, 11):
        carry(all_stats, 3)
        began = time.perf_counter()
        answer = ask(worker, f"{PATH}?page={page}&spark=true", **{"accept-encoding": "gzip"})
        spent.append(time.perf_counter() - began)
        sizes.append(len(answer.content()))
        assert len(json.loads(gzip.decompress(answer.content()))["items"]) == 100
    assert max(sizes) <= 60_000, sizes
    assert min(spent) <= 0.1, spent


def answered(worker: MemoryWorker, rows: Mapping[str, object] | None) -> list[str]:
    """Have another worker answer, or not; the requests that it gets."""
    asked: list[str] = []

    def forward(
        to: str, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float = 1
    ) -> Any:
        asked.append(f"{to} {method} {target}")
        return None if rows is None else Answer(200, dict(rows))

    worker.here.peers.forward = forward
    return asked


def test_the_rows_of_another_worker_are_asked_for_and_kept_while_it_is_silent(
    worker: MemoryWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(worker, 1, owner="w2", first=500)
    monkeypatch.setattr(boards, "_SILENT", 0.0)
    name = "orders-0500"
    own = {
        **get(worker, f"{PATH}/{name}"),
        "answered": True,
        "rate": 12.5,
        "condition": "running",
        "spark": [1.0],
    }
    own.pop("move")
    asked = answered(worker, {name: own})
    row = get(worker, f"{PATH}/{name}")
    assert (row["rate"], row["answered"], row["spark"]) == (12.5, True, [1.0])
    assert asked == ["w2 GET /bridge/v1/workers/here/connectors"]
    monkeypatch.setattr(boards, "_SILENT", 10.0)
    answered(worker, {name: {"name": name}})  # a worker of another version
    monkeypatch.setattr(boards, "_PEERS_FRESH", 0.0)
    assert get(worker, f"{PATH}/{name}")["answered"] is False
    answered(worker, {name: own})
    get(worker, f"{PATH}/{name}")
    answered(worker, None)
    row = get(worker, f"{PATH}/{name}")
    assert (row["rate"], row["answered"], row["condition"]) == (12.5, False, "unknown")
    assert get(worker, PATH)["silent"] == ["w2"]
    asked = answered(worker, {name: own})
    get(worker, PATH)
    assert asked == [], "who is silent is not waited for each time"
    monkeypatch.setattr(boards, "_SILENT", 0.0)
    assert get(worker, f"{PATH}/{name}")["answered"]


def test_one_that_is_not_there(worker: MemoryWorker) -> None:
    assert ask(worker, f"{PATH}/nope").status == 404
    assert ask(worker, f"{PATH}/nope/series").status == 404
    assert ask(worker, f"{PATH}/nope/logs").status == 404


@pytest.mark.parametrize("name", ["a/b", "<img onerror=x>", "50%", "a//b", "ä ö"])
def test_any_name_can_be_asked_for(name: str, worker: MemoryWorker) -> None:
    worker.configs.append([records.connector(name, {**config(1), "name": name})])
    assert get(worker, f"{PATH}/{quote(name, safe='')}")["name"] == name


def test_nothing_is_kept_for_rows_of_connectors_that_are_gone(worker: MemoryWorker) -> None:
    crowd(worker, 20)
    get(worker, PATH)
    assert len(worker.here.glances._fixed) == 20
    for name in list(worker.state.configs):
        worker.state.apply(records.CONNECTOR + name, None)
    worker.state.apply(*records.connector("fresh", config(1)))
    get(worker, PATH)
    assert list(worker.here.glances._fixed) == ["fresh"]
