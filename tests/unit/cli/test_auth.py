"""``sfbridge auth`` as a user runs it: what is written, what is printed, what is never printed."""

from __future__ import annotations

import base64
import io
import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from bridge import log
from bridge.cli.main import main
from bridge.inspection.configuration import load_connector
from bridge.salesforce.keystore import load_keystore, open_keystore
from bridge.salesforce.rest_errors import answer_error
from bridge.sandbox.definition import EventDefinition
from bridge.sandbox.org import Org
from bridge.sandbox.org.oauth import Credentials
from tests.support.java import keytool

FILES = ["salesforce-jwt.crt", "salesforce-jwt.p12", "salesforce-jwt.properties"]


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    log.forget_secrets()


def keystore(directory: Path, *more: str) -> int:
    return main(["auth", "keystore", "--out", str(directory), *more])


# ---- keystore ------------------------------------------------------------------------------------------


def test_the_files_are_private_and_belong_together(tmp_path: Path) -> None:
    assert keystore(tmp_path / "new" / "keys", "--common-name", "Bridge ü", "--days", "10") == 0
    folder = tmp_path / "new" / "keys"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    certificate = x509.load_pem_x509_certificate((folder / FILES[0]).read_bytes())
    assert certificate.subject.rfc4514_string() == "CN=Bridge ü"
    assert certificate.not_valid_after_utc.day != certificate.not_valid_before_utc.day


def test_the_invented_password_is_in_its_file_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keystore(tmp_path)
    out = capsys.readouterr().out
    lines = (tmp_path / FILES[2]).read_text().splitlines()
    password = next(line for line in lines if line.startswith("password=")).partition("=")[2]
    assert len(password) >= 32
    assert password not in out
    assert open_keystore((tmp_path / FILES[1]).read_bytes(), password).kind == "PKCS12"
    for step in ("1.", "2.", "3.", "salesforce-jwt.crt", "sfbridge auth test"):
        assert step in out


@pytest.mark.parametrize("password", ["generated", "simple-one", "b:l=a #n!k\\s'\"${x}", "pässwörd-🔑"])
def test_the_printed_lines_work_in_a_connector(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], password: str
) -> None:
    keystore(tmp_path, "--password", password)
    out = capsys.readouterr().out
    lines = json.loads(out[out.index("{") :])
    loaded = load_connector(connector_file(tmp_path, "https://acme.my.salesforce.com", **lines))
    assert load_keystore(loaded).alias == "salesforce-jwt"
    assert f"config.providers.file.param.allowed.paths={(tmp_path / FILES[2]).absolute()}" in out


def test_the_folder_of_keys_is_its_owners_alone(tmp_path: Path) -> None:
    keystore(tmp_path / "keys")
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


def test_the_password_can_come_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("from stdin\n"))
    keystore(tmp_path, "--password", "-")
    assert open_keystore((tmp_path / FILES[1]).read_bytes(), "from stdin").alias == "salesforce-jwt"


def test_the_config_is_printed_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keystore(tmp_path, "--password", "chosen", "--print-config", "-o", "json")
    found = json.loads(capsys.readouterr().out)
    url = found["config"]["salesforce.jwt.keystore.file"]
    assert url.startswith("data:text/plain;base64,MII")
    assert base64.b64decode(url.partition(",")[2]) == (tmp_path / FILES[1]).read_bytes()
    assert found["config"]["salesforce.jwt.keystore.password"] == "chosen"
    assert found["certificate"].endswith(".crt")


def test_nothing_is_overwritten_without_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keystore(tmp_path)
    before = (tmp_path / FILES[1]).read_bytes()
    (tmp_path / FILES[0]).unlink()
    assert keystore(tmp_path) == 2
    assert (tmp_path / FILES[1]).read_bytes() == before
    assert not (tmp_path / FILES[0]).exists()
    assert "--force" in capsys.readouterr().err
    assert keystore(tmp_path, "--force") == 0
    assert (tmp_path / FILES[1]).read_bytes() != before


def test_every_wrong_argument_is_named_and_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert keystore(tmp_path, "--days", "0", "--common-name", "", "--password", "short") == 2
    err = capsys.readouterr().err
    for argument in ("--days", "--common-name", "--password"):
        assert argument in err
    assert "short" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    assert keystore(tmp_path / "file" / "keys") == 2
    assert "--out" in capsys.readouterr().err


