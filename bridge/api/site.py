"""All routes together, and what they have in common: who may ask, which method, forwarding to the leader, errors."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from attrs import define, field, frozen

from bridge.api.exchange import Answer, Ask, Handler
from bridge.api.guard import Guard, Role
from bridge.errors import BridgeError, ConfigurationError, Retriable
from bridge.log import for_connector, masked
from bridge.worker.refusals import NotLeader, Refused

FORWARDED: Final = "x-sfbridge-forwarded"
_CLOUD: Final = "/connect/v1/"
_SUSPICIOUS: Final = {
    "%2f": "Ambiguous URI path separator",
    "%25": "Ambiguous URI path encoding",
    "%5c": "Suspicious Path Character",
    "\\": "Suspicious Path Character",
}
_WAIT: Final = 5.0  # seconds that a request waits for a leader


@frozen
class Route:
    """Who answers a request, and in which role it was made. ``quick``: at once, from memory."""

    method: str
    handler: Handler
    segments: tuple[str, ...]
    role: Role
    quick: bool = False


@define(eq=False)
class Site:
    """``forward`` sends a request to another worker by its id and returns the answer, None if it cannot.

    ``catch_up`` reads what that worker has written, so that who asked here sees here what came of it.
    """

    table: Mapping[str, Mapping[str, Handler]]
    guard: Guard
    worker_id: str
    ready: Callable[[], bool] = lambda: True
    stage: Callable[[], str] = lambda: ""
    forward: Callable[[str, str, str, Mapping[str, str], bytes], Answer | None] = lambda *_: None
    catch_up: Callable[[], None] = lambda: None
    open: frozenset[str] = frozenset({"health"})
    literals: bool = False
    """Those who may write are shown secrets as they were sent."""
    _routes: list[tuple[re.Pattern[str], str]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        for path in self.table:
            self._routes.append((re.compile(re.escape(path).replace(r"\*", "([^/]+)")), path))

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes, base: str) -> Answer:
        """The answer to a request; ``target`` is the raw path with its query. Never raises."""
        refusal = self.stranger(target, headers, base.partition(":")[0])
        if refusal is None:
            route = self.route(method, target, headers, self.guard.role(headers))
            refusal = route if isinstance(route, Answer) else self.carry(route, target, headers, body, base)
        return empty(refusal, method)

    def stranger(self, target: str, headers: Mapping[str, str], scheme: str) -> Answer | None:
        """The refusal of a request that a foreign page has made somebody's browser send."""
        refusal = self.guard.stranger(headers, scheme)
        return None if refusal is None else self._error(target, *refusal)

    def route(
        self, method: str, target: str, headers: Mapping[str, str], role: Role | None
    ) -> Route | Answer:
        """Who will answer, or the refusal. All that can be said without the body is said here."""
        path = target.partition("?")[0]
        if role is None:
            more = {"WWW-Authenticate": 'Basic realm="sfbridge"'}
            return self._error(target, 401, "HTTP 401 Unauthorized", more)
        if (wrong := _unusable(path)) is not None:
            return self._error(target, 400, wrong)
        match = self._find(path)
        if match is None:
            return self._error(target, 404, "HTTP 404 Not Found")
        template, segments = match
        handlers = self.table[template]
        if method == "OPTIONS":
            return Answer(200, None, {"Allow": ",".join(_allowed(handlers))})
        handler = handlers.get("GET" if method == "HEAD" else method)
        if handler is None:
            return self._error(
                target, 405, "HTTP 405 Method Not Allowed", {"Allow": ",".join(_allowed(handlers))}
            )
        needed = Role.READ if method in ("GET", "HEAD") else Role.WRITE
        if role < needed:
            return self._error(target, 403, f"This needs the role {needed.word}; yours is {role.word}")
        if not _accepts(headers.get("accept", ""), template):
            return self._error(target, 406, "HTTP 406 Not Acceptable")
        if template not in self.open and not self.ready():
            return self._error(target, 503, f"The worker is still starting up: {self.stage()}")
        return Route(method, handler, segments, role, template in self.open)

    def carry(self, route: Route, target: str, headers: Mapping[str, str], body: bytes, base: str) -> Answer:
        """The answer of a route. Never raises."""
        query = parse_qs(urlsplit(target).query, keep_blank_values=True)
        literally = self.literals and route.role is Role.WRITE
        ask = Ask(route.method, route.segments, query, headers, body, base, route.role, literally)
        try:
            return self._carry_out(route.handler, ask, target)
        except Exception:
            return self.failed(target)

    def failed(self, target: str) -> Answer:
        """For a bug of ours, while its exception is handled; nobody outside learns more than that."""
        for_connector("").exception("unexpected error: this is a fault of the bridge")
        return self._error(target, 500, "Internal error: see the worker's log")

    def too_large(self, target: str) -> Answer:
        """For a body above the limit."""
        return self._error(target, 413, "HTTP 413 Request Entity Too Large")

    def busy(self, target: str) -> Answer:
        """For a request that has to be sent again later."""
        return self._error(target, 503, "Too many requests at once; ask again", {"Retry-After": "1"})

    def _carry_out(self, handler: Handler, ask: Ask, target: str) -> Answer:
        until = time.monotonic() + _WAIT
        while True:
            try:
                return handler(ask)
            except NotLeader as refused:
                leader = refused.leader
                if leader and leader != self.worker_id and FORWARDED not in ask.headers:
                    answer = self.forward(leader, ask.method, target, ask.headers, ask.body)
                    if answer is not None and answer.status != 409:
                        self._read_what_was_written()
                        return answer
                if time.monotonic() > until or FORWARDED in ask.headers:
                    return self._error(target, 409, refused.message)
                time.sleep(0.2)
            except Refused as refused:
                return self._error(target, refused.status, refused.message)
            except ConfigurationError as error:
                return self._error(target, 400, error.message)
            except Retriable as error:
                return self._error(target, 409, f"Kafka did not answer in time; ask again ({error.message})")
            except BridgeError as error:
                return self._error(target, 400, error.message)

    def _read_what_was_written(self) -> None:
        try:
            self.catch_up()
        except BridgeError as error:  # the write has happened, and is read a little later
            for_connector("").warning("%s", error.message)

    def _find(self, path: str) -> tuple[str, tuple[str, ...]] | None:
        inner = path[1:].removesuffix("/") if len(path) > 1 else ""
        for pattern, template in self._routes:
            match = pattern.fullmatch(inner)
            if match is not None:
                try:
                    return template, tuple(unquote(part, errors="strict") for part in match.groups())
                except UnicodeDecodeError:
                    return None
        return None

    def _error(
        self, target: str, status: int, message: str, headers: Mapping[str, str] | None = None
    ) -> Answer:
        message = masked(message)
        if target.startswith(_CLOUD):
            return Answer(status, {"error": {"code": status, "message": message}}, headers or {})
        return Answer(status, {"error_code": status, "message": message}, headers or {})


def _unusable(path: str) -> str | None:
    """Paths that Kafka Connect's web server refuses, in its words. The cloud-style API takes them."""
    if "//" in path:
        return "Ambiguous URI empty segment"
    if path.startswith(_CLOUD):
        return None
    folded = path.lower()
    for code, words in _SUSPICIOUS.items():
        if code in folded:
            return words
    return None


def _allowed(handlers: Mapping[str, Any]) -> list[str]:
    more = ["HEAD"] if "GET" in handlers else []
    return [*more, *handlers, "OPTIONS"]


def _accepts(accept: str, template: str) -> bool:
    if not accept.strip() or template in ("metrics", "openapi.yaml"):
        return True
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return bool(kinds & {"*/*", "application/*", "application/json"})


def empty(answer: Answer, method: str) -> Answer:
    """What HEAD gets: everything but the body, its length and type included."""
    if method != "HEAD" or answer.body is None:
        return answer
    return Answer(
        answer.status, b"", {**answer.headers, "Content-Length": str(len(answer.content()))}, answer.kind
    )
