"""One HTTP exchange after the other with the CometD endpoint: one connection, its cookies, bounded replies.

``http.client`` is the cheapest client there is in Python. What it lacks is here and in ``deadline``: gzip,
bounds for the size of a reply and for its time, and that another thread can end a request which is held for
minutes.
"""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import time
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
from attrs import define, field, frozen

from bridge import spans
from bridge.deadline import LONG_TICK, SLOWEST, Deadline, Interrupted, bounded
from bridge.errors import BridgeError, Fatal, Retriable, Stage
from bridge.salesforce.http import connect
from bridge.salesforce.http_settings import USER_AGENT, HttpSettings, Origin
from bridge.salesforce.network import network_error
from bridge.waits import http_date_ms, retry_after

_BLOCK = 1 << 16
_LARGE = 1 << 20  # up to this http.client's own read makes one allocation, too, and does not zero it
_ERROR_BYTES = 1 << 16
_BROKEN = (OSError, http.client.HTTPException, zlib.error, ValueError)


@frozen
class Answer:
    """A complete HTTP reply. ``took`` is the time to its first byte, in seconds."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes | bytearray = field(repr=False)
    took: float

    def served_ms(self) -> int:
        """A moment in Unix milliseconds that is not later than when the server began to work on the request: its
        ``Date`` (whole seconds, rounded down) or our clock, less the time the reply took. The earlier of the two,
        because a clock that is fast would make events of today look older than the request."""
        now = time.time() * 1000
        date = http_date_ms(self.headers.get("Date"))
        return int((now if date is None else min(now, date)) - self.took * 1000)

    def retry_after(self) -> float | None:
        """Seconds, from ``Retry-After`` in either form."""
        return retry_after(self.headers.get("Retry-After"), "Salesforce")


@define(eq=False)
class Exchange:
    """Requests of one connector's session, one at a time; ``url`` is the instance's. Only ``interrupt`` may
    be called from another thread."""

    url: str
    path: str
    settings: HttpSettings
    max_bytes: int
    stopped: Callable[[], bool]
    cookies: dict[str, str] = field(factory=dict)
    _busy: bool = False  # a request is under way, or its reply was not read to the end
    _connection: http.client.HTTPConnection | None = None
    _interrupted: bool = False

    def post(self, messages: list[dict[str, Any]], token: str, timeout: float) -> Answer:
        """Send Bayeux messages; the whole reply has to be there within ``timeout`` seconds, and one more for
        each ``SLOWEST`` bytes of it.

        Raises Retriable (any network failure, a cut reply), Fatal (unknown CA; a reply beyond
        ``connection.max.message.size``), Interrupted. After an error the connection is closed.
        """
        try:
            with spans.span(f"salesforce {messages[0]['channel']}", spans.CLIENT, self._facts()) as span:
                answer = self._wanted(msgspec.json.encode(messages), token, timeout)
                span.note(spans.STATUS, answer.status)
                return answer
        except _BROKEN as error:
            raise self._network_error(error) from None
        finally:
            if self._busy:
                self.close()

    def interrupt(self) -> None:
        """End the request that is under way, from any thread. The exchange is of no use afterwards."""
        self._interrupted = True
        connection = self._connection
        sock = connection.sock if connection is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket's own: that takes the TLS object away from the thread that is reading.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    @property
    def dead(self) -> bool:
        """Interrupted, or without a connection."""
        return self._interrupted or self._connection is None

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        self._busy = False
        if connection is not None:
            connection.close()

    def _facts(self) -> dict[str, spans.Value]:
        return {"http.request.method": "POST", "url.path": self.path, **spans.server(self.url)}

    def _wanted(self, body: bytes, token: str, timeout: float) -> Answer:
        """As ``_post``; Interrupted where it was ended from our side, which breaks the connection."""
        try:
            return self._post(body, token, timeout)
        except _BROKEN:
            self._check_wanted()
            raise

    def _post(self, body: bytes, token: str, timeout: float) -> Answer:
        self._check_wanted()
        self._busy = True
        connection = self._connection
        if connection is None or connection.sock is None or _is_closed(connection.sock):
            if connection is not None:
                connection.close()
            connection = self._connection = connect(
                self.url, self.settings, timeout, stopped=self._is_stopped
            )
        self._check_wanted()
        connection.sock.settimeout(timeout)
        started = time.monotonic()
        bounded(connection, Deadline(timeout, self._is_stopped, SLOWEST, LONG_TICK))
        connection.request("POST", self.path, body, self._headers(token))
        response = connection.getresponse()
        took = time.monotonic() - started
        self._keep_cookies(response.headers)
        content, complete = self._read(response)
        if complete:
            self._busy = False
        return Answer(response.status, response.headers, content, took)

    def _headers(self, token: str) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": USER_AGENT,
        }
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return headers

    def _keep_cookies(self, headers: http.client.HTTPMessage) -> None:
        """All of them: they belong to this session and this host, and Salesforce asks for every one."""
        for line in headers.get_all("Set-Cookie") or ():
            pair, *attributes = line.split(";")
            name, _, value = (part.strip() for part in pair.partition("="))
            deleted = any(attribute.strip().lower() == "max-age=0" for attribute in attributes)
            if deleted or not value:
                self.cookies.pop(name, None)
            elif name:
                self.cookies[name] = value

    def _is_stopped(self) -> bool:
        return self._interrupted or self.stopped()

    def _check_wanted(self) -> None:
        if self._is_stopped():
            raise Interrupted

    def _read(self, response: http.client.HTTPResponse) -> tuple[bytes | bytearray, bool]:
        """The body, and whether all of it was read (of an error page only the beginning is)."""
        length = response.length
        if response.status >= 300:
            content = bytearray(response.read(_ERROR_BYTES))
            if response.headers.get("Content-Encoding", "").lower() == "gzip":
                content = bytearray(zlib.decompressobj(31).decompress(content, _ERROR_BYTES))
            return content, response.isclosed()
        if length is not None and length > self.max_bytes:
            raise self._too_large(f"{length} bytes")
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding in ("identity", ""):
            if length is not None and not response.chunked:
                return _read_exactly(response, length) if length > _LARGE else response.read(), True
            return self._read_blocks(response, None), True
        if encoding in ("gzip", "x-gzip"):
            return self._read_blocks(response, zlib.decompressobj(31)), True
        raise Retriable(
            f"the reply has Content-Encoding {encoding[:40]}, which was not asked for", stage=Stage.PARSE
        )

    def _read_blocks(self, response: http.client.HTTPResponse, gzip: Any) -> bytearray:
        """A body of unknown length, unpacked on the way: a bytearray grows without being copied whole."""
        content = bytearray()
        while block := response.read(_BLOCK):
            if gzip is None:
                content += block
            while gzip is not None and block:
                if gzip.eof:  # a gzip file may have several members
                    gzip = zlib.decompressobj(31)
                content += gzip.decompress(block, max(1, self.max_bytes + 1 - len(content)))
                block = gzip.unconsumed_tail or gzip.unused_data
                if len(content) > self.max_bytes:
                    break
            if len(content) > self.max_bytes:
                raise self._too_large("more")
        if response.length or (gzip is not None and not gzip.eof and content):
            raise http.client.IncompleteRead(b"")
        return content

    def _too_large(self, size: str) -> Fatal:
        return Fatal(
            f"a reply has {size}, but connection.max.message.size allows {self.max_bytes} bytes: raise it; no event "
            "is lost, the position stays before that reply",
            stage=Stage.RECEIVE,
        )

    def _network_error(self, error: Exception) -> BridgeError:
        where = str(Origin.of(self.url))
        if isinstance(error, zlib.error):
            return Retriable(f"{where} sent a reply whose gzip data is damaged", stage=Stage.RECEIVE)
        return network_error(error, where, self.settings.proxy_for(self.url), self.settings, Stage.RECEIVE)


def _is_closed(sock: socket.socket) -> bool:
    """Between two requests nothing may come but the end of the connection (servers keep idle ones for
    seconds)."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _read_exactly(response: http.client.HTTPResponse, length: int) -> bytearray:
    """One allocation, however large; http.client's own ``read`` joins parts of large replies."""
    content = bytearray(length)
    view = memoryview(content)
    done = 0
    while done < length:
        count = response.readinto(view[done:])
        if not count:
            raise http.client.IncompleteRead(b"", length - done)
        done += count
    view.release()
    return content