def test_java_reads_the_keystore(tmp_path: Path) -> None:
    keystore(tmp_path, "--password", "chosen")
    command = [keytool(), "-list", "-keystore", str(tmp_path / FILES[1]), "-storepass", "chosen"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "salesforce-jwt" in listed.stdout
    assert "PrivateKeyEntry" in listed.stdout


# ---- test ----------------------------------------------------------------------------------------------


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    keystore(tmp_path / "keys", "--password", "keystore-secret")
    certificate = (tmp_path / "keys" / FILES[0]).read_text()
    event = EventDefinition("Order_Placed__e", ())
    with Org([event], directory=tmp_path / "org", credentials=Credentials(certificate=certificate)) as org:
        yield org


def connector_file(directory: Path, instance: str, **changes: Any) -> Path:
    config = {
        "connector.class": "SalesforcePlatformEventSource",
        "name": "orders",
        "kafka.auth.mode": "KAFKA_API_KEY",
        "kafka.api.key": "kafka-key",
        "kafka.api.secret": "kafka-secret",
        "kafka.topic": "orders",
        "salesforce.instance": instance,
        "salesforce.username": "bridge@example.com",
        "salesforce.consumer.key": "sandbox-consumer-key",
        "salesforce.platform.event.name": "Order_Placed__e",
        "output.data.format": "JSON",
        "tasks.max": "1",
        **changes,
    }
    path = directory / "connector.json"
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    return path


def grants(org: Org, directory: Path) -> dict[str, dict[str, str]]:
    known = org.credentials
    secret = {"salesforce.consumer.secret": known.client_secret}
    return {
        "PASSWORD": {
            "salesforce.password": known.password,
            "salesforce.password.token": known.security_token,
            **secret,
        },
        "JWT_BEARER": {
            "salesforce.jwt.keystore.path": str(directory / "keys" / FILES[1]),
            "salesforce.jwt.keystore.password": "keystore-secret",
        },
        "CLIENT_CREDENTIALS": secret,
        "OAUTH2_AUTH_CODE_BYOA": {"oauth.refresh.token": known.refresh_token, **secret},
    }


@pytest.mark.parametrize("grant", ["PASSWORD", "JWT_BEARER", "CLIENT_CREDENTIALS", "OAUTH2_AUTH_CODE_BYOA"])
def test_every_grant_logs_in_to_the_sandbox(
    org: Org, tmp_path: Path, grant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {"salesforce.grant.type": grant, "bridge.salesforce.ca.file": str(org.ca_file)}
    given = grants(org, tmp_path)[grant]
    path = connector_file(tmp_path, org.url, **changes, **given)
    capsys.readouterr()
    assert main(["auth", "test", str(path), "-o", "json"]) == 0
    output = capsys.readouterr()
    facts = json.loads(output.out)
    assert (facts["login"], facts["org_id"], facts["user_id"]) == ("accepted", org.org_id, org.user_id)
    assert (facts["instance_url"], facts["api_version"], facts["grant"]) == (org.url, "66.0", grant)
    for value in given.values():
        assert value not in output.out + output.err
    assert main(["auth", "test", str(path)]) == 0
    assert org.org_id in capsys.readouterr().out


def test_a_refused_login_says_why_once(org: Org, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = {**grants(org, tmp_path)["PASSWORD"], "salesforce.password": "wrong-password"}
    path = connector_file(tmp_path, org.url, **given, **{"bridge.salesforce.ca.file": str(org.ca_file)})
    capsys.readouterr()
    assert main(["auth", "test", str(path)]) == 1
    output = capsys.readouterr()
    assert "invalid_grant (authentication failure); check salesforce.username" in output.err
    assert output.err.count("\n") == 1
    assert "wrong-password" not in output.out + output.err
    assert org.login.refused == 1


def test_an_unknown_ca_is_one_sentence(org: Org, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = connector_file(tmp_path, org.url, **grants(org, tmp_path)["PASSWORD"])
    capsys.readouterr()
    assert main(["auth", "test", str(path)]) == 1
    err = capsys.readouterr().err
    assert "set bridge.salesforce.ca.file" in err
    assert err.count("\n") == 1


def test_a_wrong_keystore_password_is_a_configuration_error(
    org: Org, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {**grants(org, tmp_path)["JWT_BEARER"], "salesforce.jwt.keystore.password": "not-that-one"}
    path = connector_file(tmp_path, org.url, **given, **{"salesforce.grant.type": "JWT_BEARER"})
    capsys.readouterr()
    assert main(["auth", "test", str(path)]) == 2
    assert "salesforce.jwt.keystore.password: the keystore in" in capsys.readouterr().err
    assert org.login.refused == 0


def test_an_org_that_tells_no_limits_has_accepted_the_login(
    org: Org, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(rest: object) -> None:
        raise answer_error("the org's limits", 404, [{"errorCode": "NOT_FOUND", "message": "not there"}])

    monkeypatch.setattr("bridge.salesforce.rest.Rest.limits", none)
    given = {**grants(org, tmp_path)["PASSWORD"], "bridge.salesforce.ca.file": str(org.ca_file)}
    assert main(["auth", "test", str(connector_file(tmp_path, org.url, **given))]) == 0
    assert "this org tells none" in capsys.readouterr().out
