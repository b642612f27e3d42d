"""The event bus: definitions with every schema they ever had, and publishing, one event or many."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import cycle
from typing import Any, Final

import msgspec

from bridge.changes import EVERY_CHANGE, entity_of, event_of
from bridge.sandbox import samples
from bridge.sandbox.changes import is_change
from bridge.sandbox.definition import EventDefinition
from bridge.sandbox.kept import Keep
from bridge.sandbox.org import schemas
from bridge.sandbox.org.log import ChannelLog
from bridge.sandbox.org.messages import build, complete, encode_json, without_uuid

# Replay ids rise but are not contiguous.
_STEPS = (1, 1, 2, 1, 3, 1, 1, 5)
_TEMPLATES = 200
_EVERY_CHANGE = f"/data/{EVERY_CHANGE}"
_CHUNK = 2000
RETENTION: Final = 72 * 3600
"""Seconds for which events are retained, as Salesforce does."""
HIGHEST: Final = 2**63 - 1
_DEFINITIONS: Final = "definitions"
_MEMBERS: Final = "members"


class UnknownEvent(KeyError):
    """No event of that name is defined."""


class EventBus:
    """Thread-safe. ``on_publish`` is told the channel after its log grew. ``keep``: where all is over restarts."""

    def __init__(
        self, user_id: str, last_replay_id: int, on_publish: Callable[[str], None], keep: Keep | None = None
    ) -> None:
        self._lock = threading.Lock()
        self._user_id = user_id
        self._last_id = last_replay_id
        self._steps = cycle(_STEPS)
        self._on_publish = on_publish
        self.definitions: dict[str, EventDefinition] = {}
        self.logs: dict[str, ChannelLog] = {}
        self.by_schema: dict[str, EventDefinition] = {}
        self._schema_ids: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._keep = keep
        if keep is not None:
            self._restore(keep)

    @property
    def last_id(self) -> int:
        """The newest replay id, of whatever channel; the logs hold everything up to it."""
        with self._lock:
            return self._last_id

    def define(self, definition: EventDefinition) -> str:
        """Add or change an event; its schema id. Ids of earlier definitions stay resolvable."""
        schema_id = schemas.schema_id(definition)
        with self._lock:
            self.definitions[definition.name] = definition
            self.by_schema[schema_id] = definition
            self._schema_ids[definition.name] = schema_id
            self._open(definition.channel)
            if is_change(definition):
                self._open(_EVERY_CHANGE)
                joined = self._members.setdefault(definition.name, [])
                if _EVERY_CHANGE not in joined:
                    joined.append(_EVERY_CHANGE)
            self._note_definitions()
        return schema_id

    def of_object(self, name: str) -> EventDefinition:
        """The change event of an object. Raises ``UnknownEvent``."""
        return self.definition(event_of(name))

    def define_channel(self, name: str, members: Iterable[str]) -> None:
        """Add a custom channel (``X__chn``) that delivers the events of several definitions."""
        members = list(members)
        channel = f"/data/{name}" if members and all(map(entity_of, members)) else f"/event/{name}"
        with self._lock:
            self._open(channel)
            for member in members:
                if channel not in self._members.setdefault(member, []):
                    self._members[member].append(channel)
            self._note_definitions()

    def definition(self, name: str) -> EventDefinition:
        """The event as it is defined now. Raises ``UnknownEvent``."""
        try:
            return self.definitions[name]
        except KeyError:
            raise UnknownEvent(name) from None

    def schema_id(self, name: str) -> str:
        """The schema id of the event as it is defined now."""
        return self._schema_ids[self.definition(name).name]

    def publish(self, name: str, payload: Mapping[str, Any], *, created: float | None = None) -> int:
        """Publish one event; its replay id. Fields not given are null; ``created`` in epoch seconds."""
        created = time.time() if created is None else created
        body = encode_json(complete(self.definition(name), payload, created, self._user_id))
        return self._append(name, [(body,)], created)[0]

    def publish_bytes(self, name: str, payload: bytes) -> int:
        """Publish a payload as it stands, valid JSON or not."""
        return self._append(name, [(payload,)], time.time())[0]

    def publish_many(
        self, name: str, events: int | Iterable[Mapping[str, Any]], *, created: float | None = None
    ) -> list[int]:
        """Publish many events at once: a number of generated ones, or these payloads. Their replay ids."""
        definition = self.definition(name)
        created = time.time() if created is None else created
        if isinstance(events, int):
            bodies = self._generated(definition, events, created)
        else:
            user = self._user_id
            bodies = [(encode_json(complete(definition, payload, created, user)),) for payload in events]
        ids: list[int] = []
        for start in range(0, len(bodies), _CHUNK):
            ids += self._append(name, bodies[start : start + _CHUNK], created, quiet=True)
        self._announce(definition)
        return ids

    def publish_group(self, events: Iterable[tuple[str, Mapping[str, Any]]]) -> int:
        """Publish events under one replay id, as Salesforce does with merged change events that it splits again."""
        created = time.time()
        group = [(self.definition(name), payload) for name, payload in events]
        with self._lock:
            self._last_id += next(self._steps)
            for definition, payload in group:
                body = encode_json(complete(definition, payload, created, self._user_id))
                self._log(definition, [(body,)], [self._last_id], created)
            replay_id = self._last_id
        for definition, _ in group:
            self._announce(definition)
        return replay_id

    def expire(self, before: float) -> int:
        """Let everything published before this moment (seconds since the epoch) fall out of retention."""
        with self._lock:
            count = sum(log.expire(before) for log in self.logs.values())
            if self._keep is not None:
                for channel, log in self.logs.items():
                    self._keep.open_channel(channel, log.expired_id)
        return count

    def clear(self, last_replay_id: int) -> None:
        """Forget every event; replay ids start again somewhere else."""
        with self._lock:
            self._last_id = last_replay_id
            for channel in self.logs:
                self.logs[channel] = ChannelLog(channel, last_replay_id)
                if self._keep is not None:
                    self._keep.open_channel(channel, HIGHEST)
                    self._keep.open_channel(channel, last_replay_id)

    def _open(self, channel: str) -> None:
        """A channel without events, where there is none yet."""
        if channel not in self.logs:
            self.logs[channel] = ChannelLog(channel, self._last_id)
            if self._keep is not None:
                self._keep.open_channel(channel, self._last_id)

    def _note_definitions(self) -> None:
        if self._keep is not None:
            # the present definition of an event last, so that it is in force again
            present = set(self._schema_ids.values())
            every = sorted(self.by_schema.items(), key=lambda item: item[0] in present)
            self._keep.keep(_DEFINITIONS, msgspec.json.encode([one for _, one in every]))
            self._keep.keep(_MEMBERS, msgspec.json.encode(self._members))

    def _restore(self, keep: Keep) -> None:
        """What was kept, but for what has fallen out of retention meanwhile."""
        for definition in msgspec.json.decode(keep.fact(_DEFINITIONS) or b"[]", type=list[EventDefinition]):
            schema_id = schemas.schema_id(definition)
            self.definitions[definition.name] = self.by_schema[schema_id] = definition
            self._schema_ids[definition.name] = schema_id
        self._members = msgspec.json.decode(keep.fact(_MEMBERS) or b"{}", type=dict[str, list[str]])
        for channel, expired_id in keep.channels().items():
            log = self.logs[channel] = ChannelLog(channel, expired_id)
            for number, message, created in keep.events(channel):
                log.append([number], [message], created)
            log.expire(time.time() - RETENTION)
            keep.open_channel(channel, log.expired_id)
            self._last_id = max(self._last_id, log.last_id)

    def _generated(self, definition: EventDefinition, count: int, created: float) -> list[tuple[bytes, ...]]:
        """A running number in the first text field keeps every event distinct; the rest repeats."""
        marker = samples.MARKER.encode()
        templates = []
        for number in range(min(count, _TEMPLATES)):
            payload = samples.payload(definition, number, key=samples.MARKER)
            body = encode_json(complete(definition, payload, created, self._user_id))
            head, _, tail = body.partition(marker)
            templates.append((head, tail))
        first = self.logs[definition.channel].state()["published"] or 0
        return [
            (
                templates[number % _TEMPLATES][0],
                b"%010d" % (first + number),
                templates[number % _TEMPLATES][1],
            )
            for number in range(count)
        ]

    def _append(
        self, name: str, bodies: Sequence[tuple[bytes, ...]], created: float, *, quiet: bool = False
    ) -> list[int]:
        definition = self.definition(name)
        with self._lock:
            ids = []
            for _ in bodies:
                self._last_id += next(self._steps)
                ids.append(self._last_id)
            self._log(definition, bodies, ids, created)
        if not quiet:
            self._announce(definition)
        return ids

    def _log(
        self,
        definition: EventDefinition,
        bodies: Sequence[tuple[bytes, ...]],
        ids: Sequence[int],
        created: float,
    ) -> None:
        messages = build(definition.channel, self._schema_ids[definition.name], bodies, ids)
        if is_change(definition):  # by CometD, change events have no EventUuid
            messages = [without_uuid(message) for message in messages]
        for channel in (definition.channel, *self._members.get(definition.name, ())):
            self.logs[channel].append(ids, messages, created)
            if self._keep is not None:
                self._keep.publish(channel, ids, messages, created)

    def _announce(self, definition: EventDefinition) -> None:
        for channel in (definition.channel, *self._members.get(definition.name, ())):
            self._on_publish(channel)
