"""One connector in this process, and what its worker says of it in the status topic.

A word is said again when something else stands there: the last word of the worker of before may come late, and a
leader's tidying may meet a connector that was made anew. A worker that speaks of a later epoch knows better.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from attrs import define, evolve, field, frozen

from bridge.errors import BridgeError
from bridge.log import masked
from bridge.worker import records
from bridge.worker.plugins import Numbers, Plugin, Running, View
from bridge.worker.state import State, Status

NOBODY: Final = ""  # the worker of a connector that was let go
HELD: Final = ("RUNNING", "RESTARTING", "UNASSIGNED")
"""What a worker says of a connector that it has in hand."""


@frozen
class Failure:
    """Why a connector has ended by itself, and what was said of it then."""

    error: BridgeError
    view: View


@define(eq=False)
class Hosted:
    """One connector. ``said``: the view and the worker as they were written last, empty where nothing was."""

    name: str
    running: Running | None = None
    revision: int = -1
    restart: int = 0
    stopping: bool = False
    failed: Failure | None = None
    numbers: Numbers | None = None
    """Of what was begun here last, whether it runs or has failed."""
    said: tuple[View, str] | tuple[()] = ()
    generation: int = 0
    """Of what was written last."""
    wish: int = 0
    """To stop it, that was answered last."""
    gating: float | None = None
    begun: float = 0.0
    ended: float = 0.0  # when (monotonic) it was seen that it was fenced, until it is known whose it is
    fenced: list[float] = field(factory=list)  # when (monotonic), though it was ours
    altering: threading.Thread | None = None
    _shown: View | None = None  # as it was given, secrets not masked
    _disputed: tuple[Status | None, Status | None] | None = None

    def show(self, visible: bool) -> None:
        """Whether its numbers are shown to those who look at this process."""
        if self.numbers is not None:
            self.numbers.show(visible)

    def is_news(self, view: View, by: str, state: State) -> bool:
        """Whether that is another word than the last, or no longer what the topic says."""
        if not self.said or (self._shown, self.said[1]) != (view, by):
            return True
        return self._lost(view, by, state)

    def _lost(self, view: View, by: str, state: State) -> bool:
        status, task = state.connectors.get(self.name), state.tasks.get(self.name)
        stands = status is not None and (status.worker_id, status.state) == (by, view.connector)
        if stands and (None if task is None else task.state) == view.task:
            self._disputed = None
            return False
        latest = max((one.generation for one in (status, task) if one is not None), default=0)
        again = self._disputed is not None and self._disputed[0] is status and self._disputed[1] is task
        self._disputed = status, task
        return not again and latest <= state.assignment.epoch


@frozen
class Words:
    """What a worker says of its connectors, as records of the status topic."""

    worker_id: str
    state: State
    plugin_of: Callable[[dict[str, str]], Plugin | None]

    def say(self, hosted: Hosted, view: View) -> list[records.Record]:
        """A state, if it is news."""
        if not hosted.is_news(view, self.worker_id, self.state):
            return []
        return self._records(hosted, view, self.worker_id, self.state.assignment.epoch)

    def paused(self, hosted: Hosted) -> list[records.Record]:
        """A task that has failed stays so."""
        failure = None if hosted.failed is None else hosted.failed.view
        if failure is not None and failure.task == "FAILED":
            return self.say(hosted, View("PAUSED", "FAILED", None, failure.task_trace))
        return self.say(hosted, View("PAUSED", "PAUSED" if hosted.name in self.state.tasks else None))

    def stopped(self, hosted: Hosted) -> list[records.Record]:
        """Said once for each time that it was asked for: who moves a position waits for that."""
        wish = self.state.wishes.get(hosted.name, 0)
        if wish != hosted.wish:
            hosted.wish, hosted.said = wish, ()
        return self.say(hosted, View("STOPPED", None))

    def free(self, hosted: Hosted, generation: int) -> list[records.Record]:
        """That whoever it belongs to may begin: nothing of it is left here. ``generation``: of the last word before
        it, which is of an older epoch than whatever the new owner says; so this one does not talk over that."""
        view = View("UNASSIGNED", "UNASSIGNED" if hosted.name in self.state.tasks else None)
        return self._records(hosted, view, NOBODY, generation)

    def topics(self, hosted: Hosted, running: Running) -> list[records.Record]:
        """What was written to and is not known yet."""
        told = self.state.topics.get(hosted.name, {})
        fresh = [topic for topic in running.topics() if topic not in told]
        now = int(time.time() * 1000)
        return [
            (records.topic_key(topic, hosted.name), records.topic_value(topic, hosted.name, now))
            for topic in fresh
        ]

    def _records(self, hosted: Hosted, view: View, by: str, generation: int) -> list[records.Record]:
        hosted._shown = view
        view = evolve(view, trace=_told(view.trace), task_trace=_told(view.task_trace))
        hosted.said, hosted.generation = (view, by), generation
        plugin = self.plugin_of(self.state.configs.get(hosted.name, {}))
        version = plugin.version if plugin else ""
        value = records.status(view.connector, view.trace, by, generation, version)
        said: list[records.Record] = [(records.STATUS + hosted.name, value)]
        task = f"{records.TASK_STATUS}{hosted.name}-0"
        if view.task is not None:
            value = records.status(view.task, view.task_trace, by, generation, version, view.sealed)
            said.append((task, value))
        elif hosted.name in self.state.tasks:
            said.append((task, None))
        return said


def _told(trace: str | None) -> str | None:
    """A trace as it may leave the process: no secret, and nothing that a reference stands for."""
    return None if trace is None else masked(trace)
