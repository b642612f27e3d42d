"""One Bayeux session: handshake, subscription, polls. It ends with an exception that says what comes next.

Salesforce counts a reply as delivered when it is sent. A session in which a reply may have been lost (cut,
unreadable, swallowed by a proxy, never arrived) is therefore over: only a new subscription brings its events
again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import msgspec
from attrs import define, evolve, field

from bridge.deadline import Interrupted
from bridge.errors import Fatal, Retriable, Stage
from bridge.event import Message
from bridge.progress import NEW_ONLY
from bridge.salesforce import bayeux
from bridge.salesforce.bayeux import Advice
from bridge.salesforce.exchange import Answer, Exchange
from bridge.salesforce.failures import Failure, SessionOver, Verdict
from bridge.salesforce.replies import Reply, parse

MAX_REFUSED_POLLS = 4  # in a row, after which a session of which every poll is refused is given up


@define(eq=False)
class Dialogue:
    """The client's side of a session. ``receive`` takes the events of every reply, before its errors
    count."""

    exchange: Exchange
    token: str = field(repr=False)
    channel: str
    request_timeout: float
    slice_bytes: int
    receive: Callable[[Reply, bool], None]
    advice: Advice = field(factory=Advice)
    client_id: str | None = None
    replay_from: int = NEW_ONLY
    asked_at_ms: int = 0  # server time, not later than the subscription
    subscribed: bool = False
    connects: int = 0
    refused: Failure | None = None  # what the last poll was answered, if it was refused and is to be repeated
    refusals_in_a_row: int = 0
    empty_in_a_row: int = 0
    took: float = 0.0
    replied_at: float = 0.0
    _number: int = 0

    def handshake(self) -> None:
        """Open the session. Raises Fatal where the server has no replay extension."""
        for message in self._ask(bayeux.handshake(self._next()), self.request_timeout):
            if message.channel == bayeux.HANDSHAKE and message.clientId:
                self.client_id = message.clientId
                self._require_replay(message)
        if self.client_id is None:
            raise Retriable("the handshake was not answered with a client id", stage=Stage.SUBSCRIBE)

    def subscribe(self, replay_from: int) -> None:
        """Ask for the channel's events. The confirmation may come with this reply or with a later one."""
        self.replay_from = replay_from
        request = bayeux.subscribe(self._next(), self._client(), self.channel, replay_from)
        self._ask(request, self.request_timeout)

    def connect(self, timeout: float) -> None:
        """One poll; the first of a session asks to be answered at once."""
        request = bayeux.connect(self._next(), self._client(), at_once=self.connects == 0)
        began = time.monotonic()
        self.refused = None
        self._ask(request, timeout)
        self.refusals_in_a_row = self.refusals_in_a_row + 1 if self.refused else 0
        self.took = self.replied_at - began
        self.connects += 1

    def follow_advice(self) -> None:
        """Raises SessionOver where the server wants the session to end."""
        if self.advice.reconnect == "handshake":
            failure = Failure(Verdict.HANDSHAKE, "the server advised a new handshake")
            raise SessionOver(failure, self.advice.interval)
        if self.advice.reconnect == "none":
            raise SessionOver(Failure(Verdict.UNKNOWN, "the server ended the session"), self.advice.interval)

    def disconnect(self, timeout: float) -> None:
        """Say goodbye, so that Salesforce need not keep the session; never raises. What still comes is
        ignored."""
        if self.client_id is None:
            return
        exchange = self.exchange
        if exchange.dead or exchange.stopped():  # the connection waited for a poll's reply
            exchange = Exchange(
                exchange.url,
                exchange.path,
                evolve(exchange.settings, connect_timeout=timeout / 2),
                exchange.max_bytes,
                lambda: False,
                dict(exchange.cookies),
            )
        client_id, self.client_id = self.client_id, None
        with contextlib.suppress(Retriable, Fatal, Interrupted):
            exchange.post([bayeux.disconnect(self._next(), client_id)], self.token, timeout / 2)
        exchange.close()

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _client(self) -> str:
        return self.client_id or ""

    def _ask(self, request: dict[str, Any], timeout: float) -> list[Message]:
        """Post one request; events go to ``receive``, the first error among the other messages is raised."""
        answer = self.exchange.post([request], self.token, timeout)
        self.replied_at = time.monotonic()
        channel = request["channel"]
        if channel == bayeux.SUBSCRIBE:
            self.asked_at_ms = answer.served_ms()
        if answer.status >= 300:
            raise SessionOver(status_failure(answer, channel, self.replay_from), answer.retry_after())
        slices = iter(parse(answer.body, self.slice_bytes))
        del answer
        reply = next(slices)
        for following in slices:
            self.receive(reply, True)
            reply = following
        self.receive(reply, False)
        self.empty_in_a_row = 0 if reply.events else self.empty_in_a_row + 1
        for message in reply.meta:
            self._heed(message)
        return reply.meta

    def _heed(self, message: Message) -> None:
        if message.advice:
            self.advice.update(message.advice)
        if message.successful is False or message.error:
            if message.channel == bayeux.DISCONNECT:
                return
            failure = bayeux.failure_of(message, self.replay_from)
            if message.channel == bayeux.CONNECT and message.advice and failure.verdict is Verdict.UNKNOWN:
                failure = self._advised(failure)
                if failure is self.refused:
                    return
            raise SessionOver(failure, self.advice.interval)
        if message.channel == bayeux.SUBSCRIBE:
            self.subscribed = True

    def _advised(self, failure: Failure) -> Failure:
        """A poll that is refused for a reason of its own ends nothing: it is the advice that says what comes next."""
        match self.advice.reconnect:
            case "retry" if self.refusals_in_a_row < MAX_REFUSED_POLLS:
                self.refused = failure
                return failure
            case "none":
                return failure
        return Failure(Verdict.HANDSHAKE, failure.text)

    def _require_replay(self, message: Message) -> None:
        if not bayeux.supports_replay(message):
            raise Fatal(
                "the server did not confirm the replay extension in its handshake reply, without which events get lost "
                "at every interruption; check salesforce.instance and salesforce.version",
                stage=Stage.SUBSCRIBE,
            )


