"""Who runs what: nobody two more than another, and as little movement as possible."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping

from bridge.worker.assignment import Assignment


def balance(
    current: Mapping[str, Collection[str]], workers: Collection[str], connectors: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """Connectors by worker. What is in place stays, unless its worker has too many."""
    if not workers:
        return {}
    wanted = set(connectors)
    kept: dict[str, list[str]] = {worker: [] for worker in sorted(workers)}
    for worker in kept:
        for name in current.get(worker, ()):
            if name in wanted:
                wanted.discard(name)
                kept[worker].append(name)
    least, more = divmod(len(set(connectors)), len(kept))
    # Those that have most keep one more than the others, so that the least moves.
    by_load = sorted(kept, key=lambda worker: (-len(kept[worker]), worker))
    room = {worker: least + (index < more) for index, worker in enumerate(by_load)}
    for worker, names in kept.items():
        wanted.update(names[room[worker] :])
        del names[room[worker] :]
    waiting = deque(sorted(wanted))
    for worker in by_load:
        while waiting and len(kept[worker]) < room[worker]:
            kept[worker].append(waiting.popleft())
    return {worker: tuple(names) for worker, names in kept.items()}


def moves(
    now: Assignment, workers: Collection[str], connectors: Collection[str], touched: Iterable[str] | None
) -> dict[str, str | None]:
    """Which connectors get another owner; None: they are gone. ``touched``: those that came or went since the last
    look, None where that is not known. While the workers are the same, the work is proportional to them."""
    if touched is None or now.workers.keys() != set(workers):
        placed = balance(now.workers, workers, connectors)
        given: dict[str, str | None] = {name: None for name in now.owned() if name not in connectors}
        for worker, names in placed.items():
            given |= {name: worker for name in names if now.owner(name) != worker}
        return given
    return _adjusted(now, connectors, touched)


def _adjusted(now: Assignment, connectors: Collection[str], touched: Iterable[str]) -> dict[str, str | None]:
    given: dict[str, str | None] = {}
    load = {worker: len(names) for worker, names in now.workers.items()}
    arrived = []
    for name in touched:
        owner = now.owner(name)
        if name in connectors:
            if owner is None:
                arrived.append(name)
        elif owner is not None:
            given[name] = None
            load[owner] -= 1
    for name in sorted(arrived):
        worker = min(load, key=lambda one: (load[one], one))
        given[name] = worker
        load[worker] += 1
    _level(now, load, given)
    return given


def _level(now: Assignment, load: dict[str, int], given: dict[str, str | None]) -> None:
    """After deletions: what one worker has too many, the newest first, goes to the one that has least."""
    newest = {worker: reversed(names) for worker, names in now.workers.items()}
    while load:
        most, least = max(load, key=lambda one: (load[one], one)), min(load, key=lambda one: (load[one], one))
        if load[most] - load[least] < 2:
            return
        name = next(name for name in newest[most] if name not in given)
        given[name] = least
        load[most] -= 1
        load[least] += 1
