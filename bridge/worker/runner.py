"""The connectors of this worker: what is assigned to it is made what it is wanted to be, and said so.

One thread, one step for each connector of which something has changed; no step waits for a connector, so a
bad one never hurts its neighbours.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from attrs import define, field

from bridge.errors import BridgeError, Fatal, Fenced, Stage
from bridge.log import Seldom, for_connector
from bridge.waits import HANDOVER
from bridge.worker import records
from bridge.worker.catching_up import CatchingUp
from bridge.worker.hosted import HELD, NOBODY, Failure, Hosted, Words
from bridge.worker.logs import Log
from bridge.worker.plugins import Plugin, View
from bridge.worker.state import Changes, State

# A worker that is on its way to let go may fence the new owner: that one starts again, but two that fence each
# other (another group with the same names) must not go on for ever.
FENCED_PAUSE: Final = 3.0
FENCED_AT_MOST: Final = 3
FENCED_WITHIN: Final = 600.0
EVERY: Final = 0.1
AT_LEAST: Final = 20  # connectors that a step looks at …
ROUND: Final = 10  # … or all of them in so many steps
SILENT_START: Final = 2.0  # seconds that a new connector has to run, before it is said that it does not yet


@define(eq=False)
class Runner:
    """``worker_id`` is how this process is called in assignments and in what it says."""

    worker_id: str
    state: State
    status_log: Log
    plugin_of: Callable[[dict[str, str]], Plugin | None]
    alter: Callable[[str, dict[str, object]], dict[str, object]]
    catch_up: Callable[[], None] = lambda: None
    places: Callable[[str, bool], list[records.Record]] = lambda name, running: []
    """What is news of where a connector stands, by its name and whether it runs."""
    again_after_fenced: bool = True
    """Whether this process is told what it is to run, and so may fence whoever fenced it."""
    starts: int = 0
    failed_starts: int = 0
    _hosted: dict[str, Hosted] = field(factory=dict)
    _stop: threading.Event = field(factory=threading.Event)
    _seen_restarts: dict[str, int] = field(factory=dict)
    _thread: threading.Thread | None = None
    _words: Words = field(init=False)
    _changes: Changes = field(init=False)
    _restless: set[str] = field(factory=set)
    _round: list[str] = field(factory=list)
    _round_at: float = 0.0
    _catching_up: CatchingUp = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._catching_up = CatchingUp(self.catch_up)
        self._words = Words(self.worker_id, self.state, self.plugin_of)
        self._changes = self.state.changes()

    def start(self) -> None:
        """Begin; wishes to restart that were written before are old. Raises BridgeError, and may be called again."""
        self._take_back()
        self._seen_restarts = {name: told[0] for name, told in self.state.restarts.items()}
        self._thread = threading.Thread(target=self._loop, name="runner", daemon=True)
        self._thread.start()

    def _take_back(self) -> None:
        """What a process that was killed said of itself: a new owner would wait for it to let go."""
        with self.state.changed:
            stale = [
                (name, said.generation)
                for name, said in self.state.connectors.items()
                if said.worker_id == self.worker_id and said.state in HELD
            ]
        said = [one for name, generation in stale for one in self._words.free(Hosted(name), generation)]
        if said:
            self.status_log.append(said)

    def stop(self, seconds: float = 60.0) -> None:
        """Stop all connectors, let them drain for ``seconds``, say that they are free."""
        self._stop.set()
        until = time.monotonic() + seconds
        for hosted in list(self._hosted.values()):
            if hosted.running is not None:
                hosted.running.stop()
        if self._thread is not None:
            self._thread.join(min(10.0, seconds / 2))
        every = list(self._hosted.values())  # with Kafka away, the thread may be at work still
        for hosted in every:
            if hosted.running is not None:
                hosted.running.stop()  # once more for what began meanwhile
        for hosted in every:
            if hosted.running is not None and hosted.running.join(max(0.0, until - time.monotonic())):
                hosted.show(False)
        said = [
            one
            for hosted in every
            if hosted.running is not None and hosted.said and not isinstance(hosted.running.error, Fenced)
            for one in self._words.free(hosted, hosted.generation) + self.places(hosted.name, False)
        ]
        if said:
            self.status_log.append(said)

    def error_of(self, name: str) -> BridgeError | None:
        """Why a connector of this worker has failed, if it has."""
        hosted = self._hosted.get(name)
        return None if hosted is None or hosted.failed is None else hosted.failed.error

    def unfinished(self) -> list[tuple[str, str]]:
        """What a stop could not commit, in words, by connector."""
        running = [(hosted.name, hosted.running) for hosted in list(self._hosted.values())]
        texts = [(name, one.unfinished()) for name, one in running if one is not None]
        return [(name, text) for name, text in texts if text is not None]

    def _loop(self) -> None:
        seldom = Seldom()
        while not self._stop.is_set():
            try:
                self.step()
            except BridgeError as error:
                for_connector("").warning("the state of connectors cannot be written: %s", error.message)
            except Exception as error:  # a bug must not end the worker's other connectors
                if seldom.due(repr(error)) is not None:
                    for_connector("").exception("unexpected error: this is a fault of the bridge")
            with self.state.changed:
                self.state.changed.wait(EVERY)

    def step(self) -> None:
        """One look at what has changed, at what is on its way, and in turn at what runs."""
        said: list[records.Record] = []
        for name, mine in self._due():
            hosted = self._hosted.setdefault(name, Hosted(name))
            ran = hosted.running is not None
            try:
                said += self._tend(hosted) if mine else self._let_go(hosted)
            except BridgeError:
                self._changes.again()
                raise
            except Exception as error:
                said += self._broke(hosted, error)
            if ran or hosted.running is not None:
                news = self.places(name, hosted.running is not None)
                said += news if name in self.state.configs else []
            if name in self._hosted and not self._is_settled(hosted):
                self._restless.add(name)
            else:
                self._restless.discard(name)
        if not said:
            return
        try:
            self.status_log.append(said)
        except BridgeError:
            for hosted in self._hosted.values():
                hosted.said = ()  # to be said again
            self._changes.again()
            raise

    def _due(self) -> list[tuple[str, bool]]:
        """Whom to look at now, and whether each is this worker's."""
        with self.state.changed:
            changed = self._changes.take()
            assignment, configs = self.state.assignment, self.state.configs
            if changed is None:
                changed = {*self._hosted, *assignment.workers.get(self.worker_id, ())}
            names = dict.fromkeys([*self._next_round(), *self._restless, *changed])
            due = [(name, name in configs and assignment.owner(name) == self.worker_id) for name in names]
        return [(name, mine) for name, mine in due if mine or name in self._hosted]

    def _next_round(self) -> list[str]:
        """Some of those that run, so that each has its turn about once a second."""
        if len(self._hosted) <= AT_LEAST:
            return list(self._hosted)
        now = time.monotonic()
        if now - self._round_at < EVERY:
            return []
        self._round_at = now
        if not self._round:
            self._round = list(self._hosted)
        count = max(AT_LEAST, len(self._hosted) // ROUND)
        turn, self._round = self._round[-count:], self._round[:-count]
        return turn

    def _is_settled(self, hosted: Hosted) -> bool:
        """Whether nothing is under way."""
        if hosted.stopping or not hosted.said or self.state.pending(hosted.name) is not None:
            return False
        if hosted.running is not None:
            return hosted.said[0].connector != "UNASSIGNED"
        return hosted.failed is not None or self.state.target_of(hosted.name) != "RUNNING"

    def _let_go(self, hosted: Hosted) -> list[records.Record]:
        """No longer ours: stop; say so when it has ended."""
        running, owner = hosted.running, self.state.assignment.owner(hosted.name)
        if running is not None:
            if not hosted.stopping and hosted.name not in self.state.configs:
                for_connector(hosted.name).info("it was deleted: stopping it")
            elif not hosted.stopping and owner is not None:
                for_connector(hosted.name).info("it belongs to %s now: stopping it here", owner)
            if not self._ended(hosted):
                return []
            if isinstance(running.error, Fenced):
                for_connector(hosted.name).warning("%s", running.error.message)
        hosted.show(False)
        del self._hosted[hosted.name]
        if hosted.name not in self.state.configs:
            self._seen_restarts.pop(hosted.name, None)
            return []
        status = self.state.connectors.get(hosted.name)
        held = status is not None and status.worker_id == self.worker_id and status.state in HELD
        return self._words.free(hosted, hosted.generation) if held and hosted.said else []

    def _tend(self, hosted: Hosted) -> list[records.Record]:
        if hosted.running is not None and hosted.running.error is not None and not hosted.stopping:
            return self._watch(hosted)  # it had failed before anything else was asked of it
        name, state = hosted.name, self.state
        target, pending = state.target_of(name), state.pending(name)
        wish = state.restarts.get(name, (0, False, False))
        again = wish[0] > self._seen_restarts.get(name, 0)
        if again and wish[2] and hosted.failed is None:
            again, self._seen_restarts[name] = False, wish[0]
        changed = hosted.revision not in (-1, state.revisions.get(name, -1))
        if hosted.running is not None:
            if target != "RUNNING" or pending is not None or changed or again or hosted.stopping:
                if not self._ended(hosted):
                    return []
                return self._said_restarting(hosted) if again or changed else []
            return self._watch(hosted)
        self._seen_restarts[name] = wish[0]
        if changed or again:
            hosted.failed, hosted.revision = None, -1
        taken_over = bool(hosted.said)
        if (pending is not None or target != "RUNNING") and not taken_over and self._held_by_another(hosted):
            return []
        if pending is not None:
            self._alter(hosted, pending)
            return []
        if target == "STOPPED":
            hosted.failed, hosted.revision = None, -1
            hosted.show(False)
            return self._words.stopped(hosted)
        if target == "PAUSED":
            hosted.show(False)
            return self._words.paused(hosted)
        if hosted.failed is not None:  # to be resumed is not to be restarted, as in Kafka Connect
            hosted.show(True)
            return self._words.say(hosted, hosted.failed.view)
        return self._begin(hosted)

    def _ended(self, hosted: Hosted) -> bool:
        """Ask to stop, once; whether it has."""
        assert hosted.running is not None
        if not hosted.stopping:
            hosted.stopping = True
            hosted.running.stop()
        if not hosted.running.join(0):
            return False
        hosted.running, hosted.stopping = None, False
        hosted.show(False)
        return True

    def _said_restarting(self, hosted: Hosted) -> list[records.Record]:
        hosted.revision = -1
        hosted.failed = None
        return []

    def _begin(self, hosted: Hosted) -> list[records.Record]:
        name = hosted.name
        if self._stop.is_set() or self._held_by_another(hosted) or self._was_fenced_just_now(hosted):
            return []
        config = self.state.configs.get(name)
        if config is None:
            return []
        hosted.revision = self.state.revisions.get(name, -1)
        hosted.begun, hosted.ended = time.monotonic(), 0.0
        plugin = self.plugin_of(config)
        self.starts += 1
        hosted.show(False)
        try:
            if plugin is None:
                raise Fatal(
                    f"there is no connector {config.get('connector.class')}", stage=Stage.CONFIGURATION
                )
            hosted.running = plugin.run(name, config, self.worker_id)
            hosted.numbers = hosted.running.numbers
            hosted.running.start()
        except BridgeError as error:
            self.failed_starts += 1
            return self._fail(hosted, error, View("FAILED", None, error.message))
        return self._watch(hosted)

    def _broke(self, hosted: Hosted, error: Exception) -> list[records.Record]:
        """A fault of the bridge about one connector ends that one, not the others."""
        for_connector(hosted.name).error("unexpected error: this is a fault of the bridge", exc_info=error)
        if hosted.running is not None:
            hosted.running.stop()
        hosted.revision = self.state.revisions.get(hosted.name, -1)
        failure = Fatal(f"unexpected {type(error).__name__}: {error}", stage=Stage.CONFIGURATION)
        return self._fail(hosted, failure, View("FAILED", None, failure.message))

    def _fail(self, hosted: Hosted, error: BridgeError, view: View) -> list[records.Record]:
        for_connector(hosted.name).error("%s", error.message)
        hosted.failed, hosted.running = Failure(error, view), None
        return self._words.say(hosted, view)

    def _held_by_another(self, hosted: Hosted) -> bool:
        """Give the old owner time to drain; one that is gone, or does not let go, is fenced."""
        status = self.state.connectors.get(hosted.name)
        if (
            status is None
            or status.worker_id in (NOBODY, self.worker_id)
            or status.worker_id not in self.state.assignment.workers
            or status.state not in HELD
        ):
            hosted.gating = None
            return False
        hosted.gating = hosted.gating or time.monotonic()
        return time.monotonic() - hosted.gating < HANDOVER.longest

    def _watch(self, hosted: Hosted) -> list[records.Record]:
        assert hosted.running is not None
        view = hosted.running.view()
        if hosted.running.join(0) and hosted.running.error is not None:
            return self._failed(hosted, view)
        fresh = not hosted.said and hosted.name not in self.state.connectors
        if fresh and view.connector == "UNASSIGNED" and time.monotonic() - hosted.begun < SILENT_START:
            return []
        return [*self._words.say(hosted, view), *self._words.topics(hosted, hosted.running)]

    def _failed(self, hosted: Hosted, view: View) -> list[records.Record]:
        assert hosted.running is not None
        error = hosted.running.error
        if isinstance(error, Fenced):
            hosted.ended = hosted.ended or time.monotonic()
            if not self._catching_up.has_read(hosted.ended):
                return []
            hosted.ended = 0.0
            if self.state.assignment.owner(hosted.name) != self.worker_id:
                for_connector(hosted.name).error(
                    "%s; it belongs to %s now", error.message, self.state.assignment.owner(hosted.name)
                )
                hosted.show(False)
                self._hosted.pop(hosted.name, None)
                return []
            if self.again_after_fenced and self._may_start_again(hosted):
                for_connector(hosted.name).warning(
                    "%s; but this worker is the one that is to run it: it starts again", error.message
                )
                hosted.running, hosted.revision = None, -1
                return self._words.say(hosted, View("RESTARTING", "RESTARTING"))
        assert error is not None
        return self._fail(hosted, error, view)

    def _may_start_again(self, hosted: Hosted) -> bool:
        """After it was fenced although it is ours."""
        now = time.monotonic()
        hosted.fenced = [*(at for at in hosted.fenced if now - at < FENCED_WITHIN), now]
        return len(hosted.fenced) <= FENCED_AT_MOST

    def _was_fenced_just_now(self, hosted: Hosted) -> bool:
        return bool(hosted.fenced) and time.monotonic() - hosted.fenced[-1] < FENCED_PAUSE

    def _alter(self, hosted: Hosted, request: dict[str, object]) -> None:
        if hosted.altering is not None and hosted.altering.is_alive():
            return

        def work() -> None:
            outcome = self.alter(hosted.name, request)
            try:
                self.status_log.append([(records.OUTCOME + hosted.name, records.encode(outcome))])
            except BridgeError as error:  # it is still pending, and done again
                for_connector(hosted.name).warning("the outcome cannot be written: %s", error.message)

        hosted.altering = threading.Thread(target=work, name=f"{hosted.name}-offsets", daemon=True)
        hosted.altering.start()
