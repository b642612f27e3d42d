"""What a worker does with its connectors, step by step: when it begins, waits for another to let go, starts again."""

import threading
import time
from typing import Any

import pytest

from bridge.errors import Retriable, Stage
from bridge.worker import catching_up, records, runner
from bridge.worker.hosted import NOBODY
from bridge.worker.runner import Runner
from bridge.worker.state import State
from tests.support.bridge_run import wait_until
from tests.support.memory_worker import WORKER, MemoryLog
from tests.support.stepped import OTHER, Group, Running, with_orders


@pytest.fixture
def group() -> Group:
    return with_orders()


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
    assert group.state_of("mine") == ("UNASSIGNED", NOBODY)
    assert group.state_of("mine-paused") == ("PAUSED", WORKER)
    assert group.state_of("another's") == ("RUNNING", OTHER)


@pytest.mark.parametrize("state", ["RUNNING", "RESTARTING", "UNASSIGNED"])
def test_it_begins_when_the_worker_of_before_has_let_go(group: Group, state: str) -> None:
    group.said("orders", state, OTHER)
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    assert not group.started
    group.said("orders", "UNASSIGNED", NOBODY)
    group.runner.step()
    assert len(group.started) == 1
    assert group.state_of("orders") == ("RUNNING", WORKER)


@pytest.mark.parametrize("target", ["STOPPED", "PAUSED"])
def test_it_says_nothing_of_what_the_worker_of_before_has_not_let_go(group: Group, target: str) -> None:
    group.said("orders", "RUNNING", OTHER)
    group.wanted("orders", target)
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    assert group.state_of("orders") == ("RUNNING", OTHER)
    assert not group.state.is_at_rest("orders")
    group.said("orders", "UNASSIGNED", NOBODY)
    group.runner.step()
    assert group.state_of("orders") == (target, WORKER)
    assert group.state.is_at_rest("orders") == (target == "STOPPED")


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
    assert group.state_of("orders") == ("UNASSIGNED", NOBODY)


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


@pytest.mark.parametrize("target", ["STOPPED", "PAUSED", "RUNNING"])
def test_a_word_of_the_worker_of_before_that_comes_late_changes_nothing(group: Group, target: str) -> None:
    """A second worker joins: the old owner frees the connector when the new one has spoken already."""
    group.wanted("orders", target)
    group.assigned(1, **{OTHER: ["orders"]})
    old = Runner(OTHER, group.state, MemoryLog(State()), group.runner.plugin_of, group.runner.alter)
    written = MemoryLog(group.state)
    old.status_log = written
    old.step()
    late = MemoryLog(State())
    old.status_log = late
    group.assigned(2, **{WORKER: ["orders"]})
    old.step()
    if target == "RUNNING":  # the new owner does not wait for ever
        group.runner._hosted.clear()
        group.said("orders", "UNASSIGNED", NOBODY)
    group.runner.step()
    assert group.state_of("orders") == (target, WORKER)
    for key, value in late.records:
        group.state.apply(key, value)
    assert group.state_of("orders") == (target, WORKER)
    assert (group.state.tasks.get("orders") is not None) == (target == "RUNNING")


@pytest.mark.parametrize("worker", [NOBODY, OTHER])
def test_an_owner_repeats_itself_when_it_reads_otherwise(group: Group, worker: str) -> None:
    group.wanted("orders", "STOPPED")
    group.assigned(2, **{WORKER: ["orders"]})
    group.runner.step()
    for _ in range(3):
        value = records.status("UNASSIGNED", None, worker, 2, "")
        group.state.apply(records.STATUS + "orders", value)
        group.state.apply(f"{records.TASK_STATUS}orders-0", value)
        group.runner.step()
        assert group.state_of("orders") == ("STOPPED", WORKER)
        assert "orders" not in group.state.tasks
    group.state.apply(records.STATUS + "orders", None)
    group.runner.step()
    assert group.state_of("orders") == ("STOPPED", WORKER)


def test_whoever_speaks_of_a_later_epoch_is_not_contradicted(group: Group) -> None:
    group.assigned(2, **{WORKER: ["orders"]})
    group.runner.step()
    group.state.apply(records.STATUS + "orders", records.status("RUNNING", None, OTHER, 3, ""))
    said = len(group.log.records)
    group.runner.step()
    assert group.state_of("orders") == ("RUNNING", OTHER)
    assert len(group.log.records) == said


def test_a_word_that_nobody_takes_in_is_not_repeated_for_ever(group: Group) -> None:
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    group.runner.status_log = deaf = MemoryLog(State())
    group.said("orders", "UNASSIGNED", NOBODY)
    for _ in range(5):
        group.runner.step()
    assert len(deaf.records) == 2


