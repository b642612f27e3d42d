"""HTTP/2 connections to the Pub/Sub API, shared by the connectors of an org: one for all their streams, another before
Salesforce's limit of 1,000 streams on one, and a new one where one seems to be dead.

gRPC connects by itself, so proxy, trust and egress lists are those of ``http_settings``, handed to it as options.
"""

from __future__ import annotations

import threading
from typing import Any, Final
from urllib.parse import quote, urlsplit

import grpc
from attrs import define, field, frozen

from bridge.errors import Stage
from bridge.salesforce.http_settings import USER_AGENT, HttpSettings, Origin
from bridge.trust.context import trusted_pem

ENDPOINT: Final = "bridge.pubsub.endpoint"
MOST_STREAMS: Final = 900
"""On one connection; Salesforce lets 1,000 be open there and holds back further ones."""
_PING: Final = 120_000
"""Milliseconds. A server with gRPC's defaults ends the connection (``too_many_pings``) at the third ping within five
minutes in which it sends nothing; Salesforce says something within 270 s."""
_PONG: Final = 20_000


@frozen
class Address:
    """Where to connect, how, and for which org. ``url``: ``https://host:port``, or ``http://`` for a simulator."""

    url: str
    org_id: str
    settings: HttpSettings
    max_bytes: int


@define(eq=False)
class Line:
    """One connection and how many streams it carries."""

    channel: Any
    streams: int = 0
    suspect: bool = False


@define
class _Lines:
    """Those of the process."""

    _lines: dict[Address, list[Line]] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def take(self, address: Address) -> Line:
        """A connection with room for a stream more. Raises Fatal, ConfigurationError."""
        with self._lock:
            lines = self._lines.setdefault(address, [])
            line = next((one for one in lines if not one.suspect and one.streams < MOST_STREAMS), None)
            if line is None:
                line = Line(_open(address))
                lines.append(line)
            line.streams += 1
            return line

    def give_back(self, address: Address, line: Line, *, suspect: bool) -> None:
        """The stream is over. ``suspect``: the connection may be dead, and takes no more streams."""
        with self._lock:
            line.streams -= 1
            line.suspect |= suspect
            if not line.streams:
                line.channel.close()
                self._lines[address].remove(line)
                if not self._lines[address]:
                    del self._lines[address]


LINES: Final = _Lines()


def origin_of(endpoint: str) -> Origin:
    """``host:port`` of the configuration; ``http://`` before it is for a loopback address. Raises Fatal."""
    text = endpoint.strip()
    return Origin.of(text if "://" in text else f"https://{text}", ENDPOINT, Stage.SUBSCRIBE)


def _open(address: Address) -> Any:
    settings, origin = address.settings, Origin.of(address.url, ENDPOINT, Stage.SUBSCRIBE)
    proxy = settings.proxy_for(address.url)
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", address.max_bytes),
        ("grpc.keepalive_time_ms", _PING),
        ("grpc.keepalive_timeout_ms", _PONG),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.enable_retries", 0),  # what is tried again, and for how long, is decided in ``recovery``
        ("grpc.use_local_subchannel_pool", 1),  # a new channel is a new connection
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 5_000),  # left to itself it waits for up to two minutes
        ("grpc.primary_user_agent", USER_AGENT),
        ("grpc.enable_http_proxy", int(proxy is not None)),
    ]
    if proxy is not None:
        options.append(("grpc.http_proxy", _with_login(proxy, settings.proxy_auth)))
    target = f"dns:///{_bracketed(origin)}"
    if origin.scheme == "http":
        return grpc.insecure_channel(target, options)
    credentials = grpc.ssl_channel_credentials(root_certificates=trusted_pem(settings.ca_file))
    return grpc.secure_channel(target, credentials, options)


def _bracketed(origin: Origin) -> str:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return f"{host}:{origin.port}"


def _with_login(proxy: str, login: tuple[str, str] | None) -> str:
    if login is None:
        return proxy
    parts = urlsplit(proxy)
    user, password = (quote(part, safe="") for part in login)
    return f"{parts.scheme}://{user}:{password}@{parts.netloc}"
