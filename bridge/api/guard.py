"""Who may ask, and what: Host and Origin against pages of strangers, credentials against hashed ones, roles."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import define, field, frozen

from bridge.api.sessions import PROOF_HEADER, Session, Sessions
from bridge.api.users import Role, User, UsersFile, matches

_REMEMBERED: Final = 1_000
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::[0-9]{1,5})?")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_NOBODY: Final = f"scrypt:{bytes(16).hex()}:{bytes(32).hex()}"
"""A hash that no password has: an unknown name takes as long as a known one."""
SESSION: Final = "session"
"""The scheme by which a worker hands a session on to another one, whose cookie has another name."""


@frozen
class Visitor:
    """Whoever asks. ``name`` is empty where nobody is asked for it; ``session``: of a browser that has signed in."""

    name: str
    role: Role
    session: Session | None = None
    by_cookie: bool = False
    """The browser has sent it by itself, whichever page wanted that."""


def origin_of(scheme: str, host: str) -> str:
    """``scheme://host[:port]`` as browsers write it: small letters, no port that goes without saying."""
    return f"{scheme}://{host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ''))}"


@define(eq=False)
class Guard:
    """``users`` empty: everybody may do everything. ``hosts`` holds host names without port; '*' is any.

    ``origins``: further origins of our own pages, besides the address that a request was sent to.
    """

    users: Mapping[str, User]
    hosts: frozenset[str]
    origins: frozenset[str] = frozenset()
    sessions: Sessions = field(factory=lambda: Sessions.alone(""))
    _good: dict[bytes, Visitor] = field(factory=dict)
    _bad: dict[bytes, None] = field(factory=dict)
    _of: Mapping[str, User] | None = None
    """The users whom ``_good`` and ``_bad`` speak of."""
    _lock: threading.Lock = field(factory=threading.Lock)

    def stranger(self, headers: Mapping[str, str], scheme: str) -> tuple[int, str] | None:
        """Status and reason for a request that another site's page has made its browser send.

        Every browser sends Host. A request of HTTP/1.0 may lack it (of HTTP/1.1 h11 refuses it), and is no browser's as
        long as nothing else in it is.
        """
        if "host" not in headers:
            ours = not any(name == "origin" or name.startswith("sec-fetch-") for name in headers)
            return None if ours else (400, "The Host header is missing")
        host = headers["host"].strip().lower()
        match = _HOST.fullmatch(host)
        if match is None or ("*" not in self.hosts and match[1].strip("[]") not in self.hosts):
            return 400, "The Host header names no address of this worker"
        origin = headers.get("origin")
        if origin is not None and origin.strip().lower() not in {origin_of(scheme, host), *self.origins}:
            return 403, "The request was made by a page of another origin"
        if headers.get("sec-fetch-site", "none").strip().lower() not in ("same-origin", "none"):
            return 403, "The request was made by a page of another site"
        return None

    def recall(self, headers: Mapping[str, str]) -> Visitor | bool:
        """Somebody who is known already; False: nobody; True: :meth:`visitor` has to be asked."""
        users = self._current()
        if not users:
            return Visitor("", Role.WRITE)
        authorization = headers.get("authorization", "")
        if not authorization:
            return self._by_cookie(headers, users) or False
        kind, _, token = authorization.partition(" ")
        if kind.lower() == SESSION:
            return self._of_session(token.strip(), users, by_cookie=False) or False
        seen = _digest(authorization)
        if seen in self._good:
            return self._good[seen]
        return bool(_given(authorization)) and seen not in self._bad

    def visitor(self, headers: Mapping[str, str]) -> Visitor | None:
        """Whoever asks, None for nobody. Costs 16 MB and 50 ms for each name that is tried first."""
        recalled = self.recall(headers)
        if isinstance(recalled, Visitor):
            return recalled
        users, authorization = self._current(), headers.get("authorization", "")
        visitor = self._check(users, *_given(authorization)) if recalled else None
        with self._lock:
            if users is not self._of:  # they have changed meanwhile
                return visitor
            remembered: dict[bytes, Visitor] | dict[bytes, None] = self._bad
            if visitor is not None:
                remembered = self._good
                self._good[_digest(authorization)] = visitor
            else:
                self._bad[_digest(authorization)] = None
            if len(remembered) > _REMEMBERED:
                remembered.clear()
        return visitor

    def sign_in(self, name: str, password: str) -> Visitor | None:
        """Whoever has this name and password; costs as :meth:`visitor`."""
        return self._check(self._current(), "basic", name, password)

    def forged(self, visitor: Visitor, headers: Mapping[str, str]) -> bool:
        """Whether a request that changes something lacks the proof that our own page sent it."""
        if visitor.session is None or not visitor.by_cookie:
            return False
        given = headers.get(PROOF_HEADER, "").encode("utf-8", "replace")
        return not hmac.compare_digest(given, visitor.session.proof.encode())

    def secure(self, headers: Mapping[str, str], scheme: str) -> bool:
        """Whether the browser speaks TLS, to us or to a proxy of ours before us."""
        return scheme == "https" or headers.get("origin", "").strip().lower().startswith("https://")

    def _current(self) -> Mapping[str, User]:
        now = self.users.current() if isinstance(self.users, UsersFile) else self.users
        if now is not self._of:
            with self._lock:
                self._good.clear()
                self._bad.clear()
                self._of = now
        return now

    def _by_cookie(self, headers: Mapping[str, str], users: Mapping[str, User]) -> Visitor | None:
        host = headers.get("host", "").strip().lower()
        names = {self.sessions.cookie(host, secure) for secure in (True, False)}
        tokens = (token for name, token in _cookies(headers.get("cookie", "")) if name in names)
        found = (self._of_session(token, users, by_cookie=True) for token in tokens)
        return next((visitor for visitor in found if visitor is not None), None)

    def _of_session(self, token: str, users: Mapping[str, User], *, by_cookie: bool) -> Visitor | None:
        session = self.sessions.check(token, users)
        return (
            None if session is None else Visitor(session.name, users[session.name].role, session, by_cookie)
        )

    def _check(self, users: Mapping[str, User], kind: str, name: str, password: str) -> Visitor | None:
        if kind == "bearer":
            tokens = {token: user for token, user in users.items() if token.startswith("bearer")}
            good = [
                Visitor(token, one.role) for token, one in tokens.items() if matches(password, one.hashed)
            ]
            return max(good, key=lambda visitor: visitor.role, default=None)
        user = users.get(name)
        right = matches(password, _NOBODY if user is None else user.hashed)
        return Visitor(name, user.role) if user is not None and right else None


def _cookies(header: str) -> Iterator[tuple[str, str]]:
    for part in header.split(";"):
        name, _, value = part.partition("=")
        yield name.strip(), value.strip()


def _digest(authorization: str) -> bytes:
    return hashlib.sha256(authorization.encode("utf-8", "surrogatepass")).digest()


def _given(authorization: str) -> tuple[str, str, str] | tuple[()]:
    """Kind, name and password or token; empty where it is neither Basic nor Bearer."""
    kind, _, given = authorization.partition(" ")
    if kind.lower() == "bearer" and given.strip():
        return "bearer", "", given.strip()
    if kind.lower() != "basic":
        return ()
    try:
        name, _, password = base64.b64decode(given.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return ()
    return "basic", name, password
