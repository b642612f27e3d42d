"""Which transport a connector may use, and how its endpoint is written."""

from __future__ import annotations

import pytest

from bridge.config import checks
from bridge.config.checks import endpoint, transport
from bridge.config.declarations.transports import TRANSPORTS


def test_every_transport_is_there() -> None:
    assert [transport(name) for name in TRANSPORTS] == [None] * len(TRANSPORTS)


def test_a_missing_library_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    assert transport("streaming") is None
    refusal = transport("pubsub")
    assert refusal is not None
    assert "grpcio" in refusal
    assert "salesforce-kafka-bridge[pubsub]" in refusal


@pytest.mark.parametrize(
    "text",
    [
        "api.pubsub.salesforce.com:443",
        "api.deu.pubsub.salesforce.com:7443",
        "https://api.pubsub.salesforce.com",
        "localhost:7443",
        "http://127.0.0.1:7443",
        "[::1]:7443",
    ],
)
def test_an_endpoint(text: str) -> None:
    assert endpoint(text) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be host:port"),
        ("host:port", "must be host:port"),
        ("host:0", "must be host:port"),
        ("host:99999", "must be host:port"),
        ("user:secret@host:443", "must be host:port"),
        ("ftp://host:443", "must be host:port"),
        ("host:443/path", "must be host:port"),
        ("http://api.pubsub.salesforce.com:443", "not encrypted"),
    ],
)
def test_what_is_no_endpoint(text: str, said: str) -> None:
    refusal = endpoint(text)
    assert refusal is not None
    assert said in refusal
    assert "secret" not in refusal
