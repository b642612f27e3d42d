"""What of the offsets topic is kept: the last record under each key of a connector, and how far it was read.

Whose a record is, its key says: ``["<connector>",{}]`` for the position, ``bridge-<kind>-<connector>`` for what is kept
beside it. Others' records are passed over.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from attrs import define, field

from bridge.documents import Broken, json_of

if TYPE_CHECKING:
    from confluent_kafka import Message

MOST: Final = 20_000
"""Records that are kept of connectors that nobody asked for: another group's, say, whose topic this is, too."""
USES: Final = b"bridge-uses-"
"""How often keys were used is summed over all connectors: those records are always kept."""
_BESIDE: Final = re.compile(rb"bridge-[a-z]+-(.+)", re.DOTALL)
_LONGEST: Final = 10_000  # bytes of a key that is looked at


def connector_of(key: bytes) -> str | None:
    """Whose record it is; None for others' keys."""
    if beside := _BESIDE.fullmatch(key):
        return beside[1].decode("utf-8", "replace")
    if len(key) > _LONGEST or not key.lstrip().startswith(b"["):
        return None
    try:
        match json_of(key):
            case [str(name), {**source}] if not source:
                return name
    except Broken:
        pass
    return None


@define(eq=False)
class Kept:
    """Records by connector. A ``Sink`` of ``kafka.committed``."""

    lock: threading.Condition = field(factory=threading.Condition)
    version: int = 0
    reached: dict[int, int] = field(factory=dict)
    _of: dict[str, dict[tuple[int, bytes], Message]] = field(factory=dict)
    _names: dict[bytes, str] = field(factory=dict)
    _wanted: set[str] = field(factory=set)
    _lows: dict[int, int] = field(factory=dict)
    _unwanted: int = 0
    _partial: bool = False

    def clear(self) -> None:
        """Everything is to be read anew."""
        self.version += 1
        self.reached.clear()
        self._of.clear()
        self._names.clear()
        self._unwanted, self._partial = 0, False

    def want(self, connector: str | None) -> None:
        """Records of this connector must not be missing. None: of all, which counts for uses of keys alone."""
        if connector is None or connector in self._wanted:
            return
        self._wanted.add(connector)
        if self._partial:
            self.clear()

    def begin(self, ends: Mapping[int, tuple[int, int]]) -> None:
        """Forget a topic that was made anew, and records that were deleted."""
        if any(part not in ends or ends[part][1] < reached for part, reached in self.reached.items()):
            self.clear()
        lows = {part: low for part, (low, _) in ends.items()}
        if lows != self._lows:
            self._lows = lows
            for records in self._of.values():
                for part, key in [
                    one for one, kept in records.items() if (kept.offset() or 0) < lows[one[0]]
                ]:
                    del records[part, key]

    def take(self, message: Message) -> None:
        key = message.key()
        if not isinstance(key, bytes):
            return
        name = self._names.get(key)
        if name is None:
            name = connector_of(key)
            if name is None:
                return
            self._names[key] = name
            self._unwanted += name not in self._wanted
            if self._unwanted > MOST:
                self._let_go()
        self._of.setdefault(name, {})[message.partition() or 0, key] = message

    def of(self, connector: str | None) -> list[Message]:
        """The records of a connector, or the uses of keys of all; those of a partition in their order."""
        if connector is not None:
            records = list(self._of.get(connector, {}).values())
        else:
            every = (one for of in self._of.values() for one in of.items())
            records = [record for (_, key), record in every if key.startswith(USES)]
        return sorted(records, key=lambda record: (record.partition() or 0, record.offset() or 0))

    def copy(self) -> Kept:
        """The same, to be read on by somebody else."""
        return Kept(
            version=self.version,
            reached=dict(self.reached),
            of={name: dict(records) for name, records in self._of.items()},
            names=dict(self._names),
            wanted=set(self._wanted),
        )

    def _let_go(self) -> None:
        """Of whatever nobody asked for."""
        for name in self._of.keys() - self._wanted:
            uses = {place: one for place, one in self._of[name].items() if place[1].startswith(USES)}
            if uses:
                self._of[name] = uses
            else:
                del self._of[name]
        kept = {key for records in self._of.values() for _, key in records}
        self._names = {key: name for key, name in self._names.items() if key in kept}
        self._unwanted, self._partial = 0, True
