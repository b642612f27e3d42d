"""Who may ask, and what: Host and Origin against pages of strangers, credentials against hashed ones, roles."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import threading
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

from attrs import define, field, frozen

from bridge.contents import file_content
from bridge.errors import ConfigurationError, Fault

_COST: Final = (2**14, 8, 1)
_REMEMBERED: Final = 1_000
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::[0-9]{1,5})?")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
FILE: Final = "bridge.rest.users.file"


class Role(IntEnum):
    """What somebody may do; each includes the one before."""

    READ = 1
    """States and configurations, secrets masked."""
    RECORDS = 2
    """What is in topics."""
    WRITE = 3
    """Whatever changes something, or says whether a value that somebody sent is good."""

    @property
    def word(self) -> str:
        """As in the users file."""
        return self.name.lower()


@frozen
class User:
    """One line of the users file: ``scrypt:<salt>:<hash>`` and a role."""

    hashed: str
    role: Role = Role.WRITE


_NOBODY: Final = f"scrypt:{bytes(16).hex()}:{bytes(32).hex()}"
"""A hash that no password has: an unknown name takes as long as a known one."""


def hash_password(password: str, salt: bytes | None = None) -> str:
    """``scrypt:<salt>:<hash>`` for a line of the users file."""
    salt = salt or os.urandom(16)
    return f"scrypt:{salt.hex()}:{_scrypt(password, salt).hex()}"


def _scrypt(password: str, salt: bytes) -> bytes:
    n, r, p = _COST
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=32)


def read_users(path: str) -> dict[str, User]:
    """Name → user. Raises ConfigurationError for a line that is none."""
    users: dict[str, User] = {}
    try:
        lines = file_content(path).decode().splitlines()
    except ValueError:
        raise ConfigurationError([Fault(FILE, "cannot be read as text")]) from None
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            name, user = _user(number, line.strip())
            users[name] = user
    if not users:
        raise ConfigurationError([Fault(FILE, "names nobody")])
    return users


def _user(number: int, line: str) -> tuple[str, User]:
    name, *parts = line.split(":")
    word = parts.pop().strip() if len(parts) == 4 else Role.WRITE.word
    kind, salt, value = parts if len(parts) == 3 else ("", "", "")
    try:
        sound = kind == "scrypt" and bool(bytes.fromhex(salt)) and len(bytes.fromhex(value)) == 32
    except ValueError:
        sound = False
    if not name or not sound:
        why = "is no 'name:hash[:role]'; 'sfbridge worker --hash-password' makes the hash"
        raise ConfigurationError([Fault(FILE, f"line {number} {why}")])
    role = next((role for role in Role if role.word == word), None)
    if role is None:
        roles = ", ".join(role.word for role in Role)
        raise ConfigurationError([Fault(FILE, f"line {number} gives a role that is none of {roles}")])
    return name, User(f"scrypt:{salt}:{value}", role)


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
    _good: dict[bytes, Role] = field(factory=dict)
    _bad: dict[bytes, None] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def stranger(self, headers: Mapping[str, str], scheme: str) -> tuple[int, str] | None:
        """Status and reason for a request that another site's page has made its browser send."""
        host = headers.get("host", "").strip().lower()
        match = _HOST.fullmatch(host)
        if match is None or ("*" not in self.hosts and match[1].strip("[]") not in self.hosts):
            return 400, "The Host header names no address of this worker"
        origin = headers.get("origin")
        if origin is not None and origin.strip().lower() not in {origin_of(scheme, host), *self.origins}:
            return 403, "The request was made by a page of another origin"
        if headers.get("sec-fetch-site", "none").strip().lower() not in ("same-origin", "none"):
            return 403, "The request was made by a page of another site"
        return None

    def recall(self, headers: Mapping[str, str]) -> Role | bool:
        """The role of somebody who is known already; False: nobody; True: :meth:`role` has to be asked."""
        if not self.users:
            return Role.WRITE
        authorization = headers.get("authorization", "")
        seen = _digest(authorization)
        if seen in self._good:
            return self._good[seen]
        return bool(_given(authorization)) and seen not in self._bad

    def role(self, headers: Mapping[str, str]) -> Role | None:
        """The role of whoever asks, None for nobody. Costs 16 MB and 50 ms for each name that is tried first."""
        recalled = self.recall(headers)
        if isinstance(recalled, Role):
            return recalled
        authorization = headers.get("authorization", "")
        role = self._check(*_given(authorization)) if recalled else None
        with self._lock:
            remembered: dict[bytes, Role] | dict[bytes, None] = self._bad
            if role is not None:
                remembered = self._good
                self._good[_digest(authorization)] = role
            else:
                self._bad[_digest(authorization)] = None
            if len(remembered) > _REMEMBERED:
                remembered.clear()
        return role

    def _check(self, kind: str, name: str, password: str) -> Role | None:
        if kind == "bearer":
            tokens = [
                user for scheme_and_token, user in self.users.items() if scheme_and_token.startswith("bearer")
            ]
            roles = [user.role for user in tokens if _matches(password, user.hashed)]
            return max(roles, default=None)
        user = self.users.get(name, User(_NOBODY))
        return user.role if _matches(password, user.hashed) else None


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


def _matches(password: str, hashed: str) -> bool:
    _, salt, value = hashed.split(":")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), value)
