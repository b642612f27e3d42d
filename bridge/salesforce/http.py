"""Connections to Salesforce: one that is read from directly, and ``requests`` for metadata."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bridge.deadline import Deadline, bounded
from bridge.errors import Stage
from bridge.salesforce.http_settings import INSTANCE, HttpSettings, Origin, ssl_context
from bridge.salesforce.network import network_error
from bridge.salesforce.session import build_session
from bridge.waits import METADATA

if TYPE_CHECKING:
    import requests


def connect(
    url: str,
    settings: HttpSettings,
    timeout: float,
    *,
    stage: Stage = Stage.RECEIVE,
    named: str = INSTANCE,
    stopped: Callable[[], bool] = lambda: False,
) -> http.client.HTTPConnection:
    """An open connection to the URL's host, through the proxy where there is one; ``timeout`` (s) is for
    reading.

    Connecting itself may take ``settings.connect_timeout``. Raises Fatal (plain http to elsewhere, unknown
    CA, a proxy that refuses) or Retriable (not found, refused, no answer), one sentence each; Interrupted when
    ``stopped`` while a proxy was to answer. The socket has TCP_NODELAY.
    """
    origin = Origin.of(url, named, stage)
    connection = _connection(origin, settings, settings.proxy_for(url))
    bounded(connection, Deadline(settings.connect_timeout, stopped))
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        raise network_error(error, str(origin), settings.proxy_for(url), settings, stage) from None
    connection.timeout = timeout
    connection.sock.settimeout(timeout)
    return connection


def _connection(origin: Origin, settings: HttpSettings, proxy: str | None) -> http.client.HTTPConnection:
    if origin.scheme == "http":
        return http.client.HTTPConnection(origin.host, origin.port, timeout=settings.connect_timeout)
    context = ssl_context(settings)
    if proxy is None:
        return http.client.HTTPSConnection(
            origin.host, origin.port, timeout=settings.connect_timeout, context=context
        )
    to = urlsplit(proxy)
    connection = http.client.HTTPSConnection(
        to.hostname or "", to.port, timeout=settings.connect_timeout, context=context
    )
    connection.set_tunnel(origin.host, origin.port, settings.proxy_headers())
    return connection


def requests_session(settings: HttpSettings, timeout: float = METADATA.longest) -> requests.Session:
    """A ``requests`` session with the same trust and proxies; ``timeout`` (s) bounds connecting and the whole answer.

    ``requests`` is imported here: it costs 11 MB, which a process that needs no metadata does not pay.
    """
    return build_session(settings, ssl_context(settings), timeout)
