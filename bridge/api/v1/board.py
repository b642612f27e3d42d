"""The rows of all connectors, whoever runs them, with a revision: who has seen one asks for what changed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import Final, cast

from attrs import define, field, frozen

from bridge.api.exchange import Ask
from bridge.api.v1.here import Here
from bridge.worker.glance import Row

OWN: Final = "/bridge/v1/workers/here/connectors"
_FRESH: Final = 1.0  # seconds for which the rows of this worker are not looked at again
_PEERS_FRESH: Final = 2.0
_SILENT: Final = 10.0  # seconds before a worker that did not answer is asked again
_GONE: Final = 1_000
_MOVES: Final = ("seen_at",)
"""What changes without saying anything."""


class Shown(Row):
    """A row with the revision at which it became what it is, and its sparkline."""

    revision: int
    spark: list[float]


@frozen
class Seen:
    """All rows at one moment. ``gone``: those that are no more → the revision at which they went."""

    revision: int
    rows: Mapping[str, Shown]
    gone: Mapping[str, int]
    silent: tuple[str, ...]
    """Workers that did not answer."""
    at: float


@define(eq=False)
class _Peer:
    rows: dict[str, Shown] = field(factory=dict)
    asked: float = -_SILENT
    answered: float | None = None
    silent: bool = False


@define(eq=False)
class Board:
    """``boot`` tells this process's revisions from those of others."""

    here: Here
    boot: str = field(factory=lambda: os.urandom(4).hex())
    _revision: int = 0
    _rows: dict[str, Shown] = field(factory=dict)
    _gone: dict[str, int] = field(factory=dict)
    _peers: dict[str, _Peer] = field(factory=dict)
    _at: float = 0.0
    _lock: threading.Lock = field(factory=threading.Lock)

    def seen(self, ask: Ask) -> Seen:
        """All rows, looked at again where they are older than a second; other workers are asked together."""
        with self._lock:
            if time.monotonic() - self._at >= _FRESH or self._stale():
                self._ask_others(ask)
                self._look()
                self._at = time.monotonic()
            silent = tuple(worker for worker, peer in self._peers.items() if peer.silent)
            return Seen(self._revision, dict(self._rows), dict(self._gone), silent, time.time())

    def own(self) -> dict[str, Shown]:
        """The rows of the connectors that run here."""
        with self.here.state.changed:
            mine = list(self.here.state.assignment.workers.get(self.here.worker_id, ()))
        rows = {name: self._own(name, time.time()) for name in mine}
        return {name: row for name, row in rows.items() if row is not None}

    def _stale(self) -> bool:
        """Whether there are other connectors than were looked at, so that what was written is seen."""
        return self._rows.keys() != self.here.state.configs.keys()

    def _own(self, name: str, now: float) -> Shown | None:
        row = self.here.glances.row(name, self.here.runner().error_of(name), now)
        if row is None:
            return None
        spark = self.here.glances.spark(name) if row["answered"] else []
        return cast(Shown, {**row, "revision": 0, "spark": spark})

    def _ask_others(self, ask: Ask) -> None:
        others = self.here.peers.others()
        for worker in self._peers.keys() - set(others):
            del self._peers[worker]
        now = time.monotonic()
        due = []
        for worker in others:
            peer = self._peers.setdefault(worker, _Peer())
            if now - peer.asked >= (_SILENT if peer.silent else _PEERS_FRESH):
                peer.asked = now
                due.append(worker)
        answers = self.here.peers.all(OWN, ask, due) if due and not ask.forwarded else {}
        for worker in due:
            rows = answers.get(worker)
            peer = self._peers[worker]
            peer.silent = not isinstance(rows, dict)
            if isinstance(rows, dict):
                peer.rows, peer.answered = cast(dict[str, Shown], rows), time.time()

    def _look(self) -> None:
        now, state = time.time(), self.here.state
        with state.changed:
            names = list(state.configs)
        for name in names:
            row = self._told(name, now)
            if row is not None:
                self._put(name, row)
        for name in self._rows.keys() - set(names):
            del self._rows[name]
            self._revision += 1
            self._gone[name] = self._revision
        for name in list(self._gone)[:-_GONE]:
            del self._gone[name]

    def _told(self, name: str, now: float) -> Shown | None:
        """A row from its owner where that has answered, else what everybody knows, with the numbers of before."""
        row = self._own(name, now)
        if row is None or row["answered"]:
            return row
        peer = self._peers.get(row["worker"] or "")
        told = None if peer is None else peer.rows.get(name)
        if peer is None or told is None or not row.keys() <= told.keys():  # of another version, perhaps
            return row
        if not peer.silent:
            return told
        kept = {key: told[key] for key in _NUMBERS}
        return cast(Shown, {**row, **kept, "seen_at": told["seen_at"]})

    def _put(self, name: str, row: Shown) -> None:
        before = self._rows.get(name)
        if before is not None and _same(before, row):
            before["seen_at"] = row["seen_at"]
            return
        self._revision += 1
        self._gone.pop(name, None)
        self._rows[name] = cast(Shown, {**row, "revision": self._revision})


_NUMBERS: Final = (
    "running_since", "rate", "lag", "last_event_at", "last_commit_at", "replay_id", "delivered", "errors",
    "dead_letters", "protected_fields", "spark",
)  # fmt: skip


def _same(before: Shown, row: Shown) -> bool:
    return all(
        row[key] == before[key]  # type: ignore[literal-required]  # keys of a row
        for key in row
        if key not in (*_MOVES, "revision")
    )
