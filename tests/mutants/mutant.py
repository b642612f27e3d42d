"""What a mutant is."""

from __future__ import annotations

from attrs import frozen


@frozen
class Mutant:
    """One change. ``old`` stands in the file exactly once. ``tests``: those concerned, as pytest takes them."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
