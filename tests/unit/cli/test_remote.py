"""``plugins`` and ``validate`` with ``--url``: a running worker is asked, what it says is shown as ours is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.api.users import User, hash_password
from bridge.cli.main import main
from bridge.config import config_of
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.metrics import Metrics
from bridge.worker.plugins import salesforce_plugins
from tests.support.memory_worker import GOOD, MemoryWorker

Captured = pytest.CaptureFixture[str]
MANAGED = "SalesforcePlatformEventSource"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    given = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "PLAINTEXT"}
    plugins = salesforce_plugins(config_of(given, WORKER), Metrics())
    worker = MemoryWorker(plugins, {"key": User(hash_password("ópen sésame"))})
    with worker.served() as url:
        yield url
    worker.stop()


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SFBRIDGE_REST_USER", "key:ópen sésame")


def file(directory: Path, **more: str) -> str:
    path = directory / "connector.json"
    path.write_text(json.dumps(GOOD | {key.replace("__", "."): text for key, text in more.items()}))
    return str(path)


def said(capsys: Captured, *words: str, code: int = 0) -> tuple[str, str]:
    assert main(list(words)) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_plugins_are_listed_and_described_as_offline(url: str, capsys: Captured) -> None:
    for words in (["list"], ["list", "-o", "json"]):
        here = said(capsys, "plugins", *words)
        assert said(capsys, "plugins", *words, "--url", url) == here
    offline = json.loads(said(capsys, "plugins", "describe", "-o", "json")[0])
    told = json.loads(said(capsys, "plugins", "describe", "-o", "json", "--url", url)[0])
    more = {"valid_values", "required_when", "support"}  # which Kafka Connect's definitions do not have
    assert told == [{key: one[key] for key in one if key not in more} for one in offline]
    assert all(more <= one.keys() for one in offline)
    lines = said(capsys, "plugins", "describe", MANAGED, "--url", url)[0].splitlines()
    assert lines[0].split() == ["PROPERTY", "TYPE", "REQUIRED", "DEFAULT", "VALID", "VALUES", "SUPPORT"]
    assert [line.split()[0] for line in lines[1:]] == [p.key for p in CONNECTOR.exact()]
    assert any("PROTOBUF" in line for line in lines if line.startswith("output.data.format"))


def test_what_a_worker_does_not_know_or_tell(url: str, capsys: Captured) -> None:
    _, err = said(capsys, "plugins", "describe", "NoSuch", "--url", url, code=1)
    assert "404: Unknown plugin NoSuch" in err
    _, err = said(capsys, "plugins", "describe", "--worker", "--url", url, code=2)
    assert "--worker: does not go with --url" in err


def test_nobody_gets_in_without_credentials(
    url: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SFBRIDGE_REST_USER")
    for words in (["plugins", "list"], ["validate", file(tmp_path)]):
        assert "401" in said(capsys, *words, "--url", url, code=1)[1]
    with_user = url.replace("://", "://key:%C3%B3pen%20s%C3%A9same@")
    assert MANAGED in said(capsys, "plugins", "list", "--url", with_user)[0]


def test_a_valid_connector(url: str, capsys: Captured, tmp_path: Path) -> None:
    out, err = said(capsys, "validate", file(tmp_path, no__such="x"), "--url", url)
    assert out.splitlines()[0].split() == ["PROPERTY", "VALUE", "DEFAULT", "ERROR"]
    assert out.endswith("sf is valid\n")
    assert "pass-word-1" not in out
    assert err == "note: unknown to the worker, without effect there: no.such\n"
    left_out = int(out.splitlines()[-2].split(" more properties stand at their default")[0])
    every = said(capsys, "validate", file(tmp_path), "--url", url, "--all")[0].splitlines()
    assert len(every) == len(out.splitlines()) - 1 + left_out
    assert [row.split() for row in every if row.startswith("connection.timeout")] == [
        ["connection.timeout", "30000", "30000"]
    ]


def test_faults_are_told_as_offline(url: str, capsys: Captured, tmp_path: Path) -> None:
    given = file(tmp_path, tasks__max="7", producer__override__linger__ms="soon", salesforce__username="")
    worker = tmp_path / "worker.properties"
    worker.write_text("bootstrap.servers=127.0.0.1:1\nsecurity.protocol=PLAINTEXT\n")
    out, err = said(capsys, "validate", given, "--url", url, code=2)
    here_out, here_err = said(capsys, "validate", given, "--worker", str(worker), code=2)
    faults = [line for line in here_err.splitlines() if not line.startswith("note: ")]
    assert sorted(err.splitlines()) == sorted(faults)
    told = [{line.split()[0] for line in text.splitlines()[:-1]} for text in (out, here_out)]
    assert told[0] == told[1] - {"bootstrap.servers", "security.protocol"}
    infos = json.loads(said(capsys, "validate", given, "--url", url, "-o", "json", code=2)[0])
    assert infos["error_count"] == 3


def test_what_does_not_go_together(url: str, capsys: Captured, tmp_path: Path) -> None:
    words = ["validate", file(tmp_path), "--url", url, "--online", "--worker", "w.properties"]
    err = said(capsys, *words, code=2)[1]
    assert "--worker: does not go with --url" in err
    assert "--online: does not go with --url" in err
    nameless = file(tmp_path, connector__class="")
    assert "connector.class: is required" in said(capsys, "validate", nameless, "--url", url, code=2)[1]


def test_health_is_an_exit_code(url: str, capsys: Captured) -> None:
    assert said(capsys, "health", "--url", url)[0].startswith("healthy")
    assert "cannot be reached" in said(capsys, "health", "--url", "http://127.0.0.1:1", code=1)[1]
