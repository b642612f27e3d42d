"""``connectors create`` and ``update`` against a worker in this process: which connector a command line means."""

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
class Written:
    worker: MemoryWorker
    url: str
    folder: Path
    capsys: Captured

    def file(self, name: str | None, file: str, topic: str = "elsewhere") -> str:
        path = self.folder / file
        named = {key: text for key, text in GOOD.items() if key != "name"} | ({"name": name} if name else {})
        path.write_text(json.dumps(named | {"kafka.topic": topic}))
        return str(path)

    def run(self, action: str, *words: str, code: int) -> str:
        assert main(["connectors", action, *words, "--url", self.url]) == code
        return "".join(self.capsys.readouterr())

    def topics(self) -> dict[str, Any]:
        names = self.worker.ask("GET", "/connectors")[1]
        return {
            name: self.worker.ask("GET", f"/connectors/{name}/config")[1]["kafka.topic"] for name in names
        }


@pytest.fixture
def written(tmp_path: Path, capsys: Captured) -> Iterator[Written]:
    given = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "PLAINTEXT"}
    worker = MemoryWorker(salesforce_plugins(config_of(given, WORKER), Metrics()), {})
    with worker.served() as url:
        one = Written(worker, url, tmp_path, capsys)
        for name in ("first", "second"):
            one.run("create", one.file(name, f"{name}.json", "t"), code=0)
        yield one
    worker.stop()


def test_an_update_is_of_the_connector_that_was_named(written: Written) -> None:
    second = written.file("second", "s.json")
    said = written.run("update", "first", "--config-file", second, code=2)
    assert said == f"sfbridge: name: is second in {second}, and first was to be written\n"
    assert written.topics() == {"first": "t", "second": "t"}
    assert "Updated connector second" in written.run("update", "second", "--config-file", second, code=0)
    assert written.topics() == {"first": "t", "second": "elsewhere"}


def test_an_id_names_a_connector_and_a_file_needs_no_name_then(written: Written) -> None:
    listed = written.worker.ask("GET", "/connect/v1/environments/-/clusters/-/connectors?expand=id")[1]
    identity = listed["first"]["id"]["id"]
    words = ("--config-file", written.file(None, "nameless.json"))
    assert "is required" in written.run("update", *words, code=2)
    written.run("update", identity, *words, code=0)
    assert written.topics() == {"first": "elsewhere", "second": "t"}
    second = written.file("second", "s.json")
    assert "is second in" in written.run("update", identity, "--config-file", second, code=2)
    assert "404" in written.run("update", "lcc-unknown", *words, code=1)


@pytest.mark.parametrize("action", ["create", "update"])
def test_two_files_are_refused(action: str, written: Written) -> None:
    first, other = written.file("first", "f.json"), written.file("third", "other.json")
    for given in (other, str(written.folder / "missing.json")):
        said = written.run(action, given, "--config-file", first, code=2)
        assert f"is given beside another file, {given}" in said
    assert written.topics() == {"first": "t", "second": "t"}


def test_one_is_created_by_the_name_that_was_given(written: Written) -> None:
    third = written.file("third", "other.json")
    assert "is third in" in written.run("create", "fourth", "--config-file", third, code=2)
    written.run("create", "third", "--config-file", third, code=0)
    assert written.topics()["third"] == "elsewhere"


@pytest.mark.parametrize("action", ["create", "update"])
def test_a_wrong_configuration_is_exit_2_with_a_line_for_each_fault(action: str, written: Written) -> None:
    file = written.folder / "wrong.json"
    name = "third" if action == "create" else "first"
    wrong = {"name": name, "tasks.max": "2", "connection.timeout": "soon", "salesforce.username": ""}
    file.write_text(json.dumps(GOOD | wrong))
    told = written.run(action, "--config-file", str(file), code=2)
    assert sorted(line.split()[1] for line in told.splitlines()) == [
        "connection.timeout:",
        "salesforce.username:",
        "tasks.max:",
    ]
    assert main(["validate", str(file), "--url", written.url]) == 2
    assert sorted(written.capsys.readouterr().err.splitlines()) == sorted(told.splitlines())
    assert "third" not in written.topics()


def test_a_class_that_the_worker_does_not_know_is_a_wrong_configuration(written: Written) -> None:
    file = written.folder / "wrong.json"
    file.write_text(json.dumps({"name": "third", "connector.class": "NoSuchSource"}))
    told = written.run("create", "--config-file", str(file), code=2)
    assert "the worker answers 400: Failed to find any class" in told


def test_what_is_refused_for_another_reason_is_exit_1(written: Written) -> None:
    assert "already exists" in written.run("create", written.file("first", "again.json"), code=1)
