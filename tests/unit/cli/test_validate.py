"""``sfbridge validate``: what is shown, exit codes, online checks."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bridge.cli.main import main
from tests.unit.config.samples import EXAMPLE, PLAIN, VALID, write
from tests.unit.salesforce.keystore.stores import DAY, NOW, PASSWORD, certificate, p12

Captured = pytest.CaptureFixture[str]


def test_a_valid_configuration(tmp_path: Path, capsys: Captured) -> None:
    connector, worker = write(tmp_path, VALID | {"kafka.topic": "Orders"}, PLAIN)
    assert main(["validate", str(connector), "--worker", str(worker)]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split() == ["PROPERTY", "VALUE", "DEFAULT", "ERROR"]
    assert (
        next(line for line in out.splitlines() if line.startswith("salesforce.password ")).split()[1]
        == "*" * 16
    )
    assert "bootstrap.servers" in out
    assert "is valid" in out
    assert "the-" not in out + err
    assert err.count("note:") == 3


def test_what_stands_at_its_default_is_counted_and_shown_with_all(tmp_path: Path, capsys: Captured) -> None:
    connector, worker = write(tmp_path, VALID, PLAIN)
    words = ["validate", str(connector), "--worker", str(worker)]
    assert main(words) == 0
    *rows, count, end = capsys.readouterr().out.splitlines()
    assert end.endswith(" is valid")
    assert count.endswith(" more properties stand at their default (--all shows them)")
    assert not any(row.startswith("connection.timeout ") for row in rows)
    assert main([*words, "--all"]) == 0
    *every, end = capsys.readouterr().out.splitlines()
    assert end.endswith(" is valid")
    assert len(every) == len(rows) + int(count.split()[0])
    (timeout,) = [row.split() for row in every if row.startswith("connection.timeout ")]
    assert timeout == ["connection.timeout", "30000", "30000"]
    (topic,) = [row.split() for row in every if row.startswith("status.storage.topic ")]
    assert topic == ["status.storage.topic", "sfbridge-status", "${group.id}-status"]


def test_ten_faults_are_ten_lines_and_exit_2(tmp_path: Path, capsys: Captured) -> None:
    wrong = {"name": "x" * 65, "kafka.topic": "a b", "salesforce.password": "****", "salesforce.username": "<me>",
             "connection.timeout": "0", "request.max.retries.time.ms": "x", "output.data.format": "XML",
             "tasks.max": "2", "salesforce.usernam": "x"}  # fmt: skip
    connector, worker = write(tmp_path, VALID | wrong, {"bootstrap.servers": "x"})
    assert main(["validate", str(connector), "--worker", str(worker)]) == 2
    out, err = capsys.readouterr()
    assert len([line for line in err.splitlines() if not line.startswith("note: ")]) == 10
    for key in [*wrong, "bootstrap.servers"]:
        assert any(line.startswith(f"sfbridge: {key}: ") for line in err.splitlines())
        assert any(line.startswith(key + " ") for line in out.splitlines())
    assert "is valid" not in out


@pytest.mark.parametrize("given", [VALID, EXAMPLE])
def test_json_is_config_infos(given: dict[str, str], tmp_path: Path, capsys: Captured) -> None:
    connector, worker = write(tmp_path, given)
    code = main(["validate", str(connector), "--worker", str(worker), "-o", "json"])
    infos = json.loads(capsys.readouterr().out)
    assert set(infos) == {"name", "error_count", "groups", "configs"}
    errors = {entry["value"]["name"] for entry in infos["configs"] if entry["value"]["errors"]}
    assert infos["error_count"] == len(errors) == (0 if given is VALID else 7)
    assert code == (0 if given is VALID else 2)


def test_json_holds_the_workers_faults_too(tmp_path: Path, capsys: Captured) -> None:
    connector, worker = write(tmp_path, VALID, {"bootstrap.servers": "x"})
    assert main(["validate", str(connector), "--worker", str(worker), "--output", "json"]) == 2
    infos = json.loads(capsys.readouterr().out)
    (entry,) = [e for e in infos["configs"] if e["value"]["errors"]]
    assert entry["definition"]["name"] == "bootstrap.servers"
    assert entry["definition"]["documentation"].startswith("The brokers")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: Captured) -> None:
    assert main(["validate", str(tmp_path / "none.json")]) == 2
    err = capsys.readouterr().err
    assert "none.json: does not exist" in err
    assert "Traceback" not in err


def online(monkeypatch: pytest.MonkeyPatch, *found: tuple[str, bool | None, str]) -> None:
    """What other systems answer, without asking them."""
    module = ModuleType("bridge.inspection.online")

    def checks(loaded: object) -> Iterator[SimpleNamespace]:
        for name, ok, message in found:
            yield SimpleNamespace(name=name, ok=ok, message=message)

    module.checks = checks  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bridge.inspection.online", module)


def test_online_checks_are_shown_one_by_one(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    online(monkeypatch, ("login", True, ""), ("topic", None, "no permission to describe"))
    connector, worker = write(tmp_path, VALID)
    assert main(["validate", str(connector), "--worker", str(worker), "--online"]) == 0
    out = capsys.readouterr().out
    assert "ok       login\n" in out
    assert "unknown  topic: no permission to describe\n" in out
    assert main(["validate", str(connector), "--worker", str(worker), "--online", "-o", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["checks"][0] == {"name": "login", "ok": True, "message": ""}
    assert "ok       login" in err


def test_a_failed_check_is_exit_1(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    online(monkeypatch, ("login", True, ""), ("topic", False, "is missing; the-salesforce.password"))
    connector, worker = write(tmp_path, VALID)
    assert main(["validate", str(connector), "--worker", str(worker), "--online"]) == 1
    out, err = capsys.readouterr()
    assert "FAILED   topic: is missing; ****" in out
    assert "1 of 2 online checks failed: topic" in err


def test_with_faults_nobody_is_asked(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    online(monkeypatch, ("login", False, "was asked"))
    connector, worker = write(tmp_path, EXAMPLE)
    assert main(["validate", str(connector), "--worker", str(worker), "--online"]) == 2
    assert "was asked" not in "".join(capsys.readouterr())


def test_an_expired_keystore_is_said_offline(tmp_path: Path, capsys: Captured) -> None:
    key = rsa.generate_private_key(65_537, 2048)
    keystore = tmp_path / "old.p12"
    keystore.write_bytes(p12(key, certificate(key, NOW - 3 * DAY, NOW - DAY)))
    given = VALID | {
        "salesforce.grant.type": "JWT_BEARER",
        "salesforce.jwt.keystore.path": str(keystore),
        "salesforce.jwt.keystore.password": PASSWORD,
    }
    connector, worker = write(tmp_path, given, PLAIN)
    assert main(["validate", str(connector), "--worker", str(worker)]) == 2
    err = capsys.readouterr().err
    assert "salesforce.jwt.keystore.path: the certificate in salesforce.jwt.keystore.path expired on" in err


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path, capsys: Captured) -> None:
    assert main(["validate", str(tmp_path / "none.json")]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"sfbridge: {tmp_path / 'none.json'}: does not exist\n")
