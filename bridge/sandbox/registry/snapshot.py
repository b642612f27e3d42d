"""A registry as one document: everything that it holds, for a sandbox that is started again."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from bridge.sandbox.registry.dek_keys import Dek, Kek, Keys
from bridge.sandbox.registry.names import Name
from bridge.sandbox.registry.store import Context
from bridge.sandbox.registry.subjects import Subjects


class Snapshot(msgspec.Struct):
    """The parts. What is set for a subject or context is a list, because its name is a pair."""

    contexts: dict[str, Context]
    removed: list[str]
    configs: list[tuple[Name, dict[str, Any]]]
    modes: list[tuple[Name, str]]
    keks: list[Kek]
    deks: list[Dek]


def taken(subjects: Subjects, keys: Keys) -> bytes:
    """The document."""
    snapshot = Snapshot(
        subjects.store.every,
        sorted(subjects.store.removed),
        list(subjects.configs.every.items()),
        list(subjects.modes.every.items()),
        list(keys.keks.values()),
        list(keys.deks.values()),
    )
    # The standard library writes a lone surrogate as an escape; texts of the registry may hold one.
    return json.dumps(msgspec.to_builtins(snapshot, str_keys=True)).encode()


def restored(raw: bytes, subjects: Subjects, keys: Keys) -> None:
    """Into a registry that is empty."""
    snapshot = msgspec.convert(json.loads(raw), Snapshot, strict=False)
    subjects.store.every.update(snapshot.contexts)
    subjects.store.removed.update(snapshot.removed)
    subjects.configs.every.update(snapshot.configs)
    subjects.modes.every.update(snapshot.modes)
    keys.keks.update({kek.name: kek for kek in snapshot.keks})
    keys.deks.update({(dek.kek, dek.subject, str(dek.algorithm), dek.version): dek for dek in snapshot.deks})
