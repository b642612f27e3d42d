"""Which of a KEK's KMS keys wraps.

The registry never changes a KEK's first key id. ``rewrap`` therefore names the new key as the first alternate, and
clients find it there when they unwrap. Alternates may also be what they are called: a spare in another region, which
wraps only while the first key is away. What tells the two apart is the DEKs: one that an alternate opens and the first
key does not was wrapped anew.
"""

from __future__ import annotations

from typing import Final, Protocol

from bridge.encryption.dek_registry import DekRegistry, Kek, WrappedDek
from bridge.encryption.envelope import Algorithm

_ENOUGH: Final = 5
"""How many DEKs are looked at: after a rewrap all of them say the same."""


class Keys(Protocol):
    """What :class:`deks.Deks` can do."""

    registry: DekRegistry

    def keys_of(self, kek: Kek) -> tuple[str, ...]: ...

    def unwraps(self, kek: Kek, dek: WrappedDek, key_id: str) -> bool: ...


def wrapped_under(keys: Keys, kek: Kek, dek: WrappedDek) -> str | None:
    """The first of the KEK's keys that opens a DEK, None where none does or could be asked."""
    return next((key_id for key_id in keys.keys_of(kek) if keys.unwraps(kek, dek, key_id)), None)


def newest_key(keys: Keys, kek: Kek) -> str | None:
    """The key that new DEKs are to be wrapped under; None: the KEK's own, as always. Raises Retriable, Fatal of the
    registry."""
    first, *alternates = keys.keys_of(kek) or (kek.kms_key,)
    if not alternates or kek.shared:
        return None
    looked = [dek for dek in _newest(keys.registry, kek.name) if not keys.unwraps(kek, dek, first)]
    return next((a for a in alternates if any(keys.unwraps(kek, dek, a) for dek in looked)), None)


def _newest(registry: DekRegistry, kek: str) -> list[WrappedDek]:
    """The newest DEKs of some subjects of a KEK."""
    deks: list[WrappedDek] = []
    for subject in registry.subjects(kek)[:_ENOUGH]:
        for algorithm in Algorithm:
            dek = registry.dek(kek, subject, algorithm)
            deks += [] if dek is None else [dek]
    return sorted(deks, key=lambda dek: -dek.created_ms)[:_ENOUGH]
