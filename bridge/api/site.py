"""All routes together, and what they have in common: who may ask, which method, forwarding to the leader, errors."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from attrs import define, evolve, field, frozen

from bridge.api.exchange import NOT_LEADER, Answer, Ask, Elsewhere, Handler
from bridge.api.guard import Guard, Visitor
from bridge.api.media import MalformedError, takes_json
from bridge.api.peers import Forward, headers_for, nowhere, seen_from
from bridge.api.representation import represented
from bridge.api.sessions import PROOF_HEADER
from bridge.api.target import CLOUD, resolved, unusable
from bridge.api.users import Role
from bridge.errors import BridgeError, ConfigurationError, Retriable
from bridge.log import for_connector, masked
from bridge.waits import LEADER
from bridge.worker.refusals import NotLeader, Refused

_OURS: Final = ("bridge/v1/", "console")
"""The beginnings of templates that are ours, whose clients are browsers, too."""
_OUR_PATHS: Final = tuple(f"/{one}" for one in _OURS)
_IN_ANY_CASE: Final = ("metrics", "openapi.yaml")
"""Of one type that is not JSON, whatever a client accepts."""
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_WAIT: Final = 5.0  # seconds that a request waits for a leader
_NOBODY: Final = Visitor("", Role.READ)
Needs = Mapping[tuple[str, str], Role | None]
"""(Path, method) → the role that it needs; None: nobody is asked who they are."""


@frozen
class Route:
    """Who answers a request, and who made it. ``quick``: at once, from memory."""

    method: str
    handler: Handler
    segments: tuple[str, ...]
    visitor: Visitor
    quick: bool = False


@define(eq=False)
class Site:
    """``needs``: where something else than the method says which role it takes.

    ``catch_up`` reads what that worker has written, so that who asked here sees here what came of it.
    """

    table: Mapping[str, Mapping[str, Handler]]
    guard: Guard
    worker_id: str
    ready: Callable[[], bool] = lambda: True
    stage: Callable[[], str] = lambda: ""
    forward: Forward = nowhere
    catch_up: Callable[[], None] = lambda: None
    open: frozenset[str] = frozenset({"health"})
    literals: bool = False
    """Those who may write are shown secrets as they were sent."""
    needs: Needs = field(factory=dict)
    entrance: Callable[[str, Mapping[str, str]], Answer | None] = lambda target, headers: None
    """What somebody unknown gets instead of a 401; None: the 401."""
    shown: Callable[[str, int, str], Answer | None] = lambda target, status, message: None
    """A refusal as a person reads it; None: as JSON."""
    _routes: list[tuple[re.Pattern[str], str]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        for path in self.table:
            self._routes.append((re.compile(re.escape(path).replace(r"\*", "([^/]+)")), path))

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes, base: str) -> Answer:
        """The answer to a request; ``target`` is what its first line names. Never raises."""
        target, headers = resolved(target, headers)
        refusal = self.stranger(target, headers, base.partition(":")[0])
        if refusal is None:
            route = self.route(method, target, headers, self.guard.visitor(headers))
            refusal = route if isinstance(route, Answer) else self.carry(route, target, headers, body, base)
        return empty(refusal, method)

    def stranger(self, target: str, headers: Mapping[str, str], scheme: str) -> Answer | None:
        """The refusal of a request that a foreign page has made somebody's browser send."""
        refusal = self.guard.stranger(headers, scheme)
        return None if refusal is None else self._error(target, *refusal)

    def route(
        self, method: str, target: str, headers: Mapping[str, str], visitor: Visitor | None
    ) -> Route | Answer:
        """Who will answer, or the refusal. All that can be said without the body is said here."""
        path = target.partition("?")[0]
        match = None if unusable(path, _OUR_PATHS) else self._find(path)
        needed = None if match is None else self._needed(match[0], method)
        if visitor is None and (match is None or needed is not None):
            return self._nobody(target, headers)
        if (wrong := unusable(path, _OUR_PATHS)) is not None:
            return self._error(target, 400, wrong)
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
        visitor = visitor or _NOBODY
        if needed is not None and visitor.role < needed:
            return self._error(
                target, 403, f"This needs the role {needed.word}; yours is {visitor.role.word}"
            )
        if method not in _SAFE and needed is not None and self.guard.forged(visitor, headers):
            return self._error(target, 403, f"The header {PROOF_HEADER} must hold the token of the sign-in")
        if template not in _IN_ANY_CASE and not template.startswith(_OURS):
            try:
                if not takes_json(headers.get("accept", "")):
                    return self._error(target, 406, "HTTP 406 Not Acceptable")
            except MalformedError as wrong:
                return self._error(target, 400, str(wrong))
        if template not in self.open and needed is not None and not self.ready():
            return self._error(target, 503, f"The worker is still starting up: {self.stage()}")
        return Route(method, handler, segments, visitor, template in self.open)

    def _needed(self, template: str, method: str) -> Role | None:
        usual = Role.READ if method in _SAFE else Role.WRITE
        return self.needs.get((template, "GET" if method == "HEAD" else method), usual)

    def _nobody(self, target: str, headers: Mapping[str, str]) -> Answer:
        """A browser's own dialog must not come up in the middle of our pages."""
        door = self.entrance(target, headers)
        if door is not None:
            return door
        ours = headers.get("sec-fetch-site", "").strip().lower() == "same-origin"
        more = {} if ours else {"WWW-Authenticate": 'Basic realm="sfbridge"'}
        return self._error(target, 401, "HTTP 401 Unauthorized", more)

    def carry(
        self, route: Route, target: str, headers: Mapping[str, str], body: bytes, base: str, address: str = ""
    ) -> Answer:
        """The answer of a route. Never raises."""
        query = parse_qs(urlsplit(target).query, keep_blank_values=True)
        literally = self.literals and route.visitor.role is Role.WRITE
        ask = Ask(route.method, route.segments, query, headers, body, base, route.visitor, address, literally)
        try:
            answer = self._renewed(self._carry_out(route.handler, ask, target), ask)
            return represented(answer, route.method, headers)
        except Exception:
            return self.failed(target)

    def _renewed(self, answer: Answer, ask: Ask) -> Answer:
        """With a younger cookie for a browser whose session has become a little old."""
        session, sessions = ask.visitor.session, self.guard.sessions
        if session is None or not ask.visitor.by_cookie or "Set-Cookie" in answer.headers:
            return answer
        younger = sessions.renewed(session, self.guard.users)
        if younger is None:
            return answer
        host = ask.headers.get("host", "").strip().lower()
        secure = f"{sessions.cookie(host, True)}=" in ask.headers.get("cookie", "")
        cookie = sessions.set_cookie(host, secure, younger.token)
        return evolve(answer, headers={**answer.headers, "Set-Cookie": cookie})

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
            except Elsewhere as place:
                if ask.forwarded or place.worker == self.worker_id:
                    return place.otherwise
                return self._forwarded(place.worker, ask, target, place.seconds) or place.otherwise
            except NotLeader as refused:
                leader = refused.leader
                if leader and leader != self.worker_id and not ask.forwarded:
                    answer = self._forwarded(leader, ask, target, LEADER.longest)
                    if answer is not None and NOT_LEADER not in answer.headers:
                        self._read_what_was_written()
                        return answer
                if ask.forwarded:
                    return self._error(target, 409, refused.message, {NOT_LEADER: "true"})
                if time.monotonic() > until:
                    return self._error(target, 409, refused.message)
                time.sleep(0.2)
            except Refused as refused:
                return self._error(target, refused.status, refused.message, refused.headers)
            except ConfigurationError as error:
                return self._error(target, 400, error.message)
            except Retriable as error:
                return self._error(target, 409, f"Kafka did not answer in time; ask again ({error.message})")
            except BridgeError as error:
                return self._error(target, 400, error.message)

    def _forwarded(self, worker: str, ask: Ask, target: str, seconds: float) -> Answer | None:
        answer = self.forward(worker, ask.method, target, headers_for(ask), ask.body, seconds)
        return None if answer is None else seen_from(ask.base, answer)

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
        page = self.shown(target, status, message)
        if page is not None:
            return page
        if target.startswith(CLOUD):
            return Answer(status, {"error": {"code": status, "message": message}}, headers or {})
        return Answer(status, {"error_code": status, "message": message}, headers or {})


def _allowed(handlers: Mapping[str, Any]) -> list[str]:
    more = ["HEAD"] if "GET" in handlers else []
    return [*more, *handlers, "OPTIONS"]


def empty(answer: Answer, method: str) -> Answer:
    """What HEAD gets: everything but the body, its length and type included."""
    if method != "HEAD" or answer.body is None:
        return answer
    return Answer(
        answer.status, b"", {**answer.headers, "Content-Length": str(len(answer.content()))}, answer.kind
    )
