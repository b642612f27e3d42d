"""THE GUARD OF RECORDS: what a topic holds that is none of ours, or broken, stops nobody.

Contract. Any client may write to a topic. Whoever reads one takes a record in by ``documents.read`` and gives what
does not fit to a ``Foreign``: the record is passed over as if it were not there (it is no tombstone), counted, and
named in one line with its partition and offset. Only a value under a connector's own position key is not passed over
(``kafka/offsets.py``): to go on without a position would lose events.
"""

from __future__ import annotations

from typing import Final, Protocol

from attrs import define, field

from bridge.counts import FOREIGN_RECORDS
from bridge.log import Once, for_connector

_SHOWN: Final = 80  # bytes of a key or value
_MOST_NAMED: Final = 1000  # lines in all; beyond that records are only counted


class Placed(Protocol):
    """Where a record stands; a ``confluent_kafka.Message`` is one."""

    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...
    def key(self) -> bytes | str | None: ...


@define
class Foreign:
    """Passes over the records of one topic that are none of ours. ``connector``: for whom it is read, if for one."""

    topic: str
    connector: str = ""
    _named: Once = field(factory=Once)
    _lines: int = 0

    def passed_over(self, message: Placed, why: str) -> None:
        """Count it, and say once for each place why."""
        FOREIGN_RECORDS.add(self.topic)
        self._say(message, f"is passed over: {why}")

    def ignored(self, message: Placed, what: str) -> None:
        """The record counts, but for one thing that belongs to it."""
        self._say(message, f"is taken without a part that is broken: {what}")

    def _say(self, message: Placed, text: str) -> None:
        place = (message.partition(), message.offset(), text)
        if self._lines < _MOST_NAMED and self._named.due(place) is not None:
            self._lines += 1
            for_connector(self.connector).warning(
                "the record %s (topic %s, partition %s, offset %s) %s",
                shown(message.key()), self.topic, message.partition(), message.offset(), text,
            )  # fmt: skip


def shown(value: bytes | str | None) -> str:
    """The beginning of a key or value of a topic of ours, fit for one line."""
    if value is None:
        return "null"
    text = value if isinstance(value, str) else value.decode("utf-8", "replace")
    return repr(text[:_SHOWN]) + ("…" if len(text) > _SHOWN else "")
