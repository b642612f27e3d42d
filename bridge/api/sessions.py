"""Sign-in of browsers: a signed token that any worker of the group accepts, and that ends.

A token is ``<JSON, base64url>.<HMAC-SHA256, base64url>`` of name, generation of the user's line (another one after each
change of password or role), a number of its own, when it began and when it was last renewed. It is kept in a cookie
whose name carries group and port, because cookies ignore ports: a page of another port would carry a plain one. What
changes something needs ``Session.proof`` in a header, too, which no page of another origin can read or send.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Final

import msgspec
from attrs import define, field, frozen

from bridge.api.users import User

IDLE: Final = 30 * 60  # seconds without a request
LONGEST: Final = 12 * 3600  # seconds from sign-in
RENEW_AFTER: Final = 5 * 60
PROOF_HEADER: Final = "x-sfbridge-token"
_AHEAD: Final = 60  # seconds by which another worker's clock may be ahead
_LONGEST_TOKEN: Final = 2000


class Content(msgspec.Struct):
    """What a token says; times are seconds since the epoch."""

    name: str
    generation: str
    number: str
    begun: Annotated[int, msgspec.Meta(ge=0)]
    issued: Annotated[int, msgspec.Meta(ge=0)]


@frozen
class Session:
    """A token that holds. ``proof``: what a header has to say before anything is changed."""

    token: str
    number: str
    name: str
    proof: str
    begun: int
    issued: int

    @property
    def ends(self) -> int:
        """The moment at which it ends unless it is renewed."""
        return min(self.issued + IDLE, self.begun + LONGEST)


@define(eq=False)
class Ended:
    """Sessions that were ended, of one process. A group keeps them in its status topic."""

    _numbers: dict[str, int] = field(factory=dict)

    def add(self, number: str, until: int) -> None:
        """``until``: when the token would have ended by itself."""
        now = int(time.time())
        self._numbers = {n: at for n, at in self._numbers.items() if at > now} | {number: until}

    def __contains__(self, number: str) -> bool:
        return number in self._numbers


@define(eq=False)
class Sessions:
    """``key``: what tokens are signed with, None while nobody knows it. ``end`` and ``ended`` speak of digests."""

    group: str
    key: Callable[[], bytes | None]
    end: Callable[[str, int], None]
    ended: Callable[[str], bool]
    now: Callable[[], float] = time.time

    @classmethod
    def alone(cls, group: str) -> Sessions:
        """Of a process that shares them with nobody."""
        key, ended = os.urandom(32), Ended()
        return cls(group, lambda: key, ended.add, ended.__contains__)

    def cookie(self, host: str, secure: bool) -> str:
        """The cookie's name at this address (the Host header)."""
        port = host.rpartition(":")[2] if not host.endswith("]") and ":" in host else ""
        group = hashlib.sha256(self.group.encode()).hexdigest()[:8]
        name = f"sfbridge-{group}-{port or ('443' if secure else '80')}"
        return f"__Host-{name}" if secure else name

    def set_cookie(self, host: str, secure: bool, token: str) -> str:
        """The value of Set-Cookie; an empty token takes the cookie away."""
        lasts = LONGEST if token else 0
        more = "; Secure" if secure else ""
        name = self.cookie(host, secure)
        return f"{name}={token}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Strict{more}"

    def begin(self, name: str, user: User) -> Session | None:
        """A session of somebody whose password was right; None while there is no key."""
        now = int(self.now())
        return self._issue(Content(name, user.generation(), os.urandom(16).hex(), now, now))

    def renewed(self, session: Session, users: Mapping[str, User]) -> Session | None:
        """The same session a while longer; None where it need not or cannot be."""
        now, user = int(self.now()), users.get(session.name)
        if user is None or now - session.issued < RENEW_AFTER:
            return None
        return self._issue(Content(session.name, user.generation(), session.number, session.begun, now))

    def check(self, token: str, users: Mapping[str, User]) -> Session | None:
        """The session of a token; None for one that is forged, over, ended, or of a user who has changed."""
        key, (said, _, signature) = self.key(), token.partition(".")
        if key is None or len(token) > _LONGEST_TOKEN:
            return None
        if not hmac.compare_digest(_signed(key, said).encode(), signature.encode("utf-8", "replace")):
            return None
        try:
            content = msgspec.json.decode(_decoded(said), type=Content)
        except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError):
            return None
        session, now, user = _session(key, token, content), self.now(), users.get(content.name)
        if user is None or user.generation() != content.generation or self.ended(digest(content.number)):
            return None
        return session if content.issued - _AHEAD <= now < session.ends else None

    def over(self, session: Session) -> None:
        """End it everywhere. Raises BridgeError where that cannot be written."""
        self.end(digest(session.number), session.begun + LONGEST)

    def _issue(self, content: Content) -> Session | None:
        key = self.key()
        if key is None:
            return None
        said = base64.urlsafe_b64encode(msgspec.json.encode(content)).decode().rstrip("=")
        return _session(key, f"{said}.{_signed(key, said)}", content)


def digest(number: str) -> str:
    """What is written of a session that was ended: who reads that cannot take it for the session."""
    return hashlib.sha256(number.encode()).hexdigest()[:32]


def _session(key: bytes, token: str, content: Content) -> Session:
    proof = _signed(key, f"proof {content.number}")
    return Session(token, content.number, content.name, proof, content.begun, content.issued)


def _signed(key: bytes, text: str) -> str:
    made = hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
