"""One of two topics that are compared: its records, decoded by its own schemas, and what of them is encrypted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

from attrs import define, evolve, field, frozen

from bridge.documents import understood
from bridge.errors import BridgeError
from bridge.model.registered import Registered
from bridge.model.subjects import prefix
from bridge.reading.consumer import Reader
from bridge.reading.contexts import Contexts, Unplaced
from bridge.reading.protected import Protected
from bridge.reading.source import Source
from bridge.reading.stretch import Since, Stretch
from bridge.registry import answers
from bridge.registry.answers import checked
from bridge.registry.client import Registry, schema_fatal
from bridge.registry.http import Refused


@frozen
class Told:
    """A record. ``values`` None: no longer known; ``note``: why it could not be read; ``fell``: its replay id is below
    that of the record before it in its partition."""

    place: str
    timestamp: int
    key: bytes | None
    values: Mapping[str, object] | None
    replay_id: int | None
    note: str | None = None
    fell: bool = False

    def name(self, field_name: str) -> str | None:
        """What names the event."""
        value = None if self.values is None else self.values.get(field_name)
        return None if value is None else str(value)

    def bare(self) -> Told:
        """Without its values."""
        return evolve(self, values=None)


@define
class Side:
    """``source``: where it is read and by what it is decoded. Counts grow while it is read."""

    source: Source
    since: Since | None = None
    until: Since | None = None
    decrypt: bool = False
    waiting: Callable[[str], None] = lambda reason: None
    stopped: Callable[[], bool] = lambda: False
    records: int = 0
    total: int = 0
    """At most so many records are read."""
    sealed: set[str] = field(factory=set)
    """Names of fields that are encrypted, and are not decrypted here."""
    held_back: list[str] = field(factory=list)
    """Where an open transaction hides what comes after it."""
    latest: Registered | None = None
    """The schema with the highest id."""
    _span: tuple[int, int] | None = None
    _newest: dict[int, int] = field(factory=dict)
    _schemas: dict[int, Registered | None] = field(factory=dict)

    @property
    def topic(self) -> str:
        """Its name."""
        return self.source.topic

    def covers(self, told: Told) -> bool:
        """Whether a record of the other side would have been read here; one without a replay id would."""
        if told.replay_id is None:
            return True
        return self._span is not None and self._span[0] <= told.replay_id <= self._span[1]

    def told(self) -> Iterator[Told]:
        """The records, up to the topic's end as of now. Raises Fatal, Retriable."""
        reader = Reader(self.source.kafka, self.topic, waiting=self.waiting, stopped=self.stopped)
        stretch = Stretch(reader, self.since, until=self.until)
        decoder = self.source.decoder(decrypt=self.decrypt)
        for message in stretch.read():
            self.total = stretch.offsets
            self.records += 1
            raw = message.value()
            if raw is None:
                continue  # a tombstone names no event
            decoded = decoder.decode(raw if isinstance(raw, bytes) else raw.encode(), message.headers())
            if decoded.schema_id is not None and decoded.schema_id not in self._schemas:
                self._learn(decoded.schema_id)
            values, note = decoded.value, decoded.note
            if not isinstance(values, Mapping):
                values, note = {}, note or "it is no record"
            partition, key = message.partition() or 0, message.key()
            replay_id = _number(values.get("ReplayId"))
            fell = replay_id is not None and replay_id < self._newest.get(partition, 0)
            if replay_id is not None:
                self._newest[partition] = max(replay_id, self._newest.get(partition, 0))
                low, high = self._span or (replay_id, replay_id)
                self._span = min(low, replay_id), max(high, replay_id)
            place = f"{partition}:{message.offset()}"
            content = key.encode() if isinstance(key, str) else key
            yield Told(place, message.timestamp()[1], content, values, replay_id, note, fell)
        self.held_back = stretch.held_back

    def _learn(self, schema_id: int) -> None:
        """What a schema says, and what of it is encrypted."""
        version = self._schemas[schema_id] = self._registered(schema_id)
        if version is None:
            return
        if self.latest is None or version.id > self.latest.id:
            self.latest = version
        if not self.decrypt:
            protected = Protected()
            protected.add(version)
            demands = protected.of(version)
            self.sealed |= {name.rpartition(".")[2] for name in (*demands.fields, *demands.parts)}

    def _registered(self, schema_id: int) -> Registered | None:
        """None where nobody says; what cannot be decoded for it says so itself."""
        registry = self.source.registry
        if registry is None:
            return None
        try:
            context = (
                Contexts(registry, self.topic).of(schema_id)
                if self.source.context is None
                else prefix(self.source.context)
            )
            query = f"?subject={quote(context, safe='')}" if context else ""
            name = f"schema {schema_id}"
            answer = checked(registry.call("GET", f"/schemas/ids/{schema_id}{query}"), answers.Schema, name)
            with understood(name, schema_fatal):
                return Registry(registry).completed(answer, context, schema_id)
        except (Refused, Unplaced, BridgeError):
            return None


def _number(value: object) -> int | None:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() else None
