"""Connectors of this machine, shown to whoever asks on it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from bridge.cli.main import main
from bridge.metrics import Stats
from bridge.worker import here


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
