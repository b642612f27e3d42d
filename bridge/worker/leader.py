"""The leader's work: assign every connector to one living worker, and write what the others ask for.

Everything is written under the leaders' one transactional id: whoever becomes the leader fences the one before,
so a leader that slept can write nothing when it wakes.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from attrs import define, field

from bridge.errors import BridgeError, Fatal, Fenced, Retriable
from bridge.log import Seldom, for_connector
from bridge.worker import records
from bridge.worker.assignment import assigned
from bridge.worker.balance import moves
from bridge.worker.logs import Log
from bridge.worker.membership import Membership
from bridge.worker.records import Record
from bridge.worker.refusals import CONFLICT, NotLeader, Refused
from bridge.worker.state import Changes, State

EVERY: Final = 0.2
AFTER_FENCED: Final = 3.0  # seconds; by then a worker that slept knows that it is no longer the owner


@define(eq=False)
class Leader:
    """``open_log`` fences the leader of before and returns what this one writes with."""

    worker_id: str
    state: State
    membership: Membership
    open_log: Callable[[], Log]
    status_log: Log
    on_fatal: Callable[[BridgeError], None] = lambda error: None
    on_lead: Callable[[], None] = lambda: None
    _log: Log | None = None
    _ready: bool = False
    _not_before: float = 0.0
    _lock: threading.RLock = field(factory=threading.RLock)
    _stop: threading.Event = field(factory=threading.Event)
    _thread: threading.Thread | None = None
    _changes: Changes = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._changes = self.state.changes()

    def start(self) -> None:
        """Begin to look whether there is something to do."""
        self._thread = threading.Thread(target=self._loop, name="leader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """A leader that goes hands its connectors to the others first."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(30)
        try:
            self.tend()
        except (BridgeError, Refused) as error:
            for_connector("").warning("leaving without handing over: %s", error)

    def leads(self) -> bool:
        """Whether this worker may write now."""
        return self._ready and self.membership.leads()

    def write(self, added: Sequence[Record]) -> None:
        """Write to the config topic; returns when it was read back. Raises NotLeader, Refused, BridgeError."""
        with self._lock:
            if not self.leads() or self._log is None:
                raise NotLeader(self.state.assignment.leader)
            try:
                self._log.append(added)
            except Fenced as error:
                self._resign(error)
                raise NotLeader("") from error
            except BridgeError as error:
                self._drop()
                if isinstance(error, Retriable):
                    raise Refused(409, CONFLICT) from error
                raise

    def tend(self) -> None:
        """One look: lead if the group says so, and assign what has no living worker."""
        with self._lock:
            if not self.membership.leads():
                self._drop()
                self._changes.again()
                return
            if self._log is None:
                if time.monotonic() < self._not_before:
                    return
                self._log = self.open_log()
                self._ready = True
                self.on_lead()
            if self.state.sign_in_key is None:
                self.write([records.sign_in_key(os.urandom(32))])
            touched = self._changes.take()
            try:
                self._assign(touched)
                self._tidy(touched)
            except BaseException:
                self._changes.again()
                raise

    def _assign(self, touched: set[str] | None) -> None:
        living = self.membership.workers()
        if not living:  # nobody could say who lives
            self._changes.again()
            return
        living |= {self.worker_id}
        with self.state.changed:
            now = self.state.assignment
            workers = living - self.state.leaving or living
            moved = moves(now, workers, self.state.configs, touched)
            if now.leader == self.worker_id and not moved and now.workers.keys() == workers:
                return
            added = assigned(now, self.worker_id, workers, moved)
        self.write(added)

    def _tidy(self, touched: set[str] | None) -> None:
        """What was said of connectors that are gone, and of sign-ins that are over anyway."""
        state = self.state
        with state.changed:
            if touched is None:
                touched = {*state.connectors, *state.tasks, *state.topics, *state.outcomes, *state.positions}
            gone = [name for name in touched if name not in state.configs]
            over = [one for one, until in state.signed_out.items() if until < time.time()]
            said: list[Record] = [(records.SIGNED_OUT + one, None) for one in over]
            for name in gone:
                topics = [records.topic_key(topic, name) for topic in state.topics.get(name, ())]
                keys = [records.STATUS + name] if name in state.connectors else []
                keys += [f"{records.TASK_STATUS}{name}-0"] if name in state.tasks else []
                keys += [records.POSITION + name] if name in state.positions else []
                keys += [*topics, *([records.OUTCOME + name] if name in state.outcomes else [])]
                said += [(key, None) for key in keys]
        if said:
            self.status_log.append(said)

    def _drop(self) -> None:
        """Write nothing more; whoever leads next, this worker too, begins anew."""
        with self._lock:
            if self._log is not None:
                self._log.close()
            self._log, self._ready = None, False
            self._changes.again()

    def _resign(self, error: BridgeError) -> None:
        self._drop()
        for_connector("").error(
            "another worker leads the group now: this one writes nothing more (%s)", error
        )
        self._not_before = time.monotonic() + AFTER_FENCED

    def _loop(self) -> None:
        seldom = Seldom()
        while not self._stop.is_set():
            try:
                self.tend()
            except Refused as refused:
                for_connector("").info("%s", refused.message)
            except BridgeError as error:
                self._drop()
                for_connector("").warning("the leader's work: %s", error.message)
                if isinstance(error, Fatal) and not isinstance(error, Fenced):
                    self.on_fatal(error)
            except Exception as error:
                if seldom.due(repr(error)) is not None:
                    for_connector("").exception("unexpected error: this is a fault of the bridge")
            with self.state.changed:
                self.state.changed.wait(EVERY)
