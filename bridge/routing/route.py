"""A route: where the events of one schema go, and the compiled function that makes their bytes."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from bridge.event import Data, Record


class Unprepared(Exception):
    """A record's target is not known yet. ``prepare`` may ask the registry, so it is called between transactions;
    then the event is converted again."""

    def __init__(self, prepare: Callable[[], None]) -> None:
        super().__init__("the record's target is not prepared")
        self.prepare = prepare


@frozen
class Route:
    """What a warm event needs. ``convert`` goes from the event to the value's bytes in one call.

    ``record`` stands instead of it where topic, key, headers or timestamp depend on the event; it returns
    None for an event that was filtered out, and raises Unprepared. Both raise BadRecord for an event they cannot
    carry.
    """

    topic: str
    convert: Callable[[Data], bytes]
    record: Callable[[Data], Record | None] | None = None
    describes: str = ""
    sealed: int = 0
    """How many protected fields ``convert`` writes for each event."""
    samples: Callable[[], tuple[Data, ...]] = tuple
    """An event for each target that was prepared, where there are several."""


@frozen
class Renewed:
    """A route that was looked up beside the data path. ``settle``, where there is one, has to be called before the
    route is used, between two transactions: it keeps what must outlive the process."""

    route: Route
    settle: Callable[[], None] | None = None
