"""TLS towards a registry, with certificates made here."""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from bridge.errors import ConfigurationError, Fatal
from bridge.registry.client import Registry
from bridge.registry.http import http_of
from bridge.trust.client import tls_context

PEM = serialization.Encoding.PEM


class Authority:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._make("test CA", self.key, ca=True)
        (folder / "ca.pem").write_bytes(self.certificate.public_bytes(PEM))

    def _make(self, name: str, key: Any, *, ca: bool = False) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        issuer = subject if ca else self.certificate.subject
        builder = (
            x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca, None), True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        )
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name: str) -> tuple[Any, x509.Certificate, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._make(name, key)
        file = self.folder / f"{name}.pem"
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(private + certificate.public_bytes(PEM))
        return key, certificate, file


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def url(authority: Authority) -> Iterator[str]:
    """A registry that wants a client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("localhost")[2])
    context.load_verify_locations(authority.folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *arguments: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def ask(url: str, settings: dict[str, str]) -> list[int]:
    return Registry(http_of({"url": url, **settings}, retry_seconds=0.1, longest_wait=0.1)).versions("t")


def test_pem_trust_and_client_certificate(url: str, authority: Authority) -> None:
    client = str(authority.issue("client")[2])
    trust = {"ssl.truststore.location": str(authority.folder / "ca.pem")}
    assert ask(url, {**trust, "ssl.keystore.location": client}) == []
    inline = {
        "ssl.truststore.certificates": (authority.folder / "ca.pem").read_text(),
        "ssl.keystore.certificate.chain": Path(client).read_text(),
    }
    assert ask(url, inline) == []


def test_a_client_certificate_in_pkcs12(url: str, authority: Authority, tmp_path: Path) -> None:
    key, certificate, _ = authority.issue("client")
    secret = serialization.BestAvailableEncryption(b"changeit")
    store = tmp_path / "client.jks"  # the name says nothing
    store.write_bytes(pkcs12.serialize_key_and_certificates(b"c", key, certificate, [], secret))
    trust = {"ssl.truststore.location": str(authority.folder / "ca.pem")}
    keys = {"ssl.keystore.location": str(store), "ssl.keystore.password": "changeit"}
    assert ask(url, {**trust, **keys}) == []
    with pytest.raises(ConfigurationError, match=r"ssl\.keystore\.location: cannot be used") as caught:
        ask(url, {**trust, **keys, "ssl.keystore.password": "wr0ng"})
    assert "wr0ng" not in str(caught.value)


def test_an_unknown_authority_is_named(url: str) -> None:
    with pytest.raises(Fatal, match=r"certificate of the schema registry .* is not trusted"):
        ask(url, {})


def test_a_store_that_is_none(url: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("nothing")
    with pytest.raises(ConfigurationError, match=r"ssl\.truststore\.location: cannot be used"):
        ask(url, {"ssl.truststore.location": str(tmp_path / "x")})


def test_a_private_authority_that_is_named_but_missing_is_a_fault_here_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As towards Salesforce: OpenSSL would pass over it, and then refuse the registry for another reason."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(ConfigurationError, match=r"there is no file /nowhere/ca\.pem"):
        tls_context({})