def test_one_more_connector_is_two_records_and_one_look(group: Group) -> None:
    names = [f"c{index}" for index in range(1000)]
    for name in names:
        group.configured(name)
    group.assigned(1, **{WORKER: names})
    group.runner.step()
    group.runner.step()
    assert len(group.started) == 1000
    said = len(group.log.records)
    looked_at = sum(one.looked_at for one in group.started)
    group.configured("one-more")
    group.assigned(2, **{WORKER: [*names, "one-more"]})
    group.runner.step()
    assert len(group.log.records) - said == 2
    assert sum(one.looked_at for one in group.started) - looked_at <= 1000 // runner.ROUND + 1


def test_each_of_many_has_its_turn(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "EVERY", 0)
    names = [f"c{index}" for index in range(700)]
    for name in names:
        group.configured(name)
    group.assigned(1, **{WORKER: names})
    for _ in range(3):
        group.runner.step()
    group.started[13].fence()
    for _ in range(runner.ROUND + 1):
        group.runner.step()
    assert sum(one.state == "RESTARTING" for one in group.state.connectors.values()) == 1


def test_a_new_connector_is_spoken_of_when_it_runs_or_takes_long(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    group.assigned(1, **{WORKER: ["orders"]})
    monkeypatch.setattr(Running, "__init__", _slowly(Running.__init__))
    group.runner.step()
    assert not group.log.records
    group.started[0].ready = True
    group.runner.step()
    assert [key for key, _ in group.log.records] == ["status-connector-orders", "status-task-orders-0"]
    monkeypatch.setattr(runner, "SILENT_START", 0)
    group.configured("late")
    group.assigned(2, **{WORKER: ["orders", "late"]})
    group.runner.step()
    assert group.state_of("late") == ("UNASSIGNED", WORKER)


def _slowly(init: Any) -> Any:
    def slow(self: Running) -> None:
        init(self, ready=False)

    return slow


def test_nothing_is_kept_of_a_connector_that_is_gone(group: Group) -> None:
    for count in range(3):
        name = f"short-{count}"
        group.configured(name)
        group.state.apply(*records.restart(name, True, False))
        group.assigned(2 * count + 1, **{WORKER: [name]})
        group.runner.step()
        group.state.apply(records.CONNECTOR + name, None)
        group.assigned(2 * count + 2)
        group.runner.step()
        group.runner.step()
    assert not group.runner._hosted
    assert not group.runner._seen_restarts
    assert not group.runner._restless
    assert group.state.revisions.keys() == {"orders"}


def until_restarting(group: Group, *names: str) -> None:
    def are() -> bool:
        group.runner.step()
        return all(group.state_of(name)[0] == "RESTARTING" for name in names)

    wait_until(are, 30)


def test_a_topic_that_is_slow_to_tell_who_is_to_run_what_was_fenced_holds_up_no_other(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "MOMENT", 0.05)
    monkeypatch.setattr(runner, "FENCED_PAUSE", 3600)
    asked, there, times = threading.Event(), threading.Event(), list[float]()

    def catch_up() -> None:
        times.append(time.monotonic())
        asked.set()
        assert there.wait(60)

    group.runner._catching_up = catching_up.CatchingUp(catch_up)
    names = ["orders", "returns", "invoices"]
    for name in names:
        group.configured(name)
    group.assigned(1, **{WORKER: names})
    group.runner.step()
    for name in names[:2]:
        running = group.runner._hosted[name].running
        assert isinstance(running, Running)
        running.fence()
    group.runner.step()
    assert asked.is_set()
    group.asked("invoices", "stop")
    assert group.state_of("invoices") == ("STOPPED", WORKER)
    assert group.state_of("orders") == ("RUNNING", WORKER), "nothing is said before it is known"
    there.set()
    until_restarting(group, "orders", "returns")
    assert len(times) <= 2, "one question for all that were fenced meanwhile"


def test_what_cannot_be_told_yet_is_asked_again(group: Group, caplog: pytest.LogCaptureFixture) -> None:
    answers = iter([False, True])

    def catch_up() -> None:
        if not next(answers):
            raise Retriable("the config topic was not read to its end in time", stage=Stage.POSITION)

    group.runner._catching_up = catching_up.CatchingUp(catch_up)
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    group.started[0].fence()
    until_restarting(group, "orders")
    assert "cannot be told yet: the config topic was not read to its end in time" in caplog.text


def test_a_stop_meets_a_step_that_is_still_under_way(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Kafka away the runner's thread may last longer than it is waited for."""
    for name in ("orders", "returns"):
        group.configured(name)
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()

    steps = iter([lambda: group.assigned(2, **{WORKER: ["orders", "returns"]}), group.runner.step])

    def join(running: Running, timeout: float | None = None) -> bool:
        for step in steps:
            step()
        return True

    monkeypatch.setattr(Running, "join", join)
    group.runner.stop(1)
    assert len(group.started) == 1, "nothing begins any more"
    assert group.state_of("orders") == ("UNASSIGNED", NOBODY)
