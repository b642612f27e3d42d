"""``connectors apply`` against a worker in this process: what files say is made so, and the second time nothing is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from bridge.cli.main import main
from bridge.config import config_of
from bridge.config.declarations import WORKER
from bridge.metrics import Metrics
from bridge.worker.plugins import salesforce_plugins
from tests.support.memory_worker import GOOD, MemoryWorker

Captured = pytest.CaptureFixture[str]


@define
class Applied:
    worker: MemoryWorker
    url: str
    folder: Path
    capsys: Captured

    def file(self, name: str, **more: str) -> Path:
        path = self.folder / f"{name}.json"
        path.write_text(
            json.dumps(GOOD | {"name": name} | {k.replace("__", "."): v for k, v in more.items()})
        )
        return path

    def apply(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        assert (
            main(["connectors", "apply", "-f", str(self.folder), "--url", self.url, "-o", "json", *words])
            == code
        )
        return list(json.loads(self.capsys.readouterr().out))

    def acts(self, *words: str, code: int = 0) -> dict[str, str]:
        return {step["name"]: step["action"] for step in self.apply(*words, code=code)}

    def names(self) -> set[str]:
        return set(self.worker.ask("GET", "/connectors")[1])


@pytest.fixture
def applied(tmp_path: Path, capsys: Captured) -> Iterator[Applied]:
    given = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "PLAINTEXT"}
    worker = MemoryWorker(salesforce_plugins(config_of(given, WORKER), Metrics()), {})
    with worker.served() as url:
        yield Applied(worker, url, tmp_path, capsys)
    worker.stop()


def test_the_second_time_there_is_no_difference(applied: Applied) -> None:
    applied.file("orders")
    applied.file("invoices", kafka__topic="i")
    assert applied.acts() == {"invoices": "create", "orders": "create"}
    again = applied.apply()
    assert [(step["action"], step["changes"], step["refused"]) for step in again] == [
        ("unchanged", {}, None)
    ] * 2
    assert "salesforce.password" in again[0]["not_compared"]
    assert applied.acts("--dry-run") == {"invoices": "unchanged", "orders": "unchanged"}


def test_a_dry_run_says_the_difference_and_does_nothing(applied: Applied) -> None:
    applied.file("orders")
    assert applied.acts("--dry-run", code=1) == {"orders": "create"}
    assert applied.names() == set()
    applied.acts()
    applied.file("orders", kafka__topic="elsewhere", salesforce__password="${env:PASSWORD}")
    (step,) = applied.apply("--dry-run", code=1)
    assert step["changes"]["kafka.topic"] == {"from": "t", "to": "elsewhere"}
    assert "pass-word-1" not in json.dumps(step)
    assert applied.worker.ask("GET", "/connectors/orders/config")[1]["kafka.topic"] == "t"


def test_what_no_file_names_is_deleted_on_request_only(applied: Applied) -> None:
    for name in ("orders", "invoices"):
        applied.file(name)
    applied.acts()
    (applied.folder / "invoices.json").unlink()
    assert applied.acts() == {"orders": "unchanged"}
    assert applied.acts("--prune") == {"invoices": "delete", "orders": "unchanged"}
    assert applied.names() == {"orders"}


def test_one_that_is_refused_keeps_no_other_back(applied: Applied) -> None:
    applied.file("a", tasks__max="2")
    applied.file("b")
    steps = {step["name"]: step["refused"] for step in applied.apply(code=2)}
    assert "tasks.max" in (steps["a"] or "")
    assert steps["b"] is None
    assert applied.names() == {"b"}
    (applied.folder / "b.json").unlink()
    assert main(["connectors", "apply", "-f", str(applied.folder), "--url", applied.url]) == 2
    out, err = applied.capsys.readouterr()
    assert out.splitlines()[-1] == "1 refused"
    assert err.splitlines() == [
        "sfbridge: a: tasks.max: '2' is above the greatest value allowed, 1",
        "sfbridge: 1 of 1 connectors were refused",
    ]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "holds no file"),
        ({"a.json": GOOD, "b.json": GOOD}, "sf is in more than one file: "),
        ({"a.json": {k: v for k, v in GOOD.items() if k != "name"}}, "name: is required"),
    ],
)
def test_files_that_cannot_be_meant_are_named_before_anything_is_done(
    files: dict[str, Any], words: str, applied: Applied
) -> None:
    for name, document in files.items():
        (applied.folder / name).write_text(json.dumps(document))
    assert main(["connectors", "apply", "-f", str(applied.folder), "--url", applied.url]) == 2
    assert words in applied.capsys.readouterr().err
    assert applied.names() == set()
