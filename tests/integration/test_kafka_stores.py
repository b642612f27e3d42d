"""Stores that Java's own ``keytool`` writes, in every type, against a TLS broker."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    load_pem_private_key,
    pkcs12,
)

from bridge.config import Loaded, config_of
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.kafka.cluster import Cluster
from bridge.kafka.settings import admin_settings
from bridge.trust.truststore import trusted_certificates
from tests.support import java
from tests.support.kafka_broker import Broker

PASSWORD = "changeit"


def keytool(*arguments: str) -> None:
    tool = java.keytool()
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def import_ca(ca: Path, store: Path, *options: str) -> Path:
    keytool(
        *options,
        "-importcert",
        "-noprompt",
        "-alias",
        "ca",
        "-file",
        str(ca),
        "-keystore",
        str(store),
        "-storepass",
        PASSWORD,
    )
    return store


@pytest.mark.parametrize(
    "options",
    [("-storetype", "JKS"), ("-storetype", "PKCS12"), ("-storetype", "PKCS12", "-J-Dkeystore.pkcs12.legacy")],
)
def test_trust_stores(secured_broker: Broker, tmp_path: Path, options: tuple[str, ...]) -> None:
    store = import_ca(secured_broker.ca, tmp_path / "trust.store", *options)
    der = x509.load_pem_x509_certificate(secured_broker.ca.read_bytes()).public_bytes(Encoding.DER)
    assert trusted_certificates(store.read_bytes(), PASSWORD) == [der]
    worker = secured_broker.worker() | {
        "ssl.truststore.type": "JKS",
        "ssl.truststore.location": str(store),
        "ssl.truststore.password": PASSWORD,
    }
    assert brokers(worker) == 1


def test_jks_without_its_password_as_java_reads_it(secured_broker: Broker, tmp_path: Path) -> None:
    store = import_ca(secured_broker.ca, tmp_path / "trust.jks", "-storetype", "JKS")
    worker = {k: v for k, v in secured_broker.worker().items() if not k.startswith("ssl.")}
    assert brokers(worker | {"ssl.truststore.location": str(store)}) == 1


def test_client_certificate_out_of_pkcs12(secured_broker: Broker, tmp_path: Path) -> None:
    assert secured_broker.certificates
    pem = (secured_broker.certificates / "client.pem").read_bytes()
    certificate, issuer = x509.load_pem_x509_certificates(pem)
    key = load_pem_private_key(pem, None)
    store = tmp_path / "client.p12"
    encrypted = BestAvailableEncryption(PASSWORD.encode())
    store.write_bytes(pkcs12.serialize_key_and_certificates(b"me", key, certificate, [issuer], encrypted))
    worker = {
        "bootstrap.servers": f"127.0.0.1:{secured_broker.ports['SSL']}",
        "security.protocol": "SSL",
        "ssl.truststore.location": str(secured_broker.ca),
        "ssl.keystore.location": str(store),
        "ssl.keystore.password": PASSWORD,
        "ssl.keystore.type": "PKCS12",
    }
    assert brokers(worker) == 1


def brokers(worker: dict[str, str]) -> int:
    loaded = Loaded(config_of({"kafka.topic": "orders"}, CONNECTOR), config_of(worker, WORKER))
    return Cluster(admin_settings(loaded), stopped=lambda: True).brokers()
