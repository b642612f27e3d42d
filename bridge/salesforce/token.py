"""One request to the token endpoint, and its reply read with distrust: HTML, half a JSON document, missing
fields.

Reply: ``access_token, instance_url, id, token_type, issued_at`` (ms, as text) and no ``expires_in``; errors
are HTTP 400 with ``{"error", "error_description"}``.
"""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlencode, urlsplit

from attrs import field, frozen

from bridge import spans
from bridge.deadline import Deadline, Interrupted, bounded
from bridge.errors import BridgeError, Fatal, Retriable, Stage
from bridge.errors.words import words
from bridge.salesforce.grants import Form
from bridge.salesforce.http import connect
from bridge.salesforce.http_settings import USER_AGENT, HttpSettings, Origin
from bridge.salesforce.network import network_error
from bridge.salesforce.refusals import advice, comes_back
from bridge.waits import http_date_ms, retry_after

MAX_REPLY = 1 << 20  # bytes; a real reply has one or two thousand
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 - a path
SECRET_FIELDS = ("client_id", "client_secret", "password", "assertion", "refresh_token")


@frozen
class Session:
    """A login: where to go with which token, whose it is. ``issued_at`` in seconds since the epoch."""

    access_token: str = field(repr=False)
    instance_url: str
    org_id: str
    user_id: str
    issued_at: float


class Refused(Fatal):
    """Salesforce said no to the credentials themselves: the one answer that must never be asked for again."""


