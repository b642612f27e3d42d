"""What a sandbox keeps over restarts (``sfbridge sandbox --state DIR``): one SQLite file, which one process holds.

Every change is written as it is made, so that a kill loses nothing but the last tenth of a second of positions.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

from attrs import frozen

from bridge.errors import ConfigurationError, Fault

FILE: Final = "sandbox.sqlite"
_TABLES: Final = """
create table if not exists facts (key text primary key, value blob not null) without rowid;
create table if not exists channels (channel text primary key, expired_id integer not null) without rowid;
create table if not exists events
    (channel text, id integer, created real not null, message blob not null);
create index if not exists events_by_channel on events (channel, created);
create table if not exists records
    (topic text, key blob, value blob not null, headers text not null, at integer, primary key (topic, key))
    without rowid;
"""


@frozen
class Kept:
    """The newest record of one key in a compacted topic; ``at``: its timestamp, ms since the epoch."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    at: int


class Keep:
    """The file. Every method may be called from any thread.

    Raises ConfigurationError where the directory is another sandbox's, or cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self._lock = threading.RLock()
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held = _held(directory)
            self._file = sqlite3.connect(directory / FILE, check_same_thread=False)
            (directory / FILE).chmod(0o600)  # KMS secrets of the sandbox are in it
            self._file.execute("pragma journal_mode = wal")
            self._file.execute("pragma synchronous = off")  # a kill is survived; a power cut need not be
            self._file.executescript(_TABLES)
        except (OSError, sqlite3.Error) as error:
            why = f"cannot keep state in {directory}: {getattr(error, 'strerror', None) or error}"
            raise ConfigurationError([Fault("--state", why)]) from None

    def close(self) -> None:
        """Let go of the directory."""
        with self._lock:
            self._file.close()
            self._held.close()

    # ---- single facts ----------------------------------------------------------------------------------

    def fact(self, key: str) -> bytes | None:
        """What was kept under this name."""
        row = self._one("select value from facts where key = ?", key)
        return None if row is None else row[0]

    def keep(self, key: str, value: bytes) -> None:
        """Replace it."""
        self._change(("insert or replace into facts values (?, ?)", [(key, value)]))

    # ---- the org's events ------------------------------------------------------------------------------

    def channels(self) -> dict[str, int]:
        """The highest replay id that is not retained any more, by channel."""
        return dict(self._all("select channel, expired_id from channels"))

    def events(self, channel: str) -> Iterator[tuple[int, bytes, float]]:
        """Replay id, message and creation (epoch seconds) of each retained event, as they were published."""
        yield from self._all(
            "select id, message, created from events where channel = ? order by rowid", channel
        )

    def open_channel(self, channel: str, expired_id: int) -> None:
        """Note a channel, or how far its retention has come; events up to that id are dropped."""
        self._change(
            ("insert or replace into channels values (?, ?)", [(channel, expired_id)]),
            ("delete from events where channel = ? and id <= ?", [(channel, expired_id)]),
        )

    def publish(self, channel: str, ids: Sequence[int], messages: Sequence[bytes], created: float) -> None:
        """Events of one moment."""
        rows = [(channel, number, created, message) for number, message in zip(ids, messages, strict=True)]
        self._change(("insert into events values (?, ?, ?, ?)", rows))

    # ---- compacted topics ------------------------------------------------------------------------------

    def records(self) -> list[Kept]:
        """The newest record of each key."""
        rows = self._all("select topic, key, value, headers, at from records")
        return [Kept(topic, key, value, _headers(text), at) for topic, key, value, text, at in rows]

    def record(self, topic: str, key: bytes, value: bytes | None, headers: Any, at: int) -> None:
        """A record was written; a tombstone takes its key out."""
        if value is None:
            self._change(("delete from records where topic = ? and key = ?", [(topic, key)]))
            return
        told = json.dumps([[name, (text or b"").hex()] for name, text in headers or ()])
        row = (topic, key, value, told, at)
        self._change(("insert or replace into records values (?, ?, ?, ?, ?)", [row]))

    # ---- parts -----------------------------------------------------------------------------------------

    def _change(self, *statements: tuple[str, Iterable[tuple[Any, ...]]]) -> None:
        with self._lock, self._file:
            for text, rows in statements:
                self._file.executemany(text, rows)

    def _all(self, text: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._file.execute(text, values).fetchall()

    def _one(self, text: str, *values: Any) -> Any:
        with self._lock:
            return self._file.execute(text, values).fetchone()


def _held(directory: Path) -> IO[str]:
    """The open file that says whose the directory is. Raises ConfigurationError."""
    file = (directory / "sandbox.lock").open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        why = (
            f"{directory} is the state of a sandbox that is running; stop that one, or name another directory"
        )
        raise ConfigurationError([Fault("--state", why)]) from None
    return file


def _headers(text: str) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, bytes.fromhex(value)) for name, value in json.loads(text))
