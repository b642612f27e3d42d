"""A local HTTP or HTTPS server that answers what a test tells it to, and a CONNECT proxy."""

from __future__ import annotations

import base64
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from attrs import define, field

from bridge.sandbox.tls import make_certificate


@define
class Request:
    """What arrived. ``peer`` is the port it came from: the same for all of one connection."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    peer: int = 0
    body: bytes = b""


@define
class Answer:
    """What to send. ``cut`` sends only so many bytes of the body and closes the connection."""

    body: Any = b""
    status: int = 200
    headers: dict[str, str] = field(factory=dict)
    cut: int | None = None

    def content(self) -> bytes:
        """Bytes as they are, text in UTF-8, anything else as JSON."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


Script = Callable[[Request], Answer]


@define
class Web:
    """A running server; ``script`` may be replaced at any time."""

    url: str
    ca_file: Path | None
    script: Script = lambda request: Answer(status=404)
    requests: list[Request] = field(factory=list)

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that turns away (unknown CA, for instance) is what many tests are about."""


def _handler(web: Web) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            request = Request(
                self.command,
                parts.path,
                {key: values[0] for key, values in parse_qs(parts.query).items()},
                {key.lower(): value for key, value in self.headers.items()},
                {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace")).items()},
                self.client_address[1],
                body,
            )
            web.requests.append(request)
            answer = web.script(request)
            content = answer.content()
            self.send_response_only(answer.status)
            headers = {"Date": self.date_time_string(), "Content-Length": str(len(content)), **answer.headers}
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content if answer.cut is None else content[: answer.cut])
            self.close_connection = self.close_connection or answer.cut is not None

        do_GET = do_POST = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return Handler


@contextmanager
def web_server(script: Script | None = None, tls_directory: Path | None = None) -> Iterator[Web]:
    """Plain on 127.0.0.1, or TLS for ``localhost`` with a throw-away CA made in ``tls_directory``."""
    web = Web("", None)
    if script is not None:
        web.script = script
    server = _Server(("127.0.0.1", 0), _handler(web))
    if tls_directory is None:
        web.url = f"http://127.0.0.1:{server.server_address[1]}"
    else:
        made = make_certificate(tls_directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.server_file)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        web.url, web.ca_file = f"https://localhost:{server.server_address[1]}", made.ca_file
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@define
class Proxy:
    """A running CONNECT proxy: which hosts were asked for, and with which credentials."""

    address: str
    credentials: tuple[str, str] | None
    status: int = 200
    route: str | None = None
    asked: list[str] = field(factory=list)
    given: list[str | None] = field(factory=list)

    def verdict(self, authorization: str | None) -> int:
        if self.credentials is not None:
            wanted = base64.b64encode(":".join(self.credentials).encode()).decode()
            if authorization != f"Basic {wanted}":
                return 407
        return self.status


@contextmanager
def connect_proxy(
    credentials: tuple[str, str] | None = None, status: int = 200, route: str | None = None
) -> Iterator[Proxy]:
    """A proxy that knows CONNECT only, wants ``credentials`` if given, and answers ``status``.

    ``route`` (host:port) is where every tunnel ends, whatever was asked for.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = Proxy(f"127.0.0.1:{listener.getsockname()[1]}", credentials, status, route)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_tunnel, args=(client, proxy), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield proxy
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _tunnel(client: socket.socket, proxy: Proxy) -> None:
    with client, suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return
            head += piece
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        target = first.split(" ")[1]
        proxy.asked.append(target)
        proxy.given.append(headers.get("proxy-authorization"))
        verdict = proxy.verdict(headers.get("proxy-authorization"))
        client.sendall(f"HTTP/1.1 {verdict} Said\r\nContent-Length: 0\r\n\r\n".encode())
        if verdict != 200:
            return
        host, _, port = (proxy.route or target).rpartition(":")
        with socket.create_connection((host, int(port)), 10) as server:
            _relay(client, server)


def _relay(one: socket.socket, other: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([one, other], [], [], 30)
        if not ready:
            return
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)
