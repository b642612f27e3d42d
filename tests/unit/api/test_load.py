"""What many, slow and large requests cost: little, and ``/health`` answers throughout."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

import pytest
import requests

from bridge.api import application, connections, server
from bridge.api import users as people
from bridge.api.exchange import MAX_BODY
from bridge.api.users import User, hash_password
from bridge.config import config_of
from bridge.config.declarations import WORKER as WORKER_PROPERTIES
from tests.support.certs import Authority
from tests.support.memory_worker import MemoryWorker
from tests.vectors.connect_stubs import World, stubs

USERS = {"key": User(hash_password("secret"))}
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A worker behind a listener, once what it is to be limited to has been set; its URL."""
    ends: list[Callable[[], object]] = []

    def served(users: dict[str, User] | None = None) -> str:
        worker = MemoryWorker(stubs(World()), users or {})
        context = worker.served()
        url = context.__enter__()
        ends.extend([worker.stop, lambda: context.__exit__(None, None, None)])
        return url

    yield served
    for end in reversed(ends):
        end()


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=20)


def head(url: str, *lines: str, path: str = "/connectors") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", *lines, "", ""]).encode()


def healthy(url: str, **more: object) -> bool:
    return requests.get(f"{url}/health", timeout=20, **more).status_code == 200  # type: ignore[arg-type]  # of requests


def said(sock: socket.socket) -> bytes:
    """All that comes until the other side ends it."""
    told = b""
    with suppress(ConnectionError):
        while piece := sock.recv(65536):
            told += piece
    return told


def test_half_requests_take_no_more_connections_than_there_are(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST", 16)
    url = serve()
    half = [connect(url) for _ in range(60)]
    for sock in half:
        with suppress(ConnectionError):
            sock.sendall(b"GET /connectors HTTP/1.1\r\nX-Slow: ")
    assert healthy(url)
    assert said(half[0]) == b"", "who has kept us waiting longest goes"
    for sock in half:
        sock.close()
    assert healthy(url)


@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        ("HEAD_SECONDS", b""),
        ("HEAD_SECONDS", b"GET /connectors HTTP/1.1\r\nX-Slow: "),
        ("BODY_SECONDS", b"Content-Length: 100\r\nContent-Type: application/json\r\n\r\n{"),
    ],
)
def test_a_request_has_to_arrive_in_time(
    limit: str, sent: bytes, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, limit, 0.2)
    url = serve()
    with connect(url) as sock:
        if limit == "BODY_SECONDS":
            sent = head(url)[:-2] + sent
        sock.sendall(sent)
        assert said(sock) == b""
    monkeypatch.undo()
    assert healthy(url)


def test_a_connection_is_kept_for_as_long_as_kafka_connect_keeps_it() -> None:
    assert connections.IDLE_SECONDS == 90


