"""Connectors of this machine, shown to whoever asks on it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.cli.main import main
from bridge.metrics import Stats
from bridge.worker import here
from tests.support.web_server import Answer, Request, web_server


@pytest.fixture(autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path_factory.mktemp("s")
    monkeypatch.setattr(here, "folder", lambda: path)


@pytest.fixture
def stats() -> Iterator[Stats]:
    one = Stats("orders", state="RUNNING", events_delivered=8, last_replay_id=42, dead_letters=1)
    shown = here.Shown(lambda: [one])
    yield one
    shown.close()


def test_shown_while_it_is_there(stats: Stats) -> None:
    (row,) = here.connectors_here()
    assert (row["connector"], row["state"], row["committed"], row["replay_id"]) == (
        "orders",
        "RUNNING",
        7,
        42,
    )
    stats.events_delivered = 9
    assert next(here.connectors_here())["committed"] == 8


def test_a_process_that_is_gone_leaves_nothing(stats: Stats) -> None:
    path = here.folder() / "1.sock"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    assert len(list(here.connectors_here())) == 1
    assert not path.exists()


def test_top_of_this_machine(stats: Stats, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top"]) == 0
    heads, row = capsys.readouterr().out.splitlines()
    assert heads.split()[:4] == ["CONNECTOR", "STATE", "COMMITTED", "RATE"]
    assert row.split()[:3] == ["orders", "RUNNING", "7"]


def test_top_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top"]) == 0
    assert capsys.readouterr().out == "no connector runs here\n"


def test_where_there_is_no_folder_nothing_is_shown_and_nothing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> Path:
        raise PermissionError("read-only")

    monkeypatch.setattr(here, "folder", none)
    here.Shown(list).close()
    assert list(here.connectors_here()) == []


def _row(name: str, **more: object) -> dict[str, object]:
    keys = ("rate", "lag", "replay_id", "delivered", "dead_letters", "errors", "worker", "reason")
    return dict.fromkeys(keys) | {"name": name, "connect_state": "RUNNING"} | more


def test_top_of_a_worker(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        _row("invoices", connect_state="FAILED", reason="no such event"),
        _row("orders", delivered=12, dead_letters=2, rate=3.5, lag=0.25, worker="w:8083"),
    ]

    def worker(request: Request) -> Answer:
        page = int(request.query["page"])
        return Answer({"items": rows[page - 1 : page], "page": page, "pages": 2})

    with web_server(worker) as web:
        assert main(["top", "--url", web.url, "-o", "json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [row["connector"] for row in told] == ["invoices", "orders"]
        assert (told[1]["committed"], told[1]["dead_letters"]) == (10, 2)
        assert main(["top", "--url", web.url]) == 0
        out = capsys.readouterr().out
    assert "invoices: no such event" in out
    assert out.splitlines()[2].split()[:6] == ["orders", "RUNNING", "10", "3.5/s", "0.25", "s"]
