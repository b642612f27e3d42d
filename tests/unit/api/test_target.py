"""The forms of a request line, as clients older or plainer than browsers send them, through a real listener."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from bridge.api.guard import Guard
from bridge.api.target import unusable
from tests.support.memory_worker import MemoryWorker
from tests.vectors.connect_stubs import World, stubs


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    worker = MemoryWorker(stubs(World()))
    with worker.served() as served:
        yield served
    worker.stop()


def status(url: str, *lines: str) -> int:
    """Of the answer to a request of these lines; HOST stands for the listener's address."""
    address = urlsplit(url)
    asked = "\r\n".join([*lines, "", ""]).replace("HOST", address.netloc)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=20) as sock:
        sock.sendall(asked.encode("latin-1"))
        return int(sock.makefile("rb").readline().split()[1])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["GET /health HTTP/1.0"], 200),
        (["GET /health HTTP/1.0", "Origin: http://evil.example"], 400),
        (["GET /health HTTP/1.0", "Sec-Fetch-Site: same-origin"], 400),
        (["GET /health HTTP/1.0", "Host: evil.example"], 400),
        (["GET /health HTTP/1.0", "Host:"], 400),
        (["GET /health HTTP/1.1"], 400),
        (["GET /health HTTP/1.1", "Host:"], 400),
        (["GET http://HOST/connectors HTTP/1.1", "Host: HOST"], 200),
        (["GET HTTP://HOST/connectors?expand=info HTTP/1.1", "Host: HOST"], 200),
        (["GET http://HOST HTTP/1.1", "Host: HOST"], 200),
        (["GET http://HOST?a=b HTTP/1.1", "Host: HOST"], 200),
        (["GET http://HOST/connectors/nope HTTP/1.1", "Host: HOST"], 404),
        (["GET http://HOST/connectors HTTP/1.1", "Host: evil.example"], 200),
        (["GET http://evil.example/connectors HTTP/1.1", "Host: HOST"], 400),
        (["GET http://me@HOST/connectors HTTP/1.1", "Host: HOST"], 400),
        (["GET http:///connectors HTTP/1.1", "Host: HOST"], 400),
        (["GET http://HOST/connectors HTTP/1.1", "Host: HOST", "Origin: http://evil.example"], 403),
        (["GET * HTTP/1.1", "Host: HOST"], 400),
        (["GET connectors HTTP/1.1", "Host: HOST"], 400),
        (["GET /connectors#part HTTP/1.1", "Host: HOST"], 200),
    ],
)
def test_a_request_line_in_every_form(lines: list[str], expected: int, url: str) -> None:
    assert status(url, *lines, "Connection: close") == expected


def test_a_request_without_host_is_a_stranger_s_only_where_a_browser_made_it() -> None:
    guard = Guard({}, frozenset({"localhost"}))
    assert guard.stranger({}, "http") is None
    assert guard.stranger({"origin": "null"}, "http") is not None
    assert guard.stranger({"host": "rebound.example"}, "http") is not None


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/connectors/x%0A/config", "Suspicious Path Character"),
        ("/connectors/%0ax/config", "Suspicious Path Character"),
        ("/connectors/x%09", "Suspicious Path Character"),
        ("/connectors/x%1F", "Suspicious Path Character"),
        ("/connectors/x%7f", "Suspicious Path Character"),
        ("/connectors/a%00b", "Bad Request"),
        ("/connectors/%ZZ", "Bad Request"),
        ("/connectors/%2", "Bad Request"),
        ("/connectors/%FC", "Bad UTF-8 encoding"),
        ("/connectors/a|b", "Illegal Path Character"),
        ("/connectors/ü", "Illegal Path Character"),
        ("/connectors/%C3%BC", None),
        ("/connectors/x:y;z+1~!$&'()*,=@-_.", None),
        ("/connectors/%7C%20%C2%85", None),
        ("/bridge/v1/connectors/a%2Fb", None),
        ("/connect/v1/environments/e/clusters/c/connectors/a%2Fb", None),
    ],
)
def test_paths_that_kafka_connect_s_web_server_refuses(path: str, words: str | None) -> None:
    assert unusable(path, ("/bridge/v1/", "/console")) == words