def test_a_kept_connection_waits_longer_for_a_request_than_for_the_rest_of_one(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    url = serve()
    host = f"Host: {urlsplit(url).netloc}\r\n".encode()
    with connect(url) as sock:
        answers = sock.makefile("rb")
        for _ in range(2):
            sock.sendall(b"GET /connectors HTTP/1.1\r\n" + host + b"\r\n")
            while line := answers.readline().strip():
                assert line
            assert answers.read(2) == b"[]"
            threading.Event().wait(0.8)  # more than the headers of a request may take
        sock.sendall(b"GET /connectors HTTP/1.1\r\n")
        assert answers.read() == b"", "a request that has begun has to arrive in time"


def test_a_connection_that_is_not_used_ends(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.2)
    url = serve()
    with connect(url) as sock:
        sock.sendall(b"GET /connectors HTTP/1.1\r\n" + f"Host: {urlsplit(url).netloc}\r\n\r\n".encode())
        assert said(sock).endswith(b"[]")


def test_a_body_in_the_smallest_pieces_is_refused_early(serve: Serve) -> None:
    url = serve()
    with connect(url) as sock:
        sock.sendall(head(url, "Transfer-Encoding: chunked", "Content-Type: application/json"))
        pieces = b"1\r\n \r\n" * 20_000
        with suppress(ConnectionError):
            for start in range(0, len(pieces), 6_000):
                sock.sendall(pieces[start : start + 6_000])
                if start == 60_000:
                    assert healthy(url)
            sock.sendall(b"0\r\n\r\n")
        assert said(sock)[:12] in (b"HTTP/1.1 400", b""), "cut off, told or not"
    assert healthy(url)
    body = json.dumps(
        {"name": "x", "config": {"connector.class": "EmptyPartitionSource", "topic": "t" * 100_000}}
    )
    pieces_of_a_kilobyte = (body[at : at + 1024].encode() for at in range(0, len(body), 1024))
    answer = requests.post(
        f"{url}/connectors", pieces_of_a_kilobyte, headers={"Content-Type": "application/json"}, timeout=20
    )
    assert answer.status_code == 201, answer.text


def test_who_is_nobody_is_told_before_the_body(serve: Serve) -> None:
    url = serve(USERS)
    with connect(url) as sock:
        sock.sendall(
            head(url, f"Content-Length: {MAX_BODY}", "Content-Type: application/json", "Expect: 100-continue")
        )
        assert sock.recv(65536).startswith(b"HTTP/1.1 401 ")


def test_a_body_above_the_limit_is_refused_as_json(serve: Serve) -> None:
    url = serve()
    answer = requests.put(f"{url}/connectors/x/config", b" " * (MAX_BODY + 1), timeout=20)
    assert (answer.status_code, answer.json()["error_code"]) == (413, 413)


def test_all_bodies_together_have_a_limit(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "Bodies", partial(application.Bodies, 100_000))
    url = serve()
    with connect(url) as sock:  # it holds most of what there is
        sock.sendall(
            head(url, f"Content-Length: {MAX_BODY}", "Content-Type: application/json") + b" " * 90_000
        )
        until_busy = [
            requests.put(f"{url}/connectors/x/config", b" " * 50_000, timeout=20).status_code
            for _ in range(40)
        ]
        assert 503 in until_busy
        assert healthy(url)
    assert requests.get(f"{url}/connectors", timeout=20).status_code == 200


def test_guessers_wait_for_one_another(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    url = serve(USERS)
    assert healthy(url, auth=("key", "secret")), "known from now on"
    lock, now, most = threading.Lock(), [0], [0]
    real = people._scrypt

    def counted(password: str, salt: bytes) -> bytes:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        try:
            return real(password, salt)
        finally:
            with lock:
                now[0] -= 1

    monkeypatch.setattr(people, "_scrypt", counted)

    def guess(number: int) -> int:
        told = {"X-Forwarded-For": f"192.0.2.{number}"}  # whoever guesses may say where it comes from
        auth = ("key", f"guess-{number}")
        return requests.get(f"{url}/connectors", auth=auth, headers=told, timeout=30).status_code

    with ThreadPoolExecutor(20) as pool:
        guesses = [pool.submit(guess, number) for number in range(40)]
        assert healthy(url, auth=("key", "secret"))
        statuses = {one.result() for one in guesses}
    assert most[0] == 1, "all of them come from one address"
    assert statuses <= {401, 503}
    assert healthy(url, auth=("key", "secret"))


def test_a_handshake_that_never_ends_is_ended(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_HANDSHAKE_SECONDS", 0.3)
    keystore = str(authority.issue("rest"))
    config = config_of({"listeners.https.ssl.keystore.location": keystore}, WORKER_PROPERTIES)
    worker = MemoryWorker(stubs(World()))
    bound = server.bind(server.Listener("https", "127.0.0.1", 0))
    listener = server.Listener("https", "127.0.0.1", bound.getsockname()[1])
    serving = server.Server(worker.site, {listener: bound}, config)
    serving.start()
    url = f"https://127.0.0.1:{listener.port}"
    try:
        with connect(url) as sock:
            assert healthy(url, verify=str(authority.file))
            assert said(sock) == b""
        with connect(url) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            said(sock)
        assert healthy(url, verify=str(authority.file))
    finally:
        serving.stop()
        worker.stop()
