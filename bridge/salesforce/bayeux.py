"""Bayeux 1.0 as Salesforce speaks it: the four requests, the advice, and what an error reply means.

Sources: the Bayeux protocol (``code:args:message`` errors, advice) and Salesforce's Streaming API guide,
*Streaming API Error Codes*. An error's meaning is decided here and nowhere else; what is then done is decided
in ``cometd``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import define

from bridge.event import Message
from bridge.salesforce.failures import Failure, Verdict
from bridge.waits import as_asked

HANDSHAKE = "/meta/handshake"
CONNECT = "/meta/connect"
SUBSCRIBE = "/meta/subscribe"
DISCONNECT = "/meta/disconnect"

_LONG_POLLING = "long-polling"


@define
class Advice:
    """The server's standing advice in a session; ``interval`` and ``timeout`` in seconds."""

    interval: float = 0.0
    timeout: float = 110.0
    reconnect: str = "retry"
    multiple_clients: bool = False

    def update(self, advice: Mapping[str, Any]) -> None:
        """Take over what a reply says; what it does not mention stays, what is not a number is ignored."""
        self.interval = as_asked(
            _seconds(advice.get("interval"), self.interval), "Salesforce (advice.interval)"
        )
        self.timeout = _seconds(advice.get("timeout"), self.timeout)
        self.reconnect = str(advice.get("reconnect") or "retry")
        self.multiple_clients = bool(advice.get("multiple-clients", self.multiple_clients))


def _seconds(value: object, otherwise: float) -> float:
    try:
        seconds = float(value) / 1000  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return otherwise
    return seconds if seconds >= 0 else otherwise


def handshake(number: int) -> dict[str, Any]:
    """The handshake request, which also asks for the replay extension."""
    return {
        "channel": HANDSHAKE,
        "version": "1.0",
        "minimumVersion": "1.0",
        "supportedConnectionTypes": [_LONG_POLLING],
        "ext": {"replay": True},
        "id": str(number),
    }


def connect(number: int, client_id: str, *, at_once: bool) -> dict[str, Any]:
    """The poll; ``at_once`` asks for an answer without being held (the first one after a handshake)."""
    message: dict[str, Any] = {
        "channel": CONNECT,
        "clientId": client_id,
        "connectionType": _LONG_POLLING,
        "id": str(number),
    }
    if at_once:
        message["advice"] = {"timeout": 0}
    return message


def subscribe(number: int, client_id: str, channel: str, replay_from: int) -> dict[str, Any]:
    """A subscription after a replay id, or -1 (new events only), or -2 (all retained events)."""
    return {
        "channel": SUBSCRIBE,
        "clientId": client_id,
        "subscription": channel,
        "id": str(number),
        "ext": {"replay": {channel: replay_from}},
    }


def disconnect(number: int, client_id: str) -> dict[str, Any]:
    """The end of a session."""
    return {"channel": DISCONNECT, "clientId": client_id, "id": str(number)}


_CODE = re.compile(r"^\s*(\d{3})\s*:(.*)$", re.DOTALL)
_EXPIRED = re.compile(r"replay\s*id\b.*\binvalid", re.IGNORECASE | re.DOTALL)
_SESSION_GONE = re.compile(
    r"unknown client|has not completed handshake|established a session, but no|unknown session|session_unknown",
    re.IGNORECASE,
)
_TOKEN = re.compile(
    r"INVALID_SESSION_ID|authentication invalid|requires authentication|session expired|"
    r"does not match the session's user",
    re.IGNORECASE,
)
_LIMIT = re.compile(
    r"limit exceeded|LIMIT_EXCEEDED|exceeded the .*limit|protect all customers from excessive", re.IGNORECASE
)
_REMEDIES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"\borg(anization)?\b.*\b(locked|suspended|inactive|disabled|expired|deleted|frozen|not active)",
            re.I | re.S,
        ),
        "the org itself is closed: its administrator, or Salesforce, can say why and open it again",
    ),
    (
        re.compile(
            r"\buser\b.*\b(locked|inactive|disabled|frozen|not active)|password.*expired", re.I | re.S
        ),
        "the connector's user cannot be used: activate or unlock it in Salesforce",
    ),
    (
        re.compile(r"\bIP\b.*(restrict|range|address|allow)|(restrict|untrusted).*\bIP\b", re.I | re.S),
        "allow this machine's address for the connector's user or its profile",
    ),
    (
        re.compile(r"channel .*(doesn't|not) exist.*/data/|unknown[ _]channel.*/data/", re.I | re.S),
        "check salesforce.cdc.name (case as in Salesforce), and that the object is selected for Change Data Capture in "
        "Setup, or the custom channel is there",
    ),
    (
        re.compile(r"subscribe CDC|/data/.*view all data|view all data.*/data/", re.I | re.S),
        "give the connector's user View All Data, or View All Records of the object",
    ),
    (
        re.compile(r"channel .*(doesn't|not) exist.*__chn|unknown[ _]channel.*__chn", re.I | re.S),
        "check salesforce.platform.custom.channel.name (with __chn, case as in Salesforce), that the org has this "
        "channel, and that the user may read its events",
    ),
    (
        re.compile(
            r"channel you requested .*doesn't exist|channel .*not exist|unknown[ _]channel", re.I | re.S
        ),
        "check the event's API name (with __e, case as in Salesforce) and that the user may read it",
    ),
    (re.compile(r"API version", re.I), "set salesforce.version to a version the org supports, such as 66.0"),
    (
        re.compile(r"maximum request size", re.I),
        "the request is larger than 32,768 bytes; shorten the channel's name",
    ),
    (
        re.compile(
            r"not enabled for streaming|API_DISABLED|not enabled|view all data|restricted channel", re.I
        ),
        "give the connector's user API access and read permission on the event",
    ),
    (
        re.compile(r"denied_by_security_policy|cannot create channel|(create|subscribe)_denied", re.I),
        "check the event's API name and that the connector's user may read the event",
    ),
)
# Where the words say nothing that is known here.
_OF_CODE: Mapping[int, str] = {
    400: "check the event's API name and salesforce.version",
    403: "Salesforce does not allow it: check the permissions of the connector's user (API access, the event), and "
    "the state of the org in its Setup",
    404: "check salesforce.instance (the org's My Domain address) and salesforce.version",
}
_OTHER_REMEDY = "if the words do not say what to change, ask Salesforce"


