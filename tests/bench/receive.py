"""What receiving costs: the CometD source beside a bare ``http.client`` loop, over TLS, in the same run.

Replies of 400 events and 400 kB. The loop only reads the bodies; the source also keeps the session, decodes, orders,
recognises repetitions and fills the buffer. Its decoding is measured by itself, so that what is left can be told:
the promise is to stay within 0.5 µs an event of ``http.client`` itself. Objects that a second thread takes over cost
more, because they travel between two cores: shown apart.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import socket
import ssl
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from attrs import define

from bridge.buffer import Buffer
from bridge.event import Delivery
from bridge.metrics import Stats
from bridge.salesforce.auth import Session
from bridge.salesforce.cometd import CometdSettings, CometdSource, Start
from bridge.salesforce.http import connect
from bridge.salesforce.http_settings import HttpSettings
from bridge.salesforce.replies import parse
from bridge.source import Signal
from tests.support.certs import Authority

EVENTS, MESSAGE_BYTES = 400, 1_000
REPLIES, ROUNDS = 100, 25
CHANNEL = "/event/Order_Event__e"
PROMISE = 0.5  # µs an event


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority.create(Path(folder))
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        spawn = multiprocessing.get_context("spawn")
        server = spawn.Process(target=serve, args=(str(authority.issue("org")), theirs), daemon=True)
        server.start()
        url, http_settings = f"https://127.0.0.1:{ours.recv()}", HttpSettings(ca_file=str(authority.file))
        try:
            _report(_rounds(url, http_settings))
        finally:
            server.terminate()
            server.join()


@define
class _Round:
    floor: float
    source: float
    decoding: float
    threads: float

    @property
    def beyond(self) -> float:
        return self.source - self.floor - self.decoding


def _rounds(url: str, settings: HttpSettings) -> list[_Round]:
    body = _bare_loop(url, settings, 20)[1]  # warm
    _source(url, settings, 20)
    return [
        _Round(  # side by side, because a machine's speed drifts
            _bare_loop(url, settings, REPLIES)[0],
            _source(url, settings, REPLIES),
            _decode(body, REPLIES),
            _source(url, settings, REPLIES, _Drained(REPLIES)),
        )
        for _ in range(ROUNDS)
    ]


def _report(rounds: list[_Round]) -> None:
    def median(value: Callable[[_Round], float]) -> float:
        return statistics.median(map(value, rounds))

    rows = (
        ("http.client, bodies only", median(lambda r: r.floor)),
        ("the CometD source", median(lambda r: r.source)),
        ("  of which decoding", median(lambda r: r.decoding)),
        ("  of which beyond http.client", median(lambda r: r.beyond)),
        ("a second thread takes them out", median(lambda r: r.threads)),
    )
    for name, micros in rows:
        print(f"{name:32} {micros:6.2f} µs CPU an event")
    ratio, beyond = median(lambda r: r.source / r.floor), median(lambda r: r.beyond)
    kept = "kept" if beyond <= PROMISE else "NOT KEPT"
    print(f"ratio {ratio:.2f}; within {PROMISE} µs an event of http.client: {kept}")


def _micros(seconds: float, replies: int) -> float:
    return seconds / replies / EVENTS * 1e6


def _bare_loop(url: str, settings: HttpSettings, replies: int) -> tuple[float, bytes]:
    connection = connect(url, settings, 30.0)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    request = json.dumps(
        [{"channel": "/meta/connect", "clientId": "bench", "connectionType": "long-polling"}]
    )
    connection.request("POST", "/cometd/66.0", request, headers)
    connection.getresponse().read()
    gc.collect()
    began = time.process_time()
    for _ in range(replies):
        connection.request("POST", "/cometd/66.0", request, headers)
        body = connection.getresponse().read()
    spent = time.process_time() - began
    connection.close()
    return _micros(spent, replies), body


def _decode(body: bytes, replies: int) -> float:
    bodies = [bytearray(body) for _ in range(4)]
    began = time.process_time()
    for turn in range(replies):
        for _ in parse(bodies[turn % 4], 8 << 20):
            pass
    return _micros(time.process_time() - began, replies)


def _source(url: str, settings: HttpSettings, replies: int, buffer: _Buffer | None = None) -> float:
    buffer = buffer or _Discarding(replies)
    stats, stop = Stats(connector="bench"), threading.Event()
    source = CometdSource(
        channel=CHANNEL,
        login=_NoLogin(url),  # type: ignore[arg-type]
        settings=CometdSettings("/cometd/66.0"),
        http=settings,
        buffer=buffer,
        stats=stats,
        start=Start(initial="all"),
    )
    thread = threading.Thread(target=source.run, args=(stop,))
    thread.start()
    buffer.finish()
    stop.set()
    source.interrupt()
    thread.join()
    assert stats.duplicates_dropped == 0
    assert stats.receive_errors == 0
    return _micros(buffer.spent, replies)


class _Buffer(Buffer):
    """Measures from the third delivery on, so that handshake and subscription do not count."""

    def __init__(self, replies: int) -> None:
        super().__init__(50_000, 32 << 20)
        self.spent = 0.0
        self._until = replies + 3
        self._number = 0
        self._full = threading.Event()

    def count(self) -> None:
        """One more delivery was dealt with."""
        self._number += 1
        if self._number == 3:
            gc.collect()
            self.spent = -time.process_time()
        elif self._number == self._until:
            self.spent += time.process_time()
            self._full.set()

    def finish(self) -> None:
        """Returns when all deliveries came."""
        self._full.wait()


class _Discarding(_Buffer):
    """Deliveries end here, in the receiver's own thread."""

    def put(self, signal: Signal) -> None:
        if isinstance(signal, Delivery):
            self.count()

    def has_room(self) -> bool:
        return not self._full.is_set()


