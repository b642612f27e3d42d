"""Which worker runs which connectors, by the word of the leader; later epochs replace earlier ones.

A small group's assignment is one record, ``bridge-assignment``: ``{"epoch","leader","workers":{"W":["N",…]}}``. Kafka
takes no record of more than 1 MB, and what changes is little: beyond 500 connectors the leader writes an owner's record
for each that changes hands, ``bridge-owner-N``: ``{"epoch","worker"}``, and last, in the same transaction,
``bridge-assignment`` with the workers alone and ``since``, the epoch in which every connector got its record. Owners'
records count when that last one has come, so nobody sees half of an epoch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from attrs import define, field

from bridge.worker import records, shapes

WHOLE: Final = 500  # connectors up to which an assignment is one record …
WHOLE_BYTES: Final = 200_000  # … where that is no larger


def _ordered(workers: Mapping[str, Iterable[str]]) -> dict[str, dict[str, None]]:
    return {worker: dict.fromkeys(names) for worker, names in workers.items()}


@define
class Assignment:
    """``workers``: the connectors of each, in the order in which they came to it."""

    epoch: int = 0
    leader: str = ""
    workers: dict[str, dict[str, None]] = field(factory=dict, converter=_ordered)
    since: int = 0
    """The epoch from which on owners' records count; 0 while one record holds everything."""
    _owners: dict[str, str] = field(init=False, eq=False)
    _told: dict[str, tuple[int, str | None]] = field(factory=dict, init=False, eq=False)

    def __attrs_post_init__(self) -> None:
        self._owners = {name: worker for worker, names in self.workers.items() for name in names}

    def owner(self, connector: str) -> str | None:
        """The worker a connector belongs to."""
        return self._owners.get(connector)

    def owned(self) -> Collection[str]:
        """Every connector that has an owner."""
        return self._owners.keys()

    def told(self, connector: str, epoch: int, worker: str | None) -> bool:
        """An owner's record: it waits for its epoch. ``worker`` None: there is none any more, from the next epoch on.
        Whether that changes an owner now."""
        if worker is not None and self.since and self.since <= epoch <= self.epoch:
            # a log that is kept elsewhere may have another order
            return worker in self.workers and self._give(connector, worker)
        self._told[connector] = epoch, worker
        return False

    def advance(self, said: shapes.Assigned) -> set[str]:
        """Take a later epoch in; the connectors that changed hands."""
        changed = self._by_records(said) if said.since else self._whole(said)
        self.epoch, self.leader, self.since = said.epoch, said.leader, said.since
        return changed

    def _whole(self, said: shapes.Assigned) -> set[str]:
        self._told.clear()
        before = self._owners
        self.workers = _ordered(said.workers)
        self._owners = {name: worker for worker, names in self.workers.items() for name in names}
        names = before.keys() | self._owners.keys()
        return {name for name in names if before.get(name) != self._owners.get(name)}

    def _by_records(self, said: shapes.Assigned) -> set[str]:
        changed = set()
        for living in said.workers:
            self.workers.setdefault(living, {})
        for name, (epoch, worker) in list(self._told.items()):
            if epoch > said.epoch:
                continue
            del self._told[name]
            if (worker is None or epoch >= said.since) and self._give(name, worker):
                changed.add(name)
        for gone in self.workers.keys() - said.workers.keys():
            for name in self.workers.pop(gone):
                del self._owners[name]
                changed.add(name)
        return changed

    def _give(self, name: str, worker: str | None) -> bool:
        """Whether that changes anything."""
        before = self._owners.get(name)
        if before == worker:
            return False
        if before is not None:
            self.workers[before].pop(name, None)
        if worker is None:
            del self._owners[name]
        else:
            self.workers.setdefault(worker, {})[name] = None
            self._owners[name] = worker  # at once: it is read without a lock, too
        return True


def assigned(
    now: Assignment, leader: str, workers: Collection[str], moved: Mapping[str, str | None]
) -> list[records.Record]:
    """What a leader writes for the next epoch. ``moved``: who gets another owner; None: the connector is gone."""
    epoch = now.epoch + 1
    size = len(now.owned()) + sum(owner is not None for owner in moved.values())
    if size <= (WHOLE if now.since == 0 else WHOLE // 2):
        whole = _assignment(epoch, leader, _after(now, workers, moved))
        if len(whole[1] or b"") <= WHOLE_BYTES:
            return [*((records.OWNER + name, None) for name in now.owned() if now.since), whole]
    if now.since == 0:
        moved = {name: worker for worker, names in _after(now, workers, moved).items() for name in names} | {
            name: None for name, worker in moved.items() if worker is None
        }
    told = [
        (records.OWNER + name, None if worker is None else records.encode({"epoch": epoch, "worker": worker}))
        for name, worker in moved.items()
    ]
    return [*told, _assignment(epoch, leader, {worker: [] for worker in workers}, now.since or epoch)]


def _after(
    now: Assignment, workers: Collection[str], moved: Mapping[str, str | None]
) -> dict[str, list[str]]:
    after = {
        worker: [name for name in now.workers.get(worker, ()) if name not in moved]
        for worker in sorted(workers)
    }
    for name, owner in moved.items():
        if owner is not None:
            after[owner].append(name)
    return after


def _assignment(
    epoch: int, leader: str, workers: Mapping[str, Collection[str]], since: int = 0
) -> records.Record:
    value = {
        "epoch": epoch,
        "leader": leader,
        "workers": {worker: [*names] for worker, names in workers.items()},
    }
    return records.ASSIGNMENT, records.encode(value | ({"since": since} if since else {}))
