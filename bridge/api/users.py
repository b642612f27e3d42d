"""Who there is: the users file, its roles, and what is kept of a password."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
import time
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Final

from attrs import define, field, frozen

from bridge.contents import file_content
from bridge.errors import ConfigurationError, Fault
from bridge.log import for_connector

FILE: Final = "bridge.rest.users.file"
_COST: Final = (2**14, 8, 1)
_LOOK_EVERY: Final = 1.0  # seconds


class Role(IntEnum):
    """What somebody may do; each includes the one before."""

    READ = 1
    """States, series, schemas and configurations, secrets masked."""
    RECORDS = 2
    """What is in topics: records, previews, dead letters."""
    WRITE = 3
    """Whatever changes something, dials an address, or says whether a value that somebody sent is good."""

    @property
    def word(self) -> str:
        """As in the users file."""
        return self.name.lower()


@frozen
class User:
    """One line of the users file: ``scrypt:<salt>:<hash>`` and a role."""

    hashed: str
    role: Role = Role.WRITE

    def generation(self) -> str:
        """Another one after each change of password or role, and no word about either."""
        return hashlib.sha256(f"{self.hashed}:{self.role.word}".encode()).hexdigest()[:16]


def hash_password(password: str, salt: bytes | None = None) -> str:
    """``scrypt:<salt>:<hash>`` for a line of the users file."""
    salt = salt or os.urandom(16)
    return f"scrypt:{salt.hex()}:{_scrypt(password, salt).hex()}"


def matches(password: str, hashed: str) -> bool:
    """Whether it is the password; costs 16 MB and 50 ms."""
    _, salt, value = hashed.split(":")
    return hmac.compare_digest(_scrypt(password, bytes.fromhex(salt)).hex(), value)


def _scrypt(password: str, salt: bytes) -> bytes:
    n, r, p = _COST
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=n, r=r, p=p, dklen=32)


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


@define(eq=False)
class UsersFile(Mapping[str, User]):
    """The users file as it is now: it is looked at again when it has changed. What cannot be read changes nothing."""

    path: str
    _users: dict[str, User] = field(init=False)
    _seen: tuple[int, int, int] = field(init=False)
    _looked: float = field(factory=time.monotonic)
    _lock: threading.Lock = field(factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        """Raises ConfigurationError."""
        self._seen = self._stamp()
        self._users = read_users(self.path)

    def current(self) -> dict[str, User]:
        """Name → user; another object after each change."""
        with self._lock:
            if time.monotonic() - self._looked >= _LOOK_EVERY:
                self._looked = time.monotonic()
                self._look()
            return self._users

    def _look(self) -> None:
        stamp = self._stamp()
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._users = read_users(self.path)
        except ConfigurationError as error:
            for_connector("").error("users stay as they were: %s", error.message)
        else:
            for_connector("").info("%s has changed: %d users", FILE, len(self._users))

    def _stamp(self) -> tuple[int, int, int]:
        try:
            told = os.stat(self.path)
        except OSError:
            return (0, 0, 0)
        return told.st_mtime_ns, told.st_size, told.st_ino

    def __getitem__(self, name: str) -> User:
        return self.current()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.current())

    def __len__(self) -> int:
        return len(self.current())
