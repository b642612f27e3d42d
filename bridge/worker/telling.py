"""Where lifecycle events come from: a worker's logs as they are written, or the connectors of a ``run``, looked at."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from attrs import define, field, frozen

from bridge.config import Config
from bridge.documents import Broken, read
from bridge.errors import BridgeError
from bridge.log import masked
from bridge.pipeline.connector import Connector
from bridge.worker import records, shapes
from bridge.worker.lifecycle import Change, lifecycle
from bridge.worker.logs import Log
from bridge.worker.plugins import seen
from bridge.worker.records import Record
from bridge.worker.state import State, Status

CREATED: Final = "CREATED"
DELETED: Final = "DELETED"
_TASK: Final = "-0"


@frozen
class ToldLog:
    """A log of which it is told what it changes, once it has been written. ``files``: connectors that an operator's
    files made, not somebody who asked this process for them.

    An append that failed may have been written all the same, and said again it is no change any more: whether it was is
    seen by the state, before the next one.
    """

    log: Log
    state: State
    tell: Callable[[Change], None]
    files: Container[str] = ()
    _doubtful: list[Change] = field(factory=list)

    def append(self, added: Sequence[Record]) -> None:
        with self.state.changed:
            written = [change for change in self._doubtful if self._is_so(change)]
            self._doubtful.clear()
            changes = [self._change(key, value) for key, value in added]
        for change in written:
            self.tell(change)
        try:
            self.log.append(added)
        except BridgeError:
            with self.state.changed:
                self._doubtful.extend(change for change in changes if change is not None)
            raise
        for one in changes:
            if one is not None:
                self.tell(one)

    def close(self) -> None:
        self.log.close()

    def _is_so(self, change: Change) -> bool:
        if change.state in (CREATED, DELETED):
            return (change.connector in self.state.configs) == (change.state == CREATED)
        said = (self.state.tasks if change.task else self.state.connectors).get(change.connector)
        return said is not None and (said.state, said.worker_id) == (change.state, change.worker_id)

    def _change(self, key: str, value: bytes | None) -> Change | None:
        name, state = key.removeprefix(records.CONNECTOR), self.state
        if key.startswith(records.STATUS):
            return self._status(key.removeprefix(records.STATUS), value, state.connectors)
        if key.startswith(records.TASK_STATUS) and key.endswith(_TASK):
            name = key.removeprefix(records.TASK_STATUS).removesuffix(_TASK)
            return self._status(name, value, state.tasks, task=True)
        if not key.startswith(records.CONNECTOR):
            return None
        if value is None and name in state.configs:
            was = state.connectors.get(name)
            return Change(name, DELETED, None if was is None else was.state)
        if value is not None and name not in state.configs and name not in self.files:
            return Change(name, CREATED)
        return None

    def _status(
        self, name: str, value: bytes | None, before: Mapping[str, Status], *, task: bool = False
    ) -> Change | None:
        """None for a word that says nothing new, or is the last one of a connector that is gone."""
        if value is None or name not in self.state.configs:
            return None
        try:
            said = read(value, shapes.Said)
        except Broken:  # whoever reads the log names it
            return None
        was = before.get(name)
        if was is not None and (was.state, was.worker_id, was.trace) == (
            said.state,
            said.worker_id,
            said.trace,
        ):
            return None
        previous = None if was is None else was.state
        return Change(name, said.state, previous, said.trace, said.worker_id, said.generation, task)


@define
class Looked:
    """Connectors that nobody keeps a state of: each ``look`` tells what is another than at the one before."""

    connectors: Sequence[Connector]
    worker_id: str
    tell: Callable[[Change], None]
    _before: dict[str, tuple[str, str | None]] = field(factory=dict)

    def look(self) -> None:
        for connector in self.connectors:
            name, now = connector.name, seen(connector)
            was = self._before.get(name)
            if now == was:
                continue
            self._before[name] = now
            previous, (state, reason) = None if was is None else was[0], now
            reason = None if reason is None else masked(reason)
            for task in (False, True):
                self.tell(Change(name, state, previous, reason, self.worker_id, task=task))


@contextmanager
def told(config: Config, connectors: Sequence[Connector]) -> Iterator[Callable[[], None]]:
    """What to call from time to time, so that it is told what becomes of the connectors of a ``run``; once more at the
    end. It does nothing where the worker's configuration names no topic."""
    worker_id = f"{socket.gethostname()}:{os.getpid()}"
    telling = lifecycle(config, worker_id)
    if telling is None:
        yield lambda: None
        return
    looked = Looked(connectors, worker_id, telling.tell)
    try:
        yield looked.look
        looked.look()
    finally:
        telling.close()
