"""A minimal CometD and OAuth server on loopback, with exact control of every reply. For unit tests of the
client.

Left alone it behaves like Salesforce: a handshake gives a client id and a cookie, a subscription starts after
a replay id, a poll is held until there are events, and *events count as delivered when they are sent*,
whether they arrive or not. ``org.next(channel, …)`` replaces the reply to the next request on that channel.
"""

from __future__ import annotations

import gzip
import itertools
import json
import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from attrs import define, evolve, field

CHANNEL = "/event/Order_Event__e"
HANDSHAKE, CONNECT, SUBSCRIBE, DISCONNECT = (
    f"/meta/{n}" for n in ("handshake", "connect", "subscribe", "disconnect")
)


@define
class Http:
    """A reply on the wire. ``cut``: so many bytes of the body are sent before the connection is closed; -1:
    not even a status line. ``body`` None: the normal reply's."""

    body: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(factory=dict)
    cut: int | None = None
    chunked: bool = False
    gzip: bool = False
    no_length: bool = False
    delay: float = 0.0
    close: bool = False


Scripted = Http | list[Any] | Callable[[dict[str, Any], list[Any]], "Http | list[Any]"]


@define
class Asked:
    """A request that came."""

    channel: str
    message: dict[str, Any]
    headers: dict[str, str]
    connection: int
    at: float


@define
class Session:
    """A client; ``position`` is the index of its next event in the log."""

    position: int | None = None
    polls: int = 0


def event(
    replay_id: int, channel: str = CHANNEL, created: str | None = None, **fields: Any
) -> dict[str, Any]:
    """An event message in Salesforce's form."""
    created = created or time.strftime("%Y-%m-%dT%H:%M:%S.999Z", time.gmtime())
    payload = {"CreatedDate": created, "CreatedById": "0055g00000Ab1cdAAA", "Number__c": replay_id, **fields}
    head = {"replayId": replay_id, "EventUuid": f"3b1f7d70-6d0a-4a53-9c11-{replay_id:012d}"}
    return {
        "data": {"schema": "q0mW4nJrT1yq0Wv9Zb7wLA", "payload": payload, "event": head},
        "channel": channel,
    }


