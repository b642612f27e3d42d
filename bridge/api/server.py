"""The worker's listeners: uvicorn in threads, an ASGI application that hands requests to the site."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import frozen

from bridge.addresses import is_loopback
from bridge.api.exchange import FORWARDED, NOT_LEADER, Answer
from bridge.api.peers import Forward
from bridge.api.site import Site
from bridge.api.trust import session
from bridge.config import Config
from bridge.errors import ConfigurationError, Fault
from bridge.waits import LEADER

_KEYSTORE: Final = "listeners.https.ssl.keystore.location"
_KEY_PASSWORD: Final = "listeners.https.ssl.key.password"  # noqa: S105 - a property's name
#: What belongs to the connection, or was judged by it: the leader's own address is another one than the page's.
_HOP: Final = frozenset(
    {
        "connection", "content-length", "host", "transfer-encoding", "keep-alive", "expect",
        "origin", "referer", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user",
    }
)  # fmt: skip
_KEPT: Final = ("Location", "Allow", "WWW-Authenticate", "Retry-After", "Cache-Control", NOT_LEADER)
"""Headers of another worker's answer that go on to the client, as the bridge spells them."""
_HANDSHAKE_SECONDS: Final = 10.0


@frozen
class Listener:
    """One address."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Listener:
        """``http://host:port``; no host is every address of the machine, as in Kafka Connect."""
        try:
            parts = urlsplit(text.strip().lower())
            host, port = parts.hostname or "0.0.0.0", parts.port  # noqa: S104 - judged by ``check``
        except ValueError:
            parts, host, port = urlsplit(""), "", None
        if parts.scheme not in ("http", "https") or port is None:
            raise ConfigurationError(
                [Fault("listeners", "must be http://host:port or https://host:port", text)]
            )
        return cls(parts.scheme, host, port)


def listeners(config: Config) -> list[Listener]:
    """The listeners of a worker, checked. Raises ConfigurationError."""
    parsed = [Listener.parse(text) for text in config["listeners"]]
    for one in parsed:
        if is_loopback(one.host) or config["bridge.rest.users.file"] or config["bridge.rest.allow.anonymous"]:
            continue
        raise ConfigurationError(
            [
                Fault(
                    "listeners",
                    f"{one.host} can be reached by others, and nobody would be asked who they are: set "
                    "bridge.rest.users.file, or bridge.rest.allow.anonymous=true",
                )
            ]
        )
    if any(one.scheme == "https" for one in parsed):
        _check_keystore(config)
    return parsed


def _check_keystore(config: Config) -> None:
    """Told before anything listens: the server would end in its thread, or ask a terminal for the key's password."""
    if not config[_KEYSTORE]:
        raise ConfigurationError([Fault(_KEYSTORE, "is required for an https listener")])
    password = config[_KEY_PASSWORD] or ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config[_KEYSTORE], password=lambda: password)
    except OSError as error:  # ssl.SSLError among them
        why = "no PEM file with a key, its certificates, and the password that is given"
        if not isinstance(error, ssl.SSLError):
            why = error.strerror or "it cannot be read"
        raise ConfigurationError([Fault(_KEYSTORE, f"cannot be used: {why}")]) from None


def bind(listener: Listener) -> socket.socket:
    """The listening socket. ConfigurationError if the address is taken, or none of this machine."""
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only where it is: without it the second answer on a
    # connection waits 40 ms for the peer's delayed acknowledgement.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((listener.host, listener.port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        why = str(error.strerror or error).lower()
        raise ConfigurationError(
            [Fault("listeners", f"cannot listen on {listener.host}:{listener.port}: {why}")]
        ) from error
    return sock


class Server:
    """Serves a site on sockets that are bound already."""

    def __init__(
        self, site: Site, sockets: Mapping[Listener, socket.socket], config: Config | None = None
    ) -> None:
        import uvicorn

        # here: of all commands only a worker needs a web server
        from bridge.api.application import application
        from bridge.api.connections import IDLE_SECONDS, Connection

        self._servers: list[tuple[Any, socket.socket]] = []
        for listener, bound in sockets.items():
            secure: dict[str, Any] = {}
            if listener.scheme == "https" and config is not None:
                secure = {"ssl_certfile": config[_KEYSTORE], "ssl_version": ssl.PROTOCOL_TLS_SERVER}
                secure["ssl_keyfile_password"] = config[_KEY_PASSWORD]
            settings = uvicorn.Config(
                application(site, listener.scheme),
                http=Connection,
                ws="none",
                log_config=None,
                log_level="error",  # what a client does wrong is no news of ours
                access_log=False,
                lifespan="off",
                server_header=False,
                proxy_headers=False,  # the address that guesses are counted by is no word of the client
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=5,
                **secure,
            )
            self._servers.append((uvicorn.Server(settings), bound))
        self._threads: list[threading.Thread] = []
        self.expires = None if config is None or not config[_KEYSTORE] else _end_of(config[_KEYSTORE])
        """When the certificate of the https listeners ends, in seconds since the epoch."""

    def start(self) -> None:
        """Begin to answer; returns at once."""
        for server, bound in self._servers:
            server.install_signal_handlers = lambda: None
            thread = threading.Thread(target=_serve, args=(server, bound), name="rest", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """End; requests that are being answered are finished first."""
        for server, _ in self._servers:
            server.should_exit = True
        for thread in self._threads:
            thread.join(10)


def _end_of(keystore: str) -> float | None:
    # here: loads cryptography, which plain listeners do without
    from cryptography import x509

    try:
        certificates = x509.load_pem_x509_certificates(Path(keystore).read_bytes())
    except (OSError, ValueError):  # the listener has said what is wrong with it
        return None
    return min(one.not_valid_after_utc for one in certificates).timestamp()


def _serve(server: Any, bound: socket.socket) -> None:
    asyncio.run(_serving(server, bound))


async def _serving(server: Any, bound: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    create: Any = loop.create_server

    def create_server(*args: Any, ssl: Any = None, **more: Any) -> Any:
        """A peer that never finishes its handshake is a connection that nobody counts."""
        given = {"ssl_handshake_timeout": _HANDSHAKE_SECONDS} if ssl is not None else {}
        return create(*args, ssl=ssl, **given, **more)

    loop.create_server = create_server  # type: ignore[method-assign]  # uvicorn gives no way to set it
    await (server._serve(sockets=[bound]) if hasattr(server, "_serve") else server.serve(sockets=[bound]))


def forwarder(scheme: str, worker_id: str, ca_file: str | None) -> Forward:
    """Sends a request on to another worker, with the credentials it came with. Raises ConfigurationError."""
    import requests

    session(ca_file, _KEYSTORE).close()  # a file that cannot be used is told now

    def forward(
        worker: str,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        seconds: float = LEADER.longest,
    ) -> Answer | None:
        passed = {key: value for key, value in headers.items() if key not in _HOP}
        try:
            # No connection is kept: the other worker would wait for it when it ends.
            with session(ca_file, _KEYSTORE) as asking:
                asking.trust_env = False  # no proxy, and no .netrc in place of the credentials it came with
                answer = asking.request(
                    method,
                    f"{scheme}://{worker}{target}",
                    data=body or None,
                    headers={**passed, FORWARDED: worker_id},
                    timeout=seconds,
                    allow_redirects=False,
                )
        except (requests.RequestException, ConfigurationError):
            return None
        kept = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        kind = answer.headers.get("Content-Type", "application/json")
        return Answer(answer.status_code, answer.content or None, kept, kind)

    return forward
