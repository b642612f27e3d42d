"""The records of the offsets topic that a pipeline writes, as arguments of produce; and what is said of ids that do not
rise."""

from __future__ import annotations

import logging

from attrs import define, frozen

from bridge.event import Arguments
from bridge.kafka.offsets import (
    position_headers,
    position_key,
    position_value,
    raw_headers,
    start_key,
    start_value,
)
from bridge.log import ConnectorLog
from bridge.progress import Progress


@frozen
class OffsetRecords:
    """One connector's; the topic's format is that of ``kafka/offsets.py``."""

    connector: str
    org_id: str
    topic: str

    def position(self, progress: Progress, created_ms: int | None) -> Arguments | None:
        """How far it is; None where no event has an id yet: only messages that could not be read were put aside."""
        if progress.newest < 0:
            return None
        uuid = progress.last.data.event.EventUuid if progress.last and progress.last.data else None
        headers = position_headers(self.org_id, uuid, created_ms, progress.before, progress.done())
        headers += raw_headers(progress.raw, progress.before_raw, progress.event)
        return self.record(position_key(self.connector), position_value(progress.newest), headers)

    def no_position(self) -> Arguments:
        """Takes the position away."""
        return (self.topic, None, position_key(self.connector))

    def start(self, since_ms: int) -> Arguments:
        """Nothing is committed yet: the moment of the first subscription is the position."""
        return self.record(start_key(self.connector), start_value(since_ms), [])

    def record(self, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> Arguments:
        """Any record of the topic."""
        return (self.topic, value, key, -1, None, None, 0, list(headers))


@define
class LowerIds:
    """Says once what replay ids below the position mean, and at the end how many more there were."""

    log: ConnectorLog
    _said: int = 0

    def say(self, progress: Progress, *, last: bool = False) -> None:
        """Call when a burst of events is committed, and with ``last`` at the end."""
        if progress.lower <= self._said or (self._said and not last):
            return
        self.log.log(
            logging.INFO if self._said else logging.WARNING,
            "events came with replay ids below %d, the highest committed (so far %d): they are delivered, and the "
            "position stays at the highest; if the org counts anew, 'sfbridge offsets reset' makes the connector start "
            "as a new one would",
            progress.newest,
            progress.lower,
            extra={"replay_id": progress.newest},
        )
        self._said = progress.lower
