"""What was sealed, where it is kept over restarts: one record for each connector, beside its position.

Key ``bridge-seals-<connector>``, in the compacted offsets topic. Value ``{"fields":{"<event>":["Customer_Email__c"]},
"shared":{"<KEK>":true},"keks":{"<KEK>":"<type> <key> <digest of its properties>"}}``; ``*`` among the fields is the
payload as a whole. The record outlives a reset of the position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from attrs import define, field

from bridge.documents import Broken, read
from bridge.errors import Fatal, Stage

if TYPE_CHECKING:
    from confluent_kafka import Message

PREFIX: Final = b"bridge-seals-"


class _Seals(msgspec.Struct):
    fields: dict[str, list[str]] = {}
    shared: dict[str, bool] = {}
    keks: dict[str, str] = {}


def seals_key(connector: str) -> bytes:
    """The record's key."""
    return PREFIX + connector.encode()


def seals_value(fields: dict[str, set[str]], shared: dict[str, bool], keks: dict[str, str]) -> bytes:
    """The record's value; the same seals give the same bytes."""
    sealed = {event: sorted(names) for event, names in sorted(fields.items()) if names}
    return msgspec.json.encode(_Seals(sealed, dict(sorted(shared.items())), dict(sorted(keks.items()))))


@define
class Sealed:
    """What a topic says of one connector. Within a partition the later record counts; where the key is in two,
    because the number of partitions was changed, the one that was written last."""

    connector: str
    topic: str
    _found: dict[int, tuple[int, bytes | None]] = field(factory=dict)

    def take(self, message: Message) -> None:
        """One record."""
        if message.key() == seals_key(self.connector):
            self._found[message.partition() or 0] = (message.timestamp()[1], message.value())

    @property
    def there(self) -> bool:
        """Whether anything is stored."""
        return bool(self._found)

    def remembered(self) -> tuple[dict[str, set[str]], dict[str, bool], dict[str, str]]:
        """Event → its fields; KEK → whether it was shared; KEK → which one it was.

        Fatal for a value that cannot be read: what it protects would be forgotten.
        """
        value = max(self._found.values(), key=lambda entry: entry[0], default=(0, None))[1]
        if value is None:
            return {}, {}, {}
        try:
            seals = read(value, _Seals)
        except Broken as broken:
            raise Fatal(
                f"what is stored under the key {seals_key(self.connector).decode()} of the topic {self.topic} says not "
                f"which fields were encrypted: its value {broken}; write an empty value (a tombstone) under that key "
                "to begin anew",
                stage=Stage.POSITION,
            ) from None
        return (
            {event: set(names) for event, names in seals.fields.items()},
            dict(seals.shared),
            dict(seals.keks),
        )
