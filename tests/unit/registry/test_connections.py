"""Connections to a registry: kept open, shared by all connectors, replaced when the server has closed them."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from bridge.errors import Retriable
from bridge.registry import http
from bridge.registry.client import Registry
from bridge.registry.http import http_of
from tests.support.dripping import dripping, slowly
from tests.support.web_server import Answer, Web, web_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Web]:
    with web_server(lambda request: Answer([1]), tls_directory=tmp_path) as web:
        yield web


def registry(server: Web, **settings: str) -> Registry:
    given = {"url": server.url, "ssl.truststore.location": str(server.ca_file), **settings}
    return Registry(http_of(given, retry_seconds=2, longest_wait=0.1))


def test_connectors_share_one(server: Web) -> None:
    first = registry(server, **{"basic.auth.user.info": "one:secret"})
    second = registry(server, **{"basic.auth.user.info": "two:secret"})
    for _ in range(3):
        assert first.versions("t") == second.versions("t") == [1]
    assert len({request.peer for request in server.requests}) == 1
    assert len({request.headers["authorization"] for request in server.requests}) == 2


def test_one_that_was_closed_meanwhile_is_replaced(server: Web) -> None:
    found = registry(server)
    server.script = lambda request: Answer([1], headers={"Connection": "close"})
    assert found.versions("t") == [1]
    assert found.versions("t") == [1]
    assert len({request.peer for request in server.requests}) == 2


def test_a_changed_trust_store_takes_effect(server: Web, tmp_path: Path) -> None:
    assert registry(server).versions("t") == [1]
    assert server.ca_file is not None
    with web_server(lambda request: Answer([2]), tls_directory=tmp_path / "other") as other:
        assert other.ca_file is not None
        server.ca_file.write_bytes(other.ca_file.read_bytes())
        other.ca_file = server.ca_file
        assert registry(other).versions("t") == [2]


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100, b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 100]
)
def test_an_answer_that_drips_is_given_up_as_a_whole(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "REGISTRY", evolve(http.REGISTRY, seconds=0.5))
    http._connections.cache_clear()
    began = time.monotonic()
    try:
        with dripping(slowly(answer), 0.2) as url, pytest.raises(Retriable, match="did not answer within"):
            Registry(http_of({"url": url}, retry_seconds=0, longest_wait=0.1)).versions("t")
        assert time.monotonic() - began < 10
    finally:
        http._connections.cache_clear()