def split_code(error: str) -> tuple[int | None, str]:
    """``code::message`` or ``code:args:message`` → code and the rest; no code → ``(None, error)``."""
    parts = _CODE.match(error)
    return (int(parts[1]), parts[2].lstrip(":").strip()) if parts else (None, error.strip())


def meaning(error: str, channel: str = "", replay_from: int | None = None) -> Failure:
    """What one error text means, as the answer to a request on ``channel``.

    Only a subscription after a replay id can be refused because that id is invalid. The same words anywhere else
    are no reason to start over; about -1 or -2, which are always valid, they are a passing fault of the server.
    Only a handshake and a subscription can be refused for good: what goes wrong with a poll, the server's advice
    answers.
    """
    code, rest = split_code(error[:2000])
    text = " ".join(error[:500].split())
    if channel == SUBSCRIBE and code in (400, None) and _EXPIRED.search(rest):
        asked_for_id = replay_from is None or replay_from >= 0
        return Failure(Verdict.EXPIRED if asked_for_id else Verdict.UNKNOWN, text)
    if code == 401 or _TOKEN.search(rest):
        return Failure(Verdict.RENEW, text)
    if code == 402 or _SESSION_GONE.search(rest):
        return Failure(Verdict.HANDSHAKE, text)
    if code in (403, 429, None) and _LIMIT.search(rest):
        return Failure(Verdict.LIMIT, text)
    if (
        code in (408, 429)
        or (code is not None and code >= 500)
        or (code is None and "too busy" in rest.lower())
    ):
        return Failure(Verdict.BUSY, text)
    if code == 403 and channel == HANDSHAKE and "handshake denied" in rest.lower():
        return Failure(Verdict.RENEW, text)  # no reason given: usually the token
    if code is not None and 400 <= code < 500 and channel != CONNECT:
        return Failure(Verdict.FATAL, text, _remedy(code, rest))
    return Failure(Verdict.UNKNOWN, text or "no reason given")


def _remedy(code: int, text: str) -> str:
    general = _OF_CODE.get(code, _OTHER_REMEDY)
    return next((remedy for pattern, remedy in _REMEDIES if pattern.search(text[:500])), general)


def failure_of(message: Message, replay_from: int | None = None) -> Failure:
    """What an unsuccessful reply means. Salesforce puts the cause in ``ext.sfdc.failureReason``, beside an
    error that may be less precise; the more telling of the two counts."""
    error = meaning(message.error or "", message.channel, replay_from)
    reason = _failure_reason(message.ext)
    if reason is None:
        return error
    cause = meaning(reason, message.channel, replay_from)
    return error if cause.verdict is Verdict.UNKNOWN else cause


def _failure_reason(ext: Mapping[str, Any] | None) -> str | None:
    sfdc = ext.get("sfdc") if ext else None
    reason = sfdc.get("failureReason") if isinstance(sfdc, Mapping) else None
    return str(reason) if reason else None


def supports_replay(message: Message) -> bool:
    """Did the handshake reply confirm the replay extension?"""
    replay = message.ext.get("replay") if message.ext else None
    return bool(replay) and str(replay).lower() != "false"