class _Drained(_Buffer):
    """A second thread takes the deliveries out, as the worker does, and drops them."""

    def finish(self) -> None:
        while not self._full.is_set():
            if isinstance(self.get(1.0), Delivery):
                self.count()


class _NoLogin:
    logins = 1

    def __init__(self, url: str) -> None:
        self._session = Session("none", url, "00D000000000001EAA", "005000000000001AAA", 0.0)

    def session(self) -> Session:
        return self._session


# ---- the server, in a process of its own ----------------------------------------------------------------------


def serve(certificate: str, pipe: Connection) -> None:
    """Answer every poll at once with the next 400 events."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    pipe.send(listener.getsockname()[1])
    template = _template()
    while True:
        plain, _ = listener.accept()
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_answer, args=(plain, context, template), daemon=True).start()


def _answer(plain: socket.socket, context: ssl.SSLContext, template: bytes) -> None:
    reply: dict[str, Any] = {"clientId": "c1", "successful": True, "ext": {"replay": True}}
    first = 1
    try:
        with context.wrap_socket(plain, server_side=True) as sock:
            while request := _request(sock):
                channel = json.loads(request)[0]["channel"]
                meta = json.dumps({**reply, "channel": channel}).encode()
                body = b"[" + meta + b"]"
                if channel == "/meta/connect":
                    body = b"[" + template % tuple(range(first, first + EVENTS)) + meta + b"]"
                    first += EVENTS
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                sock.sendall(head % len(body) + body)
    except OSError:
        pass


def _request(sock: ssl.SSLSocket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += (part := sock.recv(65_536))
        if not part:
            return b""
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += sock.recv(65_536)
    return body


def _template() -> bytes:
    messages = []
    for slot in range(EVENTS):
        payload = {
            "CreatedDate": "2024-08-07T12:12:19.078Z",
            "CreatedById": "0055g00000Ab1cdAAA",
            "Number__c": slot,
        }
        head = {"EventUuid": f"3b1f7d70-6d0a-4a53-9c11-{slot:012d}", "replayId": 10**9}
        data = {"schema": "q0mW4nJrT1yq0Wv9Zb7wLA", "payload": payload, "event": head}
        payload["Text__c"] = "x" * (MESSAGE_BYTES - len(json.dumps({"data": data, "channel": CHANNEL})) - 14)
        messages.append(json.dumps({"data": data, "channel": CHANNEL}).encode().replace(b"%d" % 10**9, b"%d"))
    return b",".join(messages) + b","


if __name__ == "__main__":
    main()