def status_failure(answer: Answer, channel: str, replay_from: int | None) -> Failure:
    """What an HTTP status other than 200 means. A body in Salesforce's form says more than the status, a page
    of HTML may be a proxy's and says nothing about the session."""
    status = answer.status
    page = answer.body[:512].lstrip()[:1] == b"<"
    for error in _errors(answer.body):
        code, _ = bayeux.split_code(error)
        failure = bayeux.meaning(error if code else f"{status}::{error}", channel, replay_from)
        if failure.verdict is not Verdict.UNKNOWN:
            return failure
    text = f"HTTP status {status}{' with an HTML page' if page else ''}"
    if 300 <= status < 400:
        to = (answer.headers.get("Location") or "nowhere").split("?")[0][:200]
        # Never followed with a token; a new login tells where the org is now.
        return Failure(Verdict.RENEW, f"{text}, a redirection to {to}")
    if status == 401:
        return Failure(Verdict.RENEW, text)
    if status in (408, 429) or status >= 500:
        return Failure(Verdict.BUSY, text)
    return Failure(Verdict.UNKNOWN, text)


def _errors(body: bytes | bytearray) -> list[str]:
    """Error texts of a Bayeux or REST error body."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    items = value if isinstance(value, list) else [value]
    texts = []
    for item in items:
        if isinstance(item, dict):
            sfdc = (item.get("ext") or {}).get("sfdc") if isinstance(item.get("ext"), dict) else None
            texts += [sfdc.get("failureReason")] if isinstance(sfdc, dict) else []
            texts += [
                item.get("error"),
                " ".join(str(item[k]) for k in ("errorCode", "message") if k in item),
            ]
    return [str(text) for text in texts if text]
