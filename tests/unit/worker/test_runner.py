"""What a worker does with its connectors, step by step: when it begins, waits for another to let go, starts again."""

from typing import Any

import pytest
from attrs import define, field

from bridge.errors import BridgeError, ConfigurationError, Fault, Fenced, Stage
from bridge.worker import records, runner
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

    def start(self) -> None:
        pass

    def stop(self) -> None:
        self.stopped = True

    def join(self, timeout: float | None = None) -> bool:
        return self.stopped or self.error is not None

    def unfinished(self) -> str | None:
        return None

    def view(self) -> View:
        state = "FAILED" if self.error else "RUNNING"
        return View(state, state, self.error.message if self.error else None)

    def topics(self) -> tuple[str, ...]:
        return ()

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
        log = MemoryLog(self.state)
        self.runner = Runner(WORKER, self.state, log, lambda config: self.plugin, lambda name, request: {})

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

    def state_of(self, name: str) -> tuple[str, str]:
        status = self.state.connectors[name]
        return status.state, status.worker_id


@pytest.fixture
def group() -> Group:
    group = Group()
    group.configured("orders")
    return group


def test_what_a_killed_process_of_the_same_worker_said_is_taken_back(group: Group) -> None:
    for name, what, worker in (
        ("mine", "RUNNING", WORKER),
        ("mine-paused", "PAUSED", WORKER),
        ("another's", "RUNNING", OTHER),
    ):
        group.configured(name)
        group.said(name, what, worker)
    group.assigned(1)
    group.runner.start()
    group.runner.stop()
    assert group.state_of("mine") == ("UNASSIGNED", runner.NOBODY)
    assert group.state_of("mine-paused") == ("PAUSED", WORKER)
    assert group.state_of("another's") == ("RUNNING", OTHER)


@pytest.mark.parametrize("state", ["RUNNING", "RESTARTING", "UNASSIGNED"])
def test_it_begins_when_the_worker_of_before_has_let_go(group: Group, state: str) -> None:
    group.said("orders", state, OTHER)
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    assert not group.started
    group.said("orders", "UNASSIGNED", runner.NOBODY)
    group.runner.step()
    assert len(group.started) == 1
    assert group.state_of("orders") == ("RUNNING", WORKER)


def test_it_waits_for_no_worker_that_is_gone(group: Group) -> None:
    group.said("orders", "RUNNING", "gone:8083")
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    assert len(group.started) == 1


def test_what_goes_to_another_worker_is_let_go_once_it_has_ended(group: Group) -> None:
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    group.assigned(2, **{OTHER: ["orders"]})
    group.runner.step()
    assert group.started[0].stopped
    assert group.state_of("orders") == ("UNASSIGNED", runner.NOBODY)


def test_who_was_fenced_and_is_no_longer_to_run_it_stays_silent(group: Group) -> None:
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    group.started[0].fence()
    group.assigned(2, **{OTHER: ["orders"]})
    group.said("orders", "RUNNING", OTHER)
    group.runner.step()
    group.runner.step()
    assert len(group.started) == 1
    assert group.state_of("orders") == ("RUNNING", OTHER)


def test_who_was_fenced_and_is_to_run_it_starts_again_a_few_times(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "FENCED_PAUSE", 0)
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    for times in range(1, runner.FENCED_AT_MOST + 1):
        group.started[-1].fence()
        group.runner.step()
        assert group.state_of("orders") == ("RESTARTING", WORKER)
        group.runner.step()
        assert len(group.started) == times + 1
        assert group.state_of("orders") == ("RUNNING", WORKER)
    group.started[-1].fence()
    for _ in range(3):
        group.runner.step()
    assert group.state_of("orders") == ("FAILED", WORKER)
    assert len(group.started) == runner.FENCED_AT_MOST + 1


def test_it_gives_the_one_that_fenced_it_time_to_learn(group: Group) -> None:
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    group.started[-1].fence()
    for _ in range(3):
        group.runner.step()
    assert len(group.started) == 1
    assert group.state_of("orders") == ("RESTARTING", WORKER)


def test_starts_are_counted_and_a_configuration_that_fails_among_them(group: Group) -> None:
    group.configured("nonsense")
    group.assigned(1, **{WORKER: ["nonsense", "orders"]})
    group.refuses = "nonsense"
    group.runner.step()
    assert (group.runner.starts, group.runner.failed_starts) == (2, 1)
    assert group.state_of("nonsense") == ("FAILED", WORKER)
    assert group.state_of("orders") == ("RUNNING", WORKER)
