"""Who asks, and the sign-in of browsers: name and password once, a cookie from then on."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from attrs import define, field

from bridge.api.exchange import Answer, Ask, fields
from bridge.api.guard import Guard, Visitor
from bridge.api.sessions import Session
from bridge.api.users import Role
from bridge.api.v1.operation import BOOLEAN, INTEGER, STRING, Operation, closed, listed, nullable, record
from bridge.log import for_connector
from bridge.worker.refusals import Refused

NO_STORE: Final = "no-store"
_FORM: Final = "application/x-www-form-urlencoded"
_AT_ONCE: Final = 2
_TRIES: Final = 8
_WITHIN: Final = 60.0
_MOST: Final = 10_000
_LONGEST: Final = 1024
_WRONG: Final = "Name or password is wrong"


@define(eq=False)
class Attempts:
    """Failed attempts of the last minute, by address and name; both together, so that nobody locks out another."""

    _failed: dict[tuple[str, str], list[float]] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def wait(self, key: tuple[str, str]) -> int:
        """Seconds until one more may be made; 0: now."""
        with self._lock:
            recent = [at for at in self._failed.get(key, ()) if time.monotonic() - at < _WITHIN]
        return 0 if len(recent) < _TRIES else int(_WITHIN - (time.monotonic() - recent[-_TRIES])) + 1

    def failed(self, key: tuple[str, str]) -> None:
        """One more."""
        now = time.monotonic()
        with self._lock:
            if len(self._failed) >= _MOST:
                self._failed.clear()
            self._failed[key] = [*(at for at in self._failed.get(key, ()) if now - at < _WITHIN), now]


@define(eq=False)
class SignIn:
    """The handlers."""

    guard: Guard
    _attempts: Attempts = field(factory=Attempts)
    _turns: threading.BoundedSemaphore = field(factory=lambda: threading.BoundedSemaphore(_AT_ONCE))

    def me(self, ask: Ask) -> Answer:
        return Answer(200, self.described(ask.visitor), {"Cache-Control": NO_STORE})

    def begin(self, ask: Ask) -> Answer:
        name, password = _credentials(ask)
        visitor = self.sign_in(name, password, ask.address)
        assert visitor.session is not None
        return Answer(
            200,
            self.described(visitor),
            {"Cache-Control": NO_STORE, "Set-Cookie": self.cookie(ask, visitor.session.token)},
        )

    def end(self, ask: Ask) -> Answer:
        if ask.visitor.session is not None:
            self.guard.sessions.over(ask.visitor.session)
        return Answer(204, None, {"Set-Cookie": self.cookie(ask, ""), "Cache-Control": NO_STORE})

    def sign_in(self, name: str, password: str, address: str) -> Visitor:
        """Somebody with a session. Raises Refused (401, 429; 409 where the group knows no key yet)."""
        key = (address, name)
        if seconds := self._attempts.wait(key):
            raise Refused(429, f"Too many attempts; try again in {seconds} s", {"Retry-After": str(seconds)})
        with self._turns:
            visitor = self.guard.sign_in(name, password)
        if visitor is None:
            self._attempts.failed(key)
            for_connector("").warning("a sign-in from %s failed", address or "an unknown address")
            raise Refused(401, _WRONG)
        session = self.guard.sessions.begin(name, self.guard.users[name])
        if session is None:
            raise Refused(409, "The group has no key for sign-ins yet; ask again in a moment")
        return Visitor(visitor.name, visitor.role, session, by_cookie=True)

    def cookie(self, ask: Ask, token: str) -> str:
        """Set-Cookie for whoever asks; an empty token takes the cookie away."""
        secure = self.guard.secure(ask.headers, ask.base.partition(":")[0])
        return self.guard.sessions.set_cookie(ask.headers.get("host", "").lower(), secure, token)

    def described(self, visitor: Visitor) -> Mapping[str, object]:
        """Whoever asks, as JSON."""
        session: Session | None = visitor.session
        return {
            "name": visitor.name,
            "role": visitor.role.word,
            "roles": [role.word for role in Role if role <= visitor.role],
            "users": bool(self.guard.users),
            "token": None if session is None else session.proof,
            "ends": None if session is None else session.ends * 1000,
        }


def _credentials(ask: Ask) -> tuple[str, str]:
    """Name and password of a form or of JSON. Raises Refused (400, 415)."""
    if ask.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
        body: object = dict(parse_qsl(ask.body.decode("utf-8", "replace"), keep_blank_values=True))
    else:
        body = ask.json()
    given = fields(body, ("name", "password"), "the sign-in")
    name, password = given.get("name"), given.get("password")
    if not isinstance(name, str) or not isinstance(password, str):
        raise Refused(400, "name and password must be given, as texts")
    if len(name) > _LONGEST or len(password) > _LONGEST:
        raise Refused(401, _WRONG)
    return name, password


SCHEMAS: Final = {
    "SignIn": closed("name", "password", name=STRING, password={**STRING, "format": "password"}),
    "Me": record(
        "name",
        "role",
        "roles",
        "users",
        "token",
        "ends",
        name={**STRING, "description": "Empty where nobody is asked who they are"},
        role={"type": "string", "enum": [role.word for role in Role]},
        roles=listed(STRING, "The role, and those that it includes"),
        users={**BOOLEAN, "description": "Whether anybody is asked who they are"},
        token=nullable(
            STRING, "Of a session: what the header X-SFBridge-Token must hold to change something"
        ),
        ends=nullable(INTEGER, "When the session ends if nothing more is asked (ms since the epoch)"),
    ),
}
_PATH: Final = "/bridge/v1/session"
OPERATIONS: Final[tuple[Operation[SignIn], ...]] = (
    Operation("GET", _PATH, "Who asks, and in which role", SignIn.me, {200: "Me"}),
    Operation(
        "POST", _PATH, "Sign in, by JSON or a form: a cookie, and the token that changes need beside it", SignIn.begin,
        {200: "Me"}, role=None, body="SignIn", needs_body=True,
    ),
    Operation("DELETE", _PATH, "Sign out, at every worker", SignIn.end, {204: None}),
)  # fmt: skip
