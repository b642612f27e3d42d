"""Assignments: nobody two more than another, nothing lost or doubled, little movement."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.worker.assignment import Assignment
from bridge.worker.balance import balance, moves

names = st.sets(st.integers(0, 40).map(lambda n: f"c{n}"), max_size=30)
workers = st.sets(st.sampled_from("abcdef"), min_size=1)


@given(names, workers, names, workers)
def test_everything_has_one_owner_and_loads_are_even(
    before: set[str], old: set[str], now: set[str], living: set[str]
) -> None:
    current = balance({}, old, before)
    found = balance(current, living, now)
    assert set(found) == living
    assert sorted(name for names in found.values() for name in names) == sorted(now)
    loads = [len(names) for names in found.values()]
    assert max(loads) - min(loads) <= 1


@given(names, workers)
def test_nothing_moves_without_a_reason(connectors: set[str], living: set[str]) -> None:
    once = balance({}, living, connectors)
    assert balance(once, living, connectors) == once


@given(names, workers)
def test_a_worker_that_joins_takes_its_share_and_no_more(connectors: set[str], living: set[str]) -> None:
    before = balance({}, living, connectors)
    after = balance(before, living | {"new"}, connectors)
    moved = {name for worker in living for name in before[worker] if name not in after[worker]}
    assert moved == set(after["new"])


@given(names, workers)
def test_only_the_connectors_of_a_worker_that_left_move(connectors: set[str], living: set[str]) -> None:
    before = balance({}, living | {"gone"}, connectors)
    after = balance(before, living, connectors)
    for worker in living:
        assert set(before[worker]) <= set(after[worker])


def test_without_workers_there_is_nothing() -> None:
    assert balance({}, [], ["a"]) == {}


@given(names, workers, names)
def test_looking_at_what_came_and_went_is_enough(before: set[str], living: set[str], now: set[str]) -> None:
    assignment = Assignment(1, "a", balance({}, living, before))
    moved = moves(assignment, living, now, before ^ now)
    after = {name: assignment.owner(name) for name in before} | moved
    owners = {name: owner for name, owner in after.items() if owner is not None}
    assert owners.keys() == now
    loads = [sum(owner == worker for owner in owners.values()) for worker in living]
    assert max(loads) - min(loads) <= 1
    needless = [name for name, owner in moved.items() if assignment.owner(name) == owner]
    assert not needless
