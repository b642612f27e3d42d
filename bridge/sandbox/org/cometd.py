"""``/cometd/{version}``: the HTTP side of the Bayeux server, and the long poll."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import time
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bridge.sandbox.org import broken
from bridge.sandbox.org import faults as at
from bridge.sandbox.org.bayeux import BUSY, COOKIE, Bayeux, Caller, Session, reply
from bridge.sandbox.org.faults import Armed, Faults
from bridge.sandbox.org.messages import encode_json, without_uuid
from bridge.sandbox.org.oauth import Tokens

MAX_REQUEST = 32_768
NEWEST = 66.0
OLDEST = 23.0
_UUID_SINCE = 52.0
_GZIP_FROM = 1_000
_CONTENT_TYPE = {"Content-Type": "application/json;charset=UTF-8"}


class CometD:
    """The endpoint and its long polls."""

    def __init__(self, bayeux: Bayeux, tokens: Tokens, faults: Faults) -> None:
        self._bayeux = bayeux
        self._tokens = tokens
        self._faults = faults

    async def answer(self, request: Request) -> Response:
        """Answer one request: an array of messages with an array of replies, events among them."""
        body = await request.body()
        if len(body) > MAX_REQUEST:
            return _failure("413::Maximum Request Size Exceeded", 413)
        version, error = _version(request.path_params.get("version", ""))
        if error:
            return _failure(error, 400)
        try:
            decoded = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return _failure("400::The request body is not valid JSON", 400)
        messages = decoded if isinstance(decoded, list) else [decoded]
        if not all(isinstance(message, dict) for message in messages):
            return _failure("400::Channel name not specified", 400)
        caller = self._caller(request, version)
        parts: list[bytes] = []
        fault: Armed | None = None
        browser = None
        for message in messages:
            if message.get("channel") == "/meta/connect":
                # As in the CometD server, a poll that comes together with other messages is not held.
                outcome = await self._connect(message, caller, request, may_hold=len(messages) == 1)
                if isinstance(outcome, Response):
                    return outcome
                more, fault = outcome
                parts += more
            else:
                answer = self._bayeux.answer(message, caller)
                parts.append(encode_json(answer))
                session = self._bayeux.sessions.get(answer.get("clientId", ""))
                browser = session.browser if session else browser
        response = self._respond(request, parts, fault)
        if browser and browser != caller.browser:
            response.set_cookie(COOKIE, browser, path="/cometd/", httponly=True, secure=True, samesite=None)
        return response

    def _caller(self, request: Request, version: float) -> Caller:
        header = request.headers.get("authorization", "")
        return Caller(self._tokens.valid(header), bool(header), request.cookies.get(COOKIE), version)

    async def _connect(
        self, message: dict[str, Any], caller: Caller, request: Request, *, may_hold: bool
    ) -> tuple[list[bytes], Armed | None] | Response:
        """The poll: events first, the connect's own reply last."""
        bayeux = self._bayeux
        bayeux.count("connect")
        session = bayeux.open_session(message, caller)
        if not isinstance(session, Session):
            return [encode_json(session)], None
        if message.get("connectionType") != "long-polling":
            kind = message.get("connectionType", "")
            return [encode_json(reply(message, error=f"400::Invalid connection type {{{kind}}}"))], None
        fault = self._faults.take(at.CONNECT)
        if fault:
            return await self._connect_fault(fault, message, session, request)
        timeout = (message.get("advice") or {}).get("timeout", bayeux.settings.hold * 1000) / 1000
        first, session.connected = not session.connected, True
        if may_hold and not first and not bayeux.shares_browser(session) and timeout > 0:
            if await self._hold(session, min(timeout, bayeux.settings.hold), request):
                return _hung_up()
            # The token may have been revoked, or the session forgotten, while the poll was held.
            caller = self._caller(request, caller.version)
            again = bayeux.open_session(message, caller)
            if not isinstance(again, Session):
                return [encode_json(again)], None
        events = bayeux.take_events(session)
        if caller.version < _UUID_SINCE:
            events = [without_uuid(event) for event in events]
        fault = self._faults.take(at.REPLY, len(events))
        if fault and fault.kind == "repeat":
            bayeux.rewind(session, len(events) + int(fault.options.get("events", 10)))
            events = bayeux.take_events(session)
        bayeux.count("delivered", len(events))
        session.last_seen = time.monotonic()
        return [*events, encode_json(reply(message, advice=bayeux.advice(session)))], fault

    async def _hold(self, session: Session, timeout: float, request: Request) -> bool:
        """Wait until there is something to say; True when the client has hung up meanwhile."""
        deadline = time.monotonic() + timeout
        session.polls += 1
        session.woken.set()  # a poll of the same session that is still held is answered now
        mine = session.woken = asyncio.Event()
        hang_up = asyncio.ensure_future(broken.disconnected(request.receive))
        try:
            while session.woken is mine and self._worth_holding(session, request):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                woken = asyncio.ensure_future(mine.wait())
                await asyncio.wait({woken, hang_up}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
                if hang_up.done():
                    return True
                mine.clear()
            return False
        finally:
            session.polls -= 1
            session.last_seen = time.monotonic()
            hang_up.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await hang_up

    def _worth_holding(self, session: Session, request: Request) -> bool:
        """Nothing to deliver yet, and nothing to complain about either."""
        return (
            session.client_id in self._bayeux.sessions
            and not self._bayeux.closing
            and not any(s.log.has_after(s.position) for s in session.subscriptions.values())
            and self._tokens.valid(request.headers.get("authorization", ""))
        )

    async def _connect_fault(
        self, fault: Armed, message: dict[str, Any], session: Session, request: Request
    ) -> tuple[list[bytes], Armed | None] | Response:
        match fault.kind:
            case "silent":
                await broken.disconnected(request.receive)
                return _hung_up()
            case "http_503":
                return HTMLResponse(broken.PAGE, status_code=503, headers={"Retry-After": "1"})
            case "http_401":
                return HTMLResponse(broken.PAGE, status_code=401)
            case "busy":
                ext = {"sfdc": {"failureReason": BUSY}}
                answer = reply(
                    message, error="503::Server is too busy", ext=ext, advice=_advice("retry", 500)
                )
            case "daily_limit":
                text = "403::Organization total events daily limit exceeded"
                answer = reply(message, error=text, advice=_advice("none"))
            case "advice_none":
                self._bayeux.end(session)
                answer = reply(message, advice=_advice("none"))
            case _:
                self._bayeux.end(session)
                answer = reply(message, advice=_advice("handshake"))
        return [encode_json(answer)], None

    def _respond(self, request: Request, parts: list[bytes], fault: Armed | None) -> Response:
        if fault:
            broken.spoil_events(parts, fault, self._faults)
        body = b"[" + b",".join(parts) + b"]"
        headers = dict(_CONTENT_TYPE)
        wants_gzip = "gzip" in request.headers.get("accept-encoding", "")
        if wants_gzip and self._bayeux.settings.gzip and len(body) > _GZIP_FROM:
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        return broken.spoil_reply(body, headers, fault) if fault else Response(body, headers=headers)


def _hung_up() -> Response:
    """Nobody is there to read it any more."""
    return Response(status_code=503)


def _version(text: str) -> tuple[float, str | None]:
    if not text:
        return 0, "400::API version in the URI is mandatory. URI format: '/cometd/66.0'"
    try:
        version = float(text)
    except ValueError:
        version = 0
    if not OLDEST <= version <= NEWEST:
        return 0, f"400::Unsupported API version. Only API versions {OLDEST} to {NEWEST} are supported"
    return version, None


def _failure(error: str, status: int) -> Response:
    body = encode_json([{"channel": None, "error": error, "successful": False}])
    return Response(body, status_code=status, headers=_CONTENT_TYPE)


def _advice(reconnect: str, interval: int = 0) -> dict[str, Any]:
    return {"reconnect": reconnect, "interval": interval}
