"""A worker's runner that moves only when it is told to, and the group as it sees it. For tests of its single steps."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from bridge.errors import BridgeError, ConfigurationError, Fatal, Fault, Fenced, Stage
from bridge.worker import records
from bridge.worker.plugins import View
from bridge.worker.runner import Runner
from bridge.worker.state import State
from tests.support.memory_worker import WORKER, MemoryLog

OTHER = "other:8083"


@define
class Running:
    """A connector that runs until somebody fences it."""

    error: BridgeError | None = None
    stopped: bool = False
    looked_at: int = 0
    ready: bool = True
    waiting: bool = False
    visible: bool = False

    def start(self) -> None:
        self.visible = True

    @property
    def numbers(self) -> Running:
        return self

    def show(self, visible: bool) -> None:
        self.visible = visible

    def stop(self) -> None:
        self.stopped = True

    def join(self, timeout: float | None = None) -> bool:
        return self.stopped or self.error is not None

    def unfinished(self) -> str | None:
        return None

    def view(self) -> View:
        self.looked_at += 1
        state = "FAILED" if self.error else "RUNNING" if self.ready else "UNASSIGNED"
        state = "RESTARTING" if self.waiting else state
        trace = self.error.message if self.error else None
        return View(state, state, trace, trace)

    def topics(self) -> tuple[str, ...]:
        return ()

    def fail(self) -> None:
        self.error = Fatal("there is no event Nope__e", stage=Stage.SUBSCRIBE)

    def fence(self) -> None:
        self.error = Fenced("committing: another process took this connector over", stage=Stage.PRODUCE)


@define(slots=False)
class Group:
    """The state of a group as this worker sees it, and its runner, which only moves when it is told to."""

    state: State = field(factory=State)
    started: list[Running] = field(factory=list)
    version: str = "1"
    refuses: str = ""

    def __attrs_post_init__(self) -> None:
        self.log = MemoryLog(self.state)
        self.runner = Runner(
            WORKER, self.state, self.log, lambda config: self.plugin, lambda name, request: {}
        )

    @property
    def plugin(self) -> Any:
        return self

    def run(self, name: str, given: Any, worker: str) -> Running:
        if name == self.refuses:
            raise ConfigurationError([Fault("kafka.topic", "is required")])
        self.started.append(Running())
        return self.started[-1]

    def configured(self, name: str) -> None:
        self.state.apply(records.CONNECTOR + name, records.encode({"properties": {"name": name}}))

    def assigned(self, epoch: int, **workers: list[str]) -> None:
        value = {"epoch": epoch, "leader": WORKER, "workers": {WORKER: [], OTHER: [], **workers}}
        self.state.apply(records.ASSIGNMENT, records.encode(value))

    def said(self, name: str, what: str, worker: str) -> None:
        self.state.apply(records.STATUS + name, records.status(what, None, worker, 1, ""))

    def wanted(self, name: str, target: str) -> None:
        self.state.apply(*records.target_state(name, target))

    def asked(self, name: str, what: str) -> None:
        """What an operator does with a connector, and what the worker makes of it."""
        if what.startswith("restart"):
            self.state.apply(*records.restart(name, True, what == "restart-failed"))
        else:
            self.wanted(name, {"pause": "PAUSED", "resume": "RUNNING", "stop": "STOPPED"}[what])
        for _ in range(4):
            self.runner.step()

    def shown(self, name: str) -> tuple[str, str | None, str | None]:
        """State of the connector and of its task, and why the task has failed."""
        task = self.state.tasks.get(name)
        state = self.state.connectors[name].state
        return (state, None, None) if task is None else (state, task.state, task.trace)

    def state_of(self, name: str) -> tuple[str, str]:
        status = self.state.connectors[name]
        return status.state, status.worker_id


def with_orders() -> Group:
    """A group that has the connector ``orders``."""
    group = Group()
    group.configured("orders")
    return group
