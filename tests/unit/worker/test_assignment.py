"""An assignment as one record and as many: the same owners whatever the form, nothing over Kafka's limit."""

import random
from collections.abc import Sequence

from bridge.worker import assignment, records
from bridge.worker.assignment import assigned
from bridge.worker.balance import moves
from bridge.worker.state import State

LIMIT = 1_048_588  # a topic's max.message.bytes, unless it was changed


class Group:
    """What a leader writes to the config topic, and the state of somebody who reads it."""

    def __init__(self) -> None:
        self.state = State()
        self.log: list[records.Record] = []
        self.configs: dict[str, None] = {}

    def lead(self, names: Sequence[str], workers: Sequence[str]) -> list[records.Record]:
        touched = self.configs.keys() ^ set(names)
        self.configs = dict.fromkeys(names)
        now = self.state.assignment
        added = assigned(now, workers[0], workers, moves(now, workers, self.configs, touched))
        for key, value in added:
            self.state.apply(key, value)
        self.log += added
        return added

    def owners(self) -> dict[str, str | None]:
        return {name: self.state.assignment.owner(name) for name in self.configs}


def of(log: Sequence[records.Record]) -> State:
    state = State()
    for key, value in log:
        state.apply(key, value)
    return state


def compacted(log: Sequence[records.Record]) -> list[records.Record]:
    """The last record of each key, in the order of the topic; tombstones are gone."""
    last = {key: index for index, (key, _) in enumerate(log)}
    return [
        (key, value) for index, (key, value) in enumerate(log) if last[key] == index and value is not None
    ]


def named(count: int) -> list[str]:
    return [f"salesforce-production-order-placed-for-customer-{index:06}" for index in range(count)]


def test_a_small_group_is_one_record_with_everybody_in_it() -> None:
    group = Group()
    [(key, value)] = group.lead(["a", "b"], ["w1", "w2"])
    assert key == records.ASSIGNMENT
    assert value == b'{"epoch":1,"leader":"w1","workers":{"w1":["a"],"w2":["b"]}}'


def test_20_000_connectors_fit_and_one_more_is_one_record() -> None:
    group, names = Group(), named(20_000)
    added = group.lead(names, ["w1", "w2", "w3"])
    assert max(len(value or b"") for _, value in added) < LIMIT / 10
    assert sum(map(len, names)) > LIMIT
    assert None not in group.owners().values()
    one_more = group.lead([*names, "one-more"], ["w1", "w2", "w3"])
    assert [key for key, _ in one_more] == [records.OWNER + "one-more", records.ASSIGNMENT]
    assert sum(len(value or b"") for _, value in one_more) < 300


def test_names_that_are_long_are_split_earlier() -> None:
    group = Group()
    added = group.lead([f"{index}" * 500 for index in range(100, 500)], ["w1"])
    assert max(len(value or b"") for _, value in added) < LIMIT / 4


def test_whoever_reads_later_reads_the_same() -> None:
    draw = random.Random(11)
    group = Group()
    for _ in range(30):
        count = draw.choice([3, 200, assignment.WHOLE, assignment.WHOLE + 1, 700])
        names = draw.sample(named(900), count)
        workers = draw.sample(["w1", "w2", "w3", "w4"], draw.randint(1, 4))
        group.lead(names, workers)
        assert set(group.owners().values()) <= set(workers)
        for log in (group.log, compacted(group.log)):
            read = of(log).assignment
            assert {name: read.owner(name) for name in names} == group.owners()
            assert set(read.owned()) == set(names)
            assert read.epoch == group.state.assignment.epoch
            assert read.workers.keys() == set(workers)
            assert sorted(name for of in read.workers.values() for name in of) == sorted(names)


def test_a_file_that_keeps_another_order_says_the_same() -> None:
    group = Group()
    for names in (named(600), named(700), named(650)):
        group.lead(names, ["w1"])
    shuffled = compacted(group.log)
    random.Random(7).shuffle(shuffled)
    assert set(of(shuffled).assignment.owned()) == set(named(650))


def test_owners_count_when_their_epoch_is_complete() -> None:
    group, names = Group(), named(600)
    group.lead(names, ["w1"])
    *told, head = assigned(
        group.state.assignment, "w2", ["w2"], moves(group.state.assignment, ["w2"], group.configs, None)
    )
    for key, value in told:
        group.state.apply(key, value)
    assert set(group.owners().values()) == {"w1"}
    group.state.apply(*head)
    assert set(group.owners().values()) == {"w2"}


def test_an_owner_of_an_epoch_that_never_came_counts_for_nothing() -> None:
    group = Group()
    group.lead(named(600), ["w1", "w2"])
    before = group.owners()
    name = named(1)[0]
    group.state.apply(records.OWNER + name, records.encode({"epoch": 10**12, "worker": "forged"}))
    group.lead(named(601), ["w1", "w2"])
    assert {name: group.owners()[name] for name in before} == before
