"""Filter: drops every record; a predicate says which."""

from __future__ import annotations

from typing import Final

from bridge.transforms.spec import Settings, Spec
from bridge.transforms.step import OnRecord, Side, Transform

SPEC: Final = Spec(
    "Filter",
    "Drops every record it is applied to; which ones, a predicate says. The position moves on.",
    example_text="with `predicate=isTombstone`: records without a value are not written",
)


def make(settings: Settings, side: Side) -> Transform:
    """A Filter."""
    return OnRecord(lambda record: False)