class ScriptedOrg:
    """Use as a context manager. All lists may be read and written by the test at any time."""

    def __init__(self, *, hold: float = 20.0, batch: int = 400, tls: ssl.SSLContext | None = None) -> None:
        self.hold = hold
        self.batch = batch
        self.asked: list[Asked] = []
        self.log: list[dict[str, Any]] = []
        self.sessions: dict[str, Session] = {}
        self.tokens = {"token-0"}
        self.expired_below = 0
        self.first_connect_at_once = True
        self.advice: dict[str, Any] = {"reconnect": "retry", "interval": 0, "timeout": 110_000}
        self._script: dict[str, deque[Scripted]] = defaultdict(deque)
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._closing = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> ScriptedOrg:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    # ---- for the test ------------------------------------------------------------------------------------

    def publish(self, *events: dict[str, Any] | int) -> None:
        """Append events (or such with these replay ids) to the channel."""
        with self._changed:
            self.log += [event(e) if isinstance(e, int) else e for e in events]
            self._changed.notify_all()

    def next(self, channel: str, *replies: Scripted) -> None:
        """Replace the next replies on a channel. A function gets the request and the normal reply's
        messages."""
        with self._changed:
            self._script[channel].extend(replies)
            self._changed.notify_all()

    def at_once(self) -> threading.Condition:
        """``with org.at_once():`` what is done inside happens between two requests."""
        return self._changed

    def forget(self) -> None:
        """Drop all sessions: 403::Unknown client."""
        with self._changed:
            self.sessions.clear()
            self._changed.notify_all()

    def revoke(self, *tokens: str) -> None:
        """Only these tokens are good from now on."""
        with self._changed:
            self.tokens = set(tokens)
            self._changed.notify_all()

    def count(self, channel: str) -> int:
        """How many requests came on a channel."""
        return sum(a.channel == channel for a in self.asked)

    def replays(self) -> list[int]:
        """The replay ids subscribed with, in order."""
        return [a.message["ext"]["replay"][CHANNEL] for a in self.asked if a.channel == SUBSCRIBE]

    # ---- the server --------------------------------------------------------------------------------------

    def _reply(self, request: Asked) -> Http:
        message, channel = request.message, request.channel
        with self._changed:
            self.asked.append(request)
            scripted = self._script[channel].popleft() if self._script[channel] else None
        if (
            scripted is not None
            and not callable(scripted)
            and not (isinstance(scripted, Http) and scripted.body is None)
        ):
            return scripted if isinstance(scripted, Http) else Http(json.dumps(scripted).encode())
        normal = self._normal(message, request.headers, hold=scripted is None)
        made: Http | list[Any] = scripted(message, normal) if callable(scripted) else normal
        if isinstance(made, Http) and made.body is not None:
            return made
        http = made if isinstance(made, Http) else scripted if isinstance(scripted, Http) else Http()
        messages = normal if isinstance(made, Http) else made
        return evolve(http, body=json.dumps(messages, separators=(",", ":")).encode())

    def _normal(self, message: dict[str, Any], headers: dict[str, str], hold: bool) -> list[Any]:
        channel, client = message["channel"], message.get("clientId")
        base = {"channel": channel, "id": message["id"], "clientId": client, "successful": True}
        if headers.get("Authorization", "")[7:] not in self.tokens:
            return [self._unauthorized(base)]
        if channel == HANDSHAKE:
            client = f"client{next(self._numbers)}"
            self.sessions[client] = Session()
            return [
                {
                    **base,
                    "clientId": client,
                    "version": "1.0",
                    "ext": {"replay": True, "payload.format": True},
                }
            ]
        session = self.sessions.get(str(client))
        unknown = {
            **base,
            "successful": False,
            "error": "403::Unknown client",
            "advice": {"reconnect": "handshake"},
        }
        if session is None:
            return [unknown]
        if channel == SUBSCRIBE:
            return [self._subscribe(message, base, session)]
        if channel == DISCONNECT:
            with self._changed:
                self.sessions.pop(str(client), None)
                self._changed.notify_all()
            return [base]
        events = self._poll(str(client), session, headers, hold)
        if events is None:
            good = headers.get("Authorization", "")[7:] in self.tokens
            return [unknown if good else self._unauthorized(base)]
        return [*events, {**base, "advice": self.advice}]

    @staticmethod
    def _unauthorized(base: dict[str, Any]) -> dict[str, Any]:
        failed = {**base, "successful": False, "advice": {"reconnect": "none", "interval": 0}}
        if base["channel"] == HANDSHAKE:
            reason = {"sfdc": {"failureReason": "401::Authentication invalid"}, "replay": True}
            return {**failed, "error": "403::Handshake denied", "ext": reason}
        return {**failed, "error": "401::Authentication invalid", "id": 7}

    def _subscribe(self, message: dict[str, Any], base: dict[str, Any], session: Session) -> dict[str, Any]:
        after = int(message["ext"]["replay"][message["subscription"]])
        base["subscription"] = message["subscription"]
        if 0 <= after < self.expired_below:
            text = f"400::The replayId {{{after}}} you provided was invalid.  Please provide a valid ID, -2 to replay "
            return {
                **base,
                "successful": False,
                "error": text + "all events, or -1 to replay only new events.",
            }
        with self._changed:
            ids = [e["data"]["event"]["replayId"] for e in self.log]
            found = [i for i, replay_id in enumerate(ids) if replay_id > after]
            session.position = (
                len(ids) if after == -1 else 0 if after == -2 else found[0] if found else len(ids)
            )
        return base

    def _poll(self, client: str, session: Session, headers: dict[str, str], hold: bool) -> list[Any] | None:
        session.polls += 1
        first = session.polls == 1 and self.first_connect_at_once
        deadline = time.monotonic() + (0 if first or not hold else self.hold)
        with self._changed:
            while not self._closing:
                if hold and self._script[CONNECT]:
                    return []  # the scripted reply is for the next poll, and so are the events
                if client not in self.sessions or headers["Authorization"][7:] not in self.tokens:
                    return None
                if session.position is not None and session.position < len(self.log):
                    break
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            begin = len(self.log) if session.position is None else session.position
            events = self.log[begin : begin + self.batch]
            if session.position is not None:
                session.position += len(events)
            return list(events)

    def _handler(org) -> type[BaseHTTPRequestHandler]:
        connections = itertools.count(1)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                self.number = next(connections)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path.startswith("/services/oauth2/token"):
                    self._token()
                    return
                message = json.loads(body)[0]
                request = Asked(
                    message["channel"], message, dict(self.headers), self.number, time.monotonic()
                )
                try:
                    self._send(org._reply(request))
                except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                    self.close_connection = True

            def _token(self) -> None:
                token = f"token-{next(org._numbers)}"
                org.tokens.add(token)
                org_id = "https://login.example.com/id/00D5g000000AbcdEAC/0055g00000Ab1cdAAA"
                self._send(
                    Http(json.dumps({"access_token": token, "instance_url": org.url, "id": org_id}).encode())
                )

            def _send(self, http: Http) -> None:
                time.sleep(http.delay)
                body = http.body or b""
                if http.cut == -1:
                    self._hang_up()
                    return
                headers = {
                    "Date": formatdate(usegmt=True),
                    "Content-Type": "application/json;charset=UTF-8",
                    "Set-Cookie": "BAYEUX_BROWSER=b1; Path=/cometd/; Secure",
                }
                if http.gzip:
                    body = gzip.compress(body, 1)
                    headers["Content-Encoding"] = "gzip"
                if http.chunked:
                    headers["Transfer-Encoding"] = "chunked"
                    step = 7_000
                    parts = [body[i : i + step] for i in range(0, len(body), step)]
                    body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"
                elif not http.no_length:
                    headers["Content-Length"] = str(len(body))
                if http.close or http.no_length:
                    headers["Connection"] = "close"
                lines = [f"{k}: {v}" for k, v in {**headers, **http.headers}.items() if v]
                head = f"HTTP/1.1 {http.status} Scripted\r\n" + "\r\n".join(lines) + "\r\n\r\n"
                self.wfile.write(head.encode() + (body if http.cut is None else body[: http.cut]))
                self.wfile.flush()
                if http.cut is not None or http.close or http.no_length:
                    self._hang_up()

            def _hang_up(self) -> None:
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def ids(begin: int, end: int) -> list[int]:
    """The replay ids from one to another, as a scripted org counts them."""
    return list(range(begin, end))
