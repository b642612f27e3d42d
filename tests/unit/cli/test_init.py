"""``sfbridge init`` against the simulated org: by options, by answers, and what is refused."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from bridge import log
from bridge.cli.main import main
from bridge.model.contract import parse
from bridge.sandbox import samples
from bridge.sandbox.org import Org

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    yield
    log.forget_secrets()


@pytest.fixture
def options(org: Org, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Of a login with a password; its secrets are in the environment."""
    known = org.credentials
    monkeypatch.setenv("SF_PASSWORD", known.password)
    monkeypatch.setenv("SF_SECURITY_TOKEN", known.security_token)
    monkeypatch.setenv("SF_CONSUMER_SECRET", known.client_secret)
    monkeypatch.setenv("LOCAL_KMS_SECRET", "a secret for tests")
    login = ["--grant", "PASSWORD", "--instance", org.url, "--ca-file", str(org.ca_file)]
    return ["init", *login, "--username", known.username, "--consumer-key", known.client_id]


PLACES = ["--event", "Order_Placed__e", "--brokers", "broker:9092", "--registry", "http://registry:8081"]


def test_files_that_are_valid_and_hold_no_secret(
    org: Org, options: list[str], tmp_path: Path, capsys: Captured
) -> None:
    key = ["--kms-type", "local-kms"]
    assert main([*options, *PLACES, *key, "--out", "orders", "-o", "json"]) == 0
    out, err = capsys.readouterr()
    made = json.loads(out)
    assert (made["event"], made["encrypts"]) == ("Order_Placed__e", True)
    assert "Customer_Email__c" in made["tags"]
    assert "tagged by Salesforce's classification: Customer_Email__c" in err
    files = [tmp_path / path for path in made["files"]]
    assert [path.name for path in files] == [
        "connector.json",
        "worker.properties",
        "Order_Placed__e.contract.yaml",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    known = org.credentials
    for path in files:
        assert not [one for one in (known.password, known.client_secret) if one in path.read_text()]
    contract = parse(files[2].read_text(), "contract")
    (rule,) = contract.rules
    assert (rule.disabled, rule.params["encrypt.kms.key.id"]) == (False, "salesforce")
    words = made["next"].removesuffix(" --online").split()[1:]
    assert main(words) == 0
    assert "order-placed is valid" in capsys.readouterr().out


def test_a_change_event(org: Org, options: list[str], tmp_path: Path, capsys: Captured) -> None:
    org.define(samples.CONTACT_CHANGE)
    places = [
        "--event",
        "ContactChangeEvent",
        "--brokers",
        "broker:9092",
        "--registry",
        "http://registry:8081",
    ]
    key = ["--kms-type", "local-kms"]
    assert main([*options, *places, *key, "--out", "contacts", "-o", "json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert {"Name", "Email"} <= set(made["tags"])
    connector = json.loads((tmp_path / made["files"][0]).read_text())
    connector = connector.get("config", connector)
    assert connector["connector.class"] == "SalesforceCdcSource"
    assert connector["salesforce.cdc.name"] == "ContactChangeEvent"
    assert main(made["next"].removesuffix(" --online").split()[1:]) == 0
    assert "is valid" in capsys.readouterr().out


def test_answers_on_a_terminal(
    org: Org, options: list[str], tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = org.credentials
    monkeypatch.delenv("SF_PASSWORD")
    monkeypatch.setattr("getpass.getpass", lambda *_, **__: known.password)
    lines = [
        "PASSWORD",
        org.url,
        known.username,
        known.client_id,
        "Order_Placed__e",
        "JSON",
        "",
        "broker:9092",
        "",
    ]

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal("".join(f"{line}\n" for line in lines)))
    assert main(["init", "--ca-file", str(org.ca_file)]) == 0
    out, err = capsys.readouterr()
    assert (
        out.splitlines()[-1] == "next: sfbridge validate connector.json --worker worker.properties --online"
    )
    assert "Which event?" in err
    config = json.loads((tmp_path / "connector.json").read_text())
    assert (config["kafka.topic"], config["output.data.format"]) == ("salesforce.order-placed", "JSON")
    assert config["salesforce.password"] == "${env:SF_PASSWORD}"
    assert known.password not in out + err


def test_what_is_missing_is_said_at_once(options: list[str], tmp_path: Path, capsys: Captured) -> None:
    assert main(["init"]) == 2
    err = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].strip() for line in err] == [
        "--username",
        "--consumer-key",
        "--keystore",
        "--brokers",
        "--registry",
    ]
    assert main([*options, *PLACES[2:]]) == 2
    assert "--event: is required; the org has Order_Placed__e" in capsys.readouterr().err
    assert main([*options, "--event", "Order_Placed__e"]) == 2
    assert capsys.readouterr().err.count("is required where there is no terminal") == 2
    assert list(tmp_path.glob("*.json")) == []


def test_an_event_that_is_not_there_names_the_nearest(
    options: list[str], tmp_path: Path, capsys: Captured
) -> None:
    assert main([*options, *PLACES[2:], "--event", "Order_Plced__e"]) == 1
    assert "Order_Placed__e" in capsys.readouterr().err
    assert not (tmp_path / "connector.json").exists()


def test_a_secret_that_is_not_in_the_environment(
    options: list[str], capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SF_PASSWORD")
    assert main([*options, *PLACES]) == 2
    assert "SF_PASSWORD: is not in the environment, and holds salesforce.password" in capsys.readouterr().err


def test_files_that_are_there_are_kept(options: list[str], tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "connector.json").write_text("mine")
    assert main([*options, *PLACES]) == 2
    assert "connector.json: exists; --force overwrites it" in capsys.readouterr().err
    assert (tmp_path / "connector.json").read_text() == "mine"
    assert main([*options, *PLACES, "--force"]) == 0
    assert "the contract's rule is disabled until it names a key" in capsys.readouterr().out
