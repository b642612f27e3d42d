"""Who runs what: nobody two more than another, and as little movement as possible."""

from __future__ import annotations

from collections.abc import Collection, Mapping


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
    waiting = sorted(wanted)
    for worker in by_load:
        while waiting and len(kept[worker]) < room[worker]:
            kept[worker].append(waiting.pop(0))
    return {worker: tuple(names) for worker, names in kept.items()}
