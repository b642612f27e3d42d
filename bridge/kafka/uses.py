"""Counts of values under DEKs, where they are kept: one record for each connector, beside its position.

Key ``bridge-uses-<connector>``, value ``{"deks":[{"kek":…,"subject":…,"algorithm":…,"version":1,"values":8192}]}``, in
the compacted offsets topic. ``values`` is what the connector has reserved (``encryption/uses.py``); a DEK's whole count
is the sum over connectors. The record outlives a reset of the position and the connector, as its ciphertext does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import msgspec
from attrs import define, field

from bridge.documents import Broken, read
from bridge.foreign import Foreign
from bridge.kafka.committed import never, nothing
from bridge.kafka.followed import following
from bridge.kafka.kept import USES as PREFIX
from bridge.kafka.librdkafka import Settings

if TYPE_CHECKING:
    from confluent_kafka import Message

Key = tuple[str, str, str, int]


class _Dek(msgspec.Struct):
    kek: str
    subject: str
    algorithm: str
    version: int
    values: Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class _Uses(msgspec.Struct):
    deks: list[_Dek]


def uses_key(connector: str) -> bytes:
    """The record's key."""
    return PREFIX + connector.encode()


def uses_value(counts: Mapping[Key, int]) -> bytes:
    """The record's value."""
    return msgspec.json.encode(_Uses([_Dek(*key, values) for key, values in sorted(counts.items())]))


@define
class Counted:
    """What a topic says of all connectors. Within a partition the later record counts; where a key is in two, because
    the number of partitions was changed, the higher count."""

    topic: str
    by_record: dict[tuple[bytes, int], dict[Key, int]] = field(factory=dict)
    _foreign: Foreign = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._foreign = Foreign(self.topic)

    def take(self, message: Message) -> None:
        """One record."""
        key, value = message.key(), message.value()
        if not isinstance(key, bytes) or not key.startswith(PREFIX):
            return
        place = key, message.partition() or 0
        if value is None:
            self.by_record.pop(place, None)
            return
        try:
            deks = read(value, _Uses).deks
        except Broken as broken:
            self._foreign.passed_over(message, f"it counts no values: its value {broken}")
            return
        self.by_record[place] = {(d.kek, d.subject, d.algorithm, d.version): d.values for d in deks}

    def of(self, connector: str | None = None, *, but: str | None = None) -> dict[Key, int]:
        """One connector's counts, or the sums of all ``but`` one."""
        highest: dict[bytes, dict[Key, int]] = {}
        for (key, _), counts in self.by_record.items():
            by_dek = highest.setdefault(key, {})
            for dek, values in counts.items():
                by_dek[dek] = max(values, by_dek.get(dek, 0))
        out: dict[Key, int] = {}
        for key, counts in highest.items():
            name = key.removeprefix(PREFIX).decode("utf-8", "replace")
            if name == connector or (connector is None and name != but):
                for dek, values in counts.items():
                    out[dek] = out.get(dek, 0) + values
        return out


def read_uses(
    consumer_settings: Settings,
    topic: str,
    *,
    stopped: Callable[[], bool] = never,
    waiting: Callable[[str], None] = nothing,
) -> Counted:
    """All counts in the offsets topic. Raises NotRead where it was stopped before all were read, Retriable when Kafka
    does not answer."""
    counted = Counted(topic)
    with following(consumer_settings, topic) as followed:
        followed.read(counted.take, stopped=stopped, waiting=waiting)
    return counted
