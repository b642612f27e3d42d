"""One seal out of the ciphers of the rules that protect a field."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from bridge.encryption.envelope import Cipher
from bridge.model.protection import Bytes, Seal


def seal_of(ciphers: Iterable[Cipher]) -> Seal:
    """One after the other, in the order of the rules; readers undo them in reverse."""
    every = list(ciphers)
    return Seal(
        _chained([cipher.encrypt_text for cipher in every]), _chained([cipher.encrypt for cipher in every])
    )


def _chained(steps: list[Bytes]) -> Bytes:
    if len(steps) == 1:
        return steps[0]
    return lambda data: reduce(lambda value, step: step(value), steps, data)
