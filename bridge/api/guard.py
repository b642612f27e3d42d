"""Who may ask: the Host header against DNS rebinding, Basic or Bearer credentials against hashed ones."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import define, field

from bridge.errors import ConfigurationError, Fault

_COST: Final = (2**14, 8, 1)
FILE: Final = "bridge.rest.users.file"


def hash_password(password: str, salt: bytes | None = None) -> str:
    """``scrypt:<salt>:<hash>`` for a line of the users file."""
    salt = salt or os.urandom(16)
    return f"scrypt:{salt.hex()}:{_scrypt(password, salt).hex()}"


def _scrypt(password: str, salt: bytes) -> bytes:
    n, r, p = _COST
    return hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=32)


def read_users(path: str) -> dict[str, str]:
    """Name → hash. Raises ConfigurationError for a line that is none."""
    users: dict[str, str] = {}
    for number, line in enumerate(Path(path).read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, hashed = line.strip().partition(":")
        kind, _, rest = hashed.partition(":")
        salt, _, value = rest.partition(":")
        try:
            sound = kind == "scrypt" and bool(bytes.fromhex(salt)) and len(bytes.fromhex(value)) == 32
        except ValueError:
            sound = False
        if not name or not sound:
            raise ConfigurationError(
                [Fault(FILE, f"line {number} is no 'name:hash'; 'sfbridge worker --hash-password' makes one")]
            )
        users[name] = hashed
    if not users:
        raise ConfigurationError([Fault(FILE, "names nobody")])
    return users


@define(eq=False)
class Guard:
    """``users`` empty: everybody may ask. ``hosts`` holds host names without port; '*' is any."""

    users: Mapping[str, str]
    hosts: frozenset[str]
    _good: set[bytes] = field(factory=set)
    _lock: threading.Lock = field(factory=threading.Lock)

    def refusal(self, headers: Mapping[str, str]) -> tuple[int, str] | None:
        """Status and reason for a request that is not let in."""
        host = headers.get("host", "").strip().lower()
        name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
        if "*" not in self.hosts and name.strip("[]") not in self.hosts:
            return 400, "The Host header names no address of this worker"
        if self.users and not self._known(headers.get("authorization", "")):
            return 401, "HTTP 401 Unauthorized"
        return None

    def _known(self, authorization: str) -> bool:
        kind, _, given = authorization.partition(" ")
        seen = hashlib.sha256(authorization.encode()).digest()
        if seen in self._good:
            return True
        if kind.lower() == "bearer":
            ok = any(
                _matches(given.strip(), h) for name, h in self.users.items() if name.startswith("bearer")
            )
        elif kind.lower() == "basic":
            ok = self._basic(given.strip())
        else:
            ok = False
        if ok:
            with self._lock:
                self._good.add(seen)
        return ok

    def _basic(self, given: str) -> bool:
        try:
            name, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return False
        hashed = self.users.get(name)
        return hashed is not None and _matches(password, hashed)


def _matches(password: str, hashed: str) -> bool:
    _, salt, value = hashed.split(":")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), value)
