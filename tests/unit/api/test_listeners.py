"""Where a worker listens, whom it answers, and what a browser on a stranger's page gets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from bridge.api.server import listeners
from bridge.api.users import hash_password
from bridge.config import config_of
from bridge.config.declarations import WORKER
from bridge.errors import ConfigurationError
from tests.support.certs import Authority
from tests.support.memory_worker import MemoryWorker
from tests.vectors.connect_stubs import World, stubs

OPEN = "http://:8083", "http://0.0.0.0:8083", "http://[::]:8083", "http://10.0.0.1:8083", "http://a.example:1"
CLOSED = "http://127.0.0.1:0", "http://localhost:8083", "http://[::1]:8083", "http://127.8.8.8:1"


def hosts(*addresses: str, **more: str) -> list[str]:
    given = {"listeners": ",".join(addresses), **{key.replace("__", "."): text for key, text in more.items()}}
    return [one.host for one in listeners(config_of(given, WORKER))]


@pytest.mark.parametrize("address", OPEN)
def test_what_others_can_reach_needs_users_or_an_acknowledgement(address: str, tmp_path: Path) -> None:
    for given in ([address], [CLOSED[0], address]):
        with pytest.raises(ConfigurationError) as refused:
            hosts(*given)
        (fault,) = refused.value.faults
        assert fault.key == "listeners"
        assert "bridge.rest.users.file" in fault.message
        assert "bridge.rest.allow.anonymous=true" in fault.message
    assert hosts(address, bridge__rest__allow__anonymous="true")
    users = tmp_path / "users"
    users.write_text(f"key:{hash_password('x')}\n")
    assert hosts(address, bridge__rest__users__file=str(users))


@pytest.mark.parametrize("address", CLOSED)
def test_what_only_this_machine_reaches_needs_nothing(address: str) -> None:
    assert hosts(address)


@pytest.mark.parametrize("address", ["8083", "ftp://127.0.0.1:1", "http://127.0.0.1", "http://127.0.0.1:x"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError):
        hosts(address)


def test_https_needs_key_and_certificate_in_one_file(authority: Authority, tmp_path: Path) -> None:
    file = authority.issue("rest")
    key, end, certificates = file.read_text().partition("-----END PRIVATE KEY-----\n")
    private = load_pem_private_key((key + end).encode(), None)
    locked = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame"))
    (tmp_path / "none.pem").write_text(certificates)
    (tmp_path / "locked.pem").write_bytes(locked + certificates.encode())

    def https(name: Path | str, **more: str) -> list[str]:
        given = {"listeners__https__ssl__keystore__location": str(name), **more}
        return hosts("https://127.0.0.1:0", **given)

    assert https(file)
    word = "listeners__https__ssl__key__password"
    assert https(tmp_path / "locked.pem", **{word: "open sesame"})
    for wrong in ({}, {word: "shut"}):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            https(tmp_path / "locked.pem", **wrong)
    for name in ("none.pem", "nowhere.pem"):
        with pytest.raises(ConfigurationError) as refused:
            https(tmp_path / name)
        assert [fault.key for fault in refused.value.faults] == ["listeners.https.ssl.keystore.location"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    worker = MemoryWorker(stubs(World()))
    with worker.served() as url:
        yield url
    worker.stop()


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_there_is_no_cors(url: str, method: str) -> None:
    headers = {
        "Origin": "http://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = requests.request(method, f"{url}/connectors", headers=headers, timeout=10)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert "Vary" not in answer.headers


def test_a_form_of_a_strangers_page_writes_nothing(url: str) -> None:
    body = '{"name":"x","config":{"connector.class":"EmptyPartitionSource","topic":"t"}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = requests.post(f"{url}/connectors", body, headers={"Content-Type": kind}, timeout=10)
        assert answer.status_code == 415
    assert requests.get(f"{url}/connectors", timeout=10).json() == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8083", "127.0.0.1.evil.example", "", "[::2]:1"]
)
def test_another_host_is_refused(url: str, host: str) -> None:
    for path in ("/connectors", "/health", "/metrics", "/connect/v1/environments/e/clusters/c/connectors"):
        answer = requests.get(url + path, headers={"Host": host}, timeout=10)
        assert answer.status_code == 400, answer.text