@frozen
class Reply:
    """What the token endpoint answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes = field(repr=False)


def request_token(
    instance: str,
    form: Form,
    settings: HttpSettings,
    timeout: float,
    secrets: Collection[str] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[Session, str | None]:
    """Ask once; gives the session, and a new refresh token where Salesforce rotates them. The whole answer has
    to be there within ``timeout`` seconds of the connection.

    Raises Refused when the login is, Fatal for a redirect or plain http, Retriable when the network, the
    server or its answer is at fault, or nobody wants it any more (``stopped``).
    """
    origin = Origin.of(instance)
    try:
        with spans.span("salesforce login", spans.CLIENT, _facts(origin)) as span:
            reply = _post(origin, form, settings, timeout, stopped)
            span.note(spans.STATUS, reply.status)
    except Interrupted:
        raise Retriable("the login was given up, because the connector stops", stage=Stage.LOGIN) from None
    hidden = {*secrets, *(form[name] for name in SECRET_FIELDS if name in form)}
    document = _document(reply)
    if reply.status != 200:
        raise _refusal(origin, reply, document, hidden)
    if document is None:
        raise Retriable(f"{origin}{TOKEN_PATH} {_not_json(reply, hidden)}", stage=Stage.LOGIN)
    renewed = document.get("refresh_token")
    return _session(origin, document), renewed if isinstance(renewed, str) and renewed else None


def _facts(origin: Origin) -> dict[str, spans.Value]:
    return {"http.request.method": "POST", "url.path": TOKEN_PATH, **spans.server(str(origin))}


def _post(
    origin: Origin, form: Form, settings: HttpSettings, timeout: float, stopped: Callable[[], bool]
) -> Reply:
    connection = connect(str(origin), settings, timeout, stage=Stage.LOGIN, stopped=stopped)
    bounded(connection, Deadline(timeout, stopped))
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
        "Connection": "close",
    }
    try:
        connection.request("POST", TOKEN_PATH, urlencode(form), headers)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read(MAX_REPLY))
    except (OSError, http.client.HTTPException) as error:
        proxy = settings.proxy_for(str(origin))
        raise network_error(error, str(origin), proxy, settings, Stage.LOGIN) from None
    finally:
        connection.close()


def _document(reply: Reply) -> dict[str, Any] | None:
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _session(origin: Origin, document: dict[str, Any]) -> Session:
    token, instance = document.get("access_token"), document.get("instance_url")
    if not isinstance(token, str) or not token:
        raise Retriable(f"{origin}{TOKEN_PATH} answered without an access_token", stage=Stage.LOGIN)
    if not token.isascii() or not token.isprintable() or " " in token:
        raise Retriable(f"{origin}{TOKEN_PATH} answered with a damaged access_token", stage=Stage.LOGIN)
    if not isinstance(instance, str) or not instance:
        raise Retriable(f"{origin}{TOKEN_PATH} answered without an instance_url", stage=Stage.LOGIN)
    org, user = _identity(document.get("id"), token)
    target = Origin.of(instance, f"the instance_url in the answer of {origin}{TOKEN_PATH}")
    return Session(token, str(target), org, user, _issued_at(document.get("issued_at")))


def _identity(url: object, token: str) -> tuple[str, str]:
    """Org and user from ``https://login.salesforce.com/id/<org>/<user>``; the org alone from ``<org>!…``
    tokens."""
    ids = re.search(r"/id/([0-9A-Za-z]+)/([0-9A-Za-z]+)", url) if isinstance(url, str) else None
    if ids:
        return long_id(ids[1]), long_id(ids[2])
    prefix = re.match(r"(00D[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?)!", token)
    if prefix is None:
        raise Retriable(
            f"the answer of {TOKEN_PATH} has no id from which the org can be told", stage=Stage.LOGIN
        )
    return long_id(prefix[1]), ""


def long_id(text: str) -> str:
    """The 18-character form of a 15-character id: each suffix letter says which of five characters are
    capitals."""
    if len(text) != 15:
        return text
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    chunks = (text[start : start + 5] for start in (0, 5, 10))
    return text + "".join(
        alphabet[sum(1 << i for i, c in enumerate(chunk) if "A" <= c <= "Z")] for chunk in chunks
    )


def _issued_at(value: object) -> float:
    try:
        return int(str(value)) / 1000
    except (ValueError, OverflowError):
        return time.time()


def _refusal(
    origin: Origin, reply: Reply, document: dict[str, Any] | None, hidden: Collection[str]
) -> BridgeError:
    if 300 <= reply.status < 400:
        return _redirected(origin, reply)
    error, said = _error_of(document)
    later, seconds = comes_back(error, said)
    if reply.status >= 500 or reply.status in (408, 429) or later:
        told = _quoted(error, said, hidden) if error else _not_json(reply, hidden)
        wait = retry_after(reply.headers.get("Retry-After"), f"the login at {origin}") or seconds
        return Retriable(f"{origin} cannot log in now: it {told}", stage=Stage.LOGIN, retry_after=wait)
    if not error:
        return Refused(
            f"{origin} refuses the login: it {_not_json(reply, hidden)}; check salesforce.instance, and "
            "whether a firewall stands between",
            stage=Stage.LOGIN,
        )
    clock = _clock_note(reply) if "assertion" in said.lower() or "expired" in said.lower() else ""
    return Refused(
        f"{origin} refuses the login: it {_quoted(error, said, hidden)}; {advice(error, said)}{clock}",
        stage=Stage.LOGIN,
    )


def _redirected(origin: Origin, reply: Reply) -> Fatal:
    # Only scheme and host are shown: a redirect's query may repeat what was sent.
    try:
        parts = urlsplit(reply.headers.get("Location") or "")
        to = (
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
            if parts.netloc
            else "another page of its own"
        )
    except ValueError:
        to = "an address that is none"
    return Fatal(
        f"{origin} redirects the login to {words(to)}, where credentials are not sent unasked; set "
        "salesforce.instance to the right address",
        stage=Stage.LOGIN,
    )


def _error_of(document: dict[str, Any] | None) -> tuple[str, str]:
    error, said = (document or {}).get("error"), (document or {}).get("error_description")
    return error if isinstance(error, str) else "", said if isinstance(said, str) else ""


def _quoted(error: str, said: str, hidden: Collection[str]) -> str:
    text = f"says {error}" + (f" ({said})" if said else "")
    return words(text, hidden)


def _not_json(reply: Reply, hidden: Collection[str]) -> str:
    """What came instead of the JSON that was expected; of a page only the title."""
    if not reply.body.strip():
        return f"answered with status {reply.status} and nothing else"
    head = reply.body[:4096].decode("utf-8", "replace")
    if "<" in head and ("html" in head.lower()):
        title = re.search(r"<title[^>]*>([^<]{1,300})", head, re.IGNORECASE)
        return f"answered with a web page (status {reply.status})" + (
            f", '{words(title[1], hidden)}'" if title else ""
        )
    return (
        f"answered with status {reply.status} and something that is not the JSON expected, or only half of it"
    )


def _clock_note(reply: Reply) -> str:
    """A sentence about this machine's clock, if the server's ``Date`` differs by more than half a minute."""
    there = http_date_ms(reply.headers.get("Date"))
    if there is None:
        return ""
    off = time.time() - there / 1000
    return (
        f" (this machine's clock is {abs(off):.0f} s {'fast' if off > 0 else 'slow'})"
        if abs(off) > 30
        else ""
    )
