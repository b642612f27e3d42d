"""``sfbridge migrate``: two files, findings, nothing overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.main import main
from bridge.cli.written import worker_text
from bridge.config import files
from tests.unit.config.samples import EXAMPLE, SECRETS

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    path = tmp_path / "exported.json"
    path.write_text(
        json.dumps({"name": EXAMPLE["name"], "config": EXAMPLE | {"kafka.endpoint": "SASL_SSL://k:9092"}})
    )
    return path


def test_what_is_migrated_validates(
    exported: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "new" / "folder"
    assert main(["migrate", str(exported), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "set the environment variable SALESFORCE_PASSWORD" in text
    assert "sfbridge validate" in text
    files_made = [str(out / "connector.json"), "--worker", str(out / "worker.properties")]
    assert main(["validate", *files_made]) == 2
    assert "SALESFORCE_PASSWORD, which is not set" in capsys.readouterr().err
    for key in [*SECRETS, "salesforce.username"]:
        monkeypatch.setenv(key.upper().replace(".", "_"), "some-value")
    assert main(["validate", *files_made]) == 0
    assert "some-value" not in "".join(capsys.readouterr())


def test_files_are_for_their_owner_and_never_overwritten_unasked(
    exported: Path, tmp_path: Path, capsys: Captured
) -> None:
    worker = tmp_path / "worker.properties"
    worker.write_text("mine")
    assert main(["migrate", str(exported), "--out", str(tmp_path)]) == 2
    assert "--force" in capsys.readouterr().err
    assert worker.read_text() == "mine"
    assert not (tmp_path / "connector.json").exists()
    assert main(["migrate", str(exported), "--out", str(tmp_path), "--force"]) == 0
    assert "bootstrap.servers=k:9092" in worker.read_text()
    assert (tmp_path / "connector.json").stat().st_mode & 0o077 == 0


def test_json(exported: Path, tmp_path: Path, capsys: Captured) -> None:
    assert main(["migrate", str(exported), "--out", str(tmp_path / "o"), "-o", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["files"]) == 2
    assert {"kind", "property", "message"} == set(result["findings"][0])


def test_what_cannot_be_read_or_written_is_one_sentence(
    exported: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["migrate", str(tmp_path / "none")]) == 2
    assert main(["migrate", str(exported), "--out", str(exported)]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 2
    assert "Traceback" not in err


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_worker_values_read_back_as_they_were(value: str) -> None:
    assert files.properties(worker_text({"ssl.keystore.key": value}, "migrate")).values == {
        "ssl.keystore.key": value
    }
