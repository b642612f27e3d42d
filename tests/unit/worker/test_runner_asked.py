"""What an operator asks of a connector, in whatever state it is; what is told of one that failed, and until when."""

import pytest

from bridge.worker import records
from bridge.worker.places import Place
from tests.support.memory_worker import WORKER
from tests.support.stepped import OTHER, Group, with_orders


@pytest.fixture
def group() -> Group:
    return with_orders()


RAN, FAILED = ("RUNNING", "RUNNING", None), ("FAILED", "FAILED", "there is no event Nope__e")
PAUSED, STOPPED = ("PAUSED", "PAUSED", None), ("STOPPED", None, None)
HELD_UP = ("PAUSED", "FAILED", "there is no event Nope__e")


@pytest.mark.parametrize(
    ("before", "actions", "after", "starts"),
    [
        ("RUNNING", "pause", PAUSED, 1),
        ("RUNNING", "resume", RAN, 1),
        ("RUNNING", "stop", STOPPED, 1),
        ("RUNNING", "restart", RAN, 2),
        ("RESTARTING", "pause", PAUSED, 1),
        ("RESTARTING", "resume", ("RESTARTING", "RESTARTING", None), 1),
        ("RESTARTING", "stop", STOPPED, 1),
        ("RESTARTING", "restart", RAN, 2),
        ("FAILED", "pause", HELD_UP, 1),
        ("FAILED", "resume", FAILED, 1),
        ("FAILED", "stop", STOPPED, 1),
        ("FAILED", "restart", RAN, 2),
        ("STOPPED", "pause", ("PAUSED", None, None), 1),
        ("STOPPED", "resume", RAN, 2),
        ("STOPPED", "stop", STOPPED, 1),
        ("STOPPED", "restart", STOPPED, 1),
        ("PAUSED", "pause", PAUSED, 1),
        ("PAUSED", "resume", RAN, 2),
        ("PAUSED", "stop", STOPPED, 1),
        ("PAUSED", "restart", PAUSED, 1),
        ("FAILED", "pause resume", FAILED, 1),
        ("FAILED", "pause pause resume pause resume", FAILED, 1),
        ("FAILED", "pause resume restart", RAN, 2),
        ("FAILED", "pause restart", PAUSED, 1),
        ("FAILED", "pause restart resume", RAN, 2),
        ("FAILED", "pause stop", STOPPED, 1),
        ("FAILED", "pause stop resume", RAN, 2),
        ("FAILED", "stop resume", RAN, 2),
        ("FAILED", "stop pause resume", RAN, 2),
    ],
)
def test_what_an_operator_asks_of_a_connector(
    group: Group, before: str, actions: str, after: tuple[str, str | None, str | None], starts: int
) -> None:
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    running = group.started[0]
    if before == "FAILED":
        running.fail()
    running.waiting = before == "RESTARTING"
    group.asked("orders", {"PAUSED": "pause", "STOPPED": "stop"}.get(before, "resume"))
    assert group.shown("orders")[0] == before
    for action in actions.split():
        group.asked("orders", action)
    assert group.shown("orders") == after
    assert len(group.started) == starts
    assert (group.runner.error_of("orders") is not None) == (after in (FAILED, HELD_UP))
    assert [one.visible for one in group.started] == [False] * (starts - 1) + [
        after[0] not in ("PAUSED", "STOPPED")
    ]


@pytest.mark.parametrize(
    ("actions", "state", "starts"),
    [("pause", "PAUSED", 1), ("pause resume", "FAILED", 1), ("pause restart resume", "FAILED", 2)],
)
def test_a_configuration_that_fails_says_why_again_after_a_pause(
    group: Group, actions: str, state: str, starts: int
) -> None:
    group.refuses = "orders"
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    for action in actions.split():
        group.asked("orders", action)
    said = group.state.connectors["orders"]
    assert (said.state, "kafka.topic" in (said.trace or "")) == (state, state == "FAILED")
    assert group.runner.starts == starts


@pytest.mark.parametrize(
    ("actions", "after", "starts"),
    [
        ("pause", HELD_UP, 1),
        ("pause resume", FAILED, 1),
        ("stop", STOPPED, 1),
        ("restart", RAN, 2),
        ("restart-failed", RAN, 2),
        ("resume", FAILED, 1),
    ],
)
def test_what_failed_before_it_was_asked_for_something_has_failed(
    group: Group, actions: str, after: tuple[str, str | None, str | None], starts: int
) -> None:
    """The worker may look at it only after the request."""
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    group.started[0].fail()
    for action in actions.split():
        group.asked("orders", action)
    assert group.shown("orders") == after
    assert len(group.started) == starts


@pytest.mark.parametrize("fate", ["deleted", "moved", "fenced", "fenced and paused"])
@pytest.mark.parametrize("failed", [True, False])
def test_the_numbers_of_a_connector_end_with_its_being_here(group: Group, fate: str, failed: bool) -> None:
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    (running,) = group.started
    if failed:
        running.fail()
        group.runner.step()
        assert group.shown("orders") == FAILED
    assert running.visible, "one that has failed is looked at"
    if fate == "deleted":
        group.state.apply(records.CONNECTOR + "orders", None)
    elif fate.startswith("fenced"):
        running.fence()
    if fate in ("moved", "fenced"):
        group.assigned(2, **{OTHER: ["orders"]})
    if fate.endswith("paused"):
        group.runner.step()
        group.asked("orders", "pause")
    for _ in range(3):
        group.runner.step()
    assert not running.visible
    assert ("orders" in group.runner._hosted) == fate.endswith("paused")


def test_where_it_stands_is_told_once_when_it_has_failed(group: Group) -> None:
    """Later its position may be moved, and what it counted says no more where it stands."""
    told: list[bool] = []
    group.runner.places = lambda name, running: told.append(running) or []  # type: ignore[func-returns-value]
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    group.started[0].fail()
    for _ in range(3):
        group.runner.step()
    assert told == [True, False]


def test_no_place_is_told_of_a_connector_that_was_deleted_while_it_ran(group: Group) -> None:
    place = Place(7).record("orders")
    told: list[bool] = []
    group.runner.places = lambda name, running: told.append(running) or [place]  # type: ignore[func-returns-value]
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    assert group.log.records.count(place) == 1
    group.state.apply(records.CONNECTOR + "orders", None)
    group.assigned(2)
    group.runner.step()
    assert told == [True, False], "what was kept of it here is let go all the same"
    assert group.log.records.count(place) == 1


@pytest.mark.parametrize("noticed", [True, False])
def test_what_has_failed_stays_so_after_its_position_was_moved(group: Group, noticed: bool) -> None:
    group.assigned(1, **{WORKER: ["orders"]})
    group.runner.step()
    group.started[0].fail()
    if noticed:
        group.runner.step()
    value = {"id": "1", "type": "DELETE", "offsets": [], "requested_at": "now"}
    group.runner.alter = lambda name, request: {
        **value,
        "phase": "APPLIED",
        "previous_offsets": [],
        "applied_at": "now",
    }
    group.state.apply(records.REQUEST + "orders", records.encode(value))
    for _ in range(2):
        group.runner.step()
    assert group.state.wait(lambda: group.state.pending("orders") is None, 10)
    for _ in range(3):
        group.runner.step()
    assert group.shown("orders") == FAILED
    assert len(group.started) == 1
    group.state.apply(*records.restart("orders", True, True))
    for _ in range(3):
        group.runner.step()
    assert group.shown("orders") == RAN
    assert len(group.started) == 2
