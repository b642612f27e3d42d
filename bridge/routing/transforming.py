"""Routes of events that go through transforms: row → values → chain → key, headers, topic, value of the final schema.

What is registered is the schema after the chain, under the subject of the topic after the chain. Both may depend
on the event (predicates, TimestampRouter, ExtractTopic), so a target is prepared when its first record comes: for
the sample at once, for others between transactions (``Unprepared``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from threading import RLock
from typing import Final

import msgspec
from attrs import evolve, frozen

from bridge.changes import HEADER
from bridge.config import Loaded, TopicTemplate, topic_template
from bridge.config.checks import topic as wrong_topic
from bridge.documents import understood
from bridge.errors import BadRecord, BridgeError, Fatal, SetAside, Stage
from bridge.event import Data, Record
from bridge.formats import Format
from bridge.formats.rows import Layout
from bridge.languages.tagging import Path
from bridge.model.converter_classes import SIMPLE, STRING
from bridge.model.framing import KEY_HEADER, Framing
from bridge.model.protection import NOTHING
from bridge.model.registered import Registered
from bridge.model.schema import Kind, Schema
from bridge.registry.client import Incompatible, Registry, schema_fatal
from bridge.routing.changes import Changes, Tell, about, message_of, moment_of
from bridge.routing.encoders import fitted, null, refuse, unless_null
from bridge.routing.exposure import Exposure
from bridge.routing.following import REMEMBERED, marked
from bridge.routing.key_converters import Encoder, header_encoder, key_converter, writes_avro
from bridge.routing.moving import fused, with_headers
from bridge.routing.once import Once
from bridge.routing.planning import value_framing
from bridge.routing.registration import Written
from bridge.routing.route import Route, Unprepared
from bridge.transforms.configuration import chain_of
from bridge.transforms.record import ConnectRecord
from bridge.transforms.step import Moved

_MOST_TARGETS: Final = 2000
_MOST_SAMPLES: Final = 100  # of targets that are prepared again when the route is looked up again
Values = dict[str, object]
Find = Callable[[Schema, str], Written | None]
"""The version that writes values of a schema to a topic; None: the format has none."""
Declared = Callable[[Schema, str | None], Registered | None]
"""What is known of that version before anything is registered; None: the format has none. Without a topic: what is
known whatever the topic is."""
_OF_EVENT: Final = "(a topic that the event's values make)"


@frozen
class Asked:
    """What a route asks of the resolver, and tells it.

    ``compiled``: an encoder for a version, with the full names whose seals it built in. ``unwritten``: records without
    a value. Both raise Fatal where such records may not be written.
    """

    find: Find
    declared: Declared
    compiled: Callable[[Written, set[str]], None] = lambda written, placed: None
    unwritten: Callable[[], None] = lambda: None
    by_contract: bool = False
    """Whether a contract says what is protected."""
    remembered: frozenset[Path] = frozenset()
    """What was sealed before."""


@frozen
class Target:
    """How records of one value schema, topic and key schema are written. Holds the schemas its key names by id.

    ``written``: the version that writes the values, None where the format has none. ``refused``: no record gets there.
    """

    schemas: tuple[Schema | None, Schema | None]
    value: Encoder
    key: Encoder
    written: Written | None = None
    refused: bool = False

    @property
    def sealed(self) -> int:
        """How many protected fields a value has."""
        return 0 if self.written is None else self.written.protection.count


class Transforming:
    """Makes routes for a connector that has transforms."""

    def __init__(
        self,
        loaded: Loaded,
        form: Format,
        settings: Mapping[str, str],
        registry: Callable[[], Registry],
        ensure_topic: Callable[[str], None] = lambda name: None,
        turn: AbstractContextManager[object] | None = None,
    ) -> None:
        """ConfigurationError for transforms that are wrong. ``turn`` is held while a target is prepared."""
        self._turn = RLock() if turn is None else turn
        config, worker = loaded.connector, loaded.worker
        self.chain: Final = chain_of(config.raw())
        self._once = Once() if self.chain.own else None
        self.exposure: Final = Exposure.of(config, topic_template(config), self.chain)
        self._form, self._settings, self._ensure_topic = form, settings, ensure_topic
        self._changes = Changes.of(config)
        self._encrypts = bool(config.get("csfle.enabled"))
        self._timestamps = config.get("bridge.record.timestamp") == "created_date"
        self._set_aside = config.get("bridge.schema.on.incompatible") == "dead_letter"
        name, options = _converter("key.converter", STRING, config.raw(), worker.raw())
        self._registries: list[Registry] = []

        def opened() -> Registry:
            self._registries.append(registry())
            return self._registries[-1]

        self._value_framing = value_framing(form, settings)
        self._key_framing = Framing.of(options, KEY_HEADER) if writes_avro(name) else Framing()
        self._keys = key_converter(
            name,
            options,
            config.get("schema.context.name") or "default",
            opened,
            acknowledged=bool(config.get("bridge.csfle.allow.plaintext")),
        )
        name, options = _converter("header.converter", SIMPLE, config.raw(), worker.raw())
        self._header = header_encoder(name, options)

    def route(
        self,
        rows: Layout,
        template: TopicTemplate,
        asked: Asked,
        sample: Data,
        describes: str,
        earlier: Sequence[Data] = (),
    ) -> Route:
        """The route of one event schema. Fatal where a protected field would get where nothing is encrypted.

        ``earlier``: an event for each target that the route of before was prepared for.
        """
        changes = self._changes
        read, schema, header = changes.reader(rows), rows.schema, self._header
        tell = None if rows.event.entity is None else about(rows)
        apply, timestamps, once = self.chain.apply, self._timestamps, self._once
        value_framing, key_framing = self._value_framing, self._key_framing
        targets: dict[tuple[int, str, int], Target] = {}
        samples_of: dict[tuple[int, str, int], Data] = {}
        fixed = _fixed_topic(template, rows)
        final = None if fixed is None else self.chain.fixed_topic(fixed)
        if self._encrypts:
            registered = asked.declared(schema, final or fixed)
            self.exposure.judge_declared(marked(schema, asked.remembered, REMEMBERED), registered)
            if final is None and not asked.by_contract:
                self.exposure.judge_unmet(schema, registered)

        def prepare(record: ConnectRecord, sample: Data) -> None:
            if _identity(record) in targets:
                return
            if len(targets) >= _MOST_TARGETS:
                targets.clear()
                samples_of.clear()
            try:
                with self._turn:
                    targets[_identity(record)] = self._target(record, schema, asked)
                if once is not None:
                    once.went(schema, record)
                elif len(samples_of) < _MOST_SAMPLES:
                    samples_of[_identity(record)] = sample.alone()
            except BridgeError as error:
                if self._encrypts and final is None and record.topic:
                    error.unsay(record.topic, _OF_EVENT)
                raise

        def transformed(values: Values) -> ConnectRecord | None:
            topic = fixed or template.fill(values.get)
            record = ConnectRecord(topic, schema, values)
            if timestamps:
                record.timestamp = moment_of(values)
            if not apply(record):
                return None
            if tell is not None and changes.buries(values[HEADER]):
                record.value = record.value_schema = None
            return record

        def make(data: Data) -> Record | None:
            values = msgspec.to_builtins(read(data))
            return made_of(data, values) if tell is None else made_of_change(data, values, tell)

        def made_of_change(data: Data, values: Values, tell: Tell) -> Record | None:
            headers, gap = tell(data, values.get)
            ids = enumerate(changes.ids(values[HEADER]))
            every = [made_of(data, values | {"Id": one}, number) for number, one in ids]
            records = [evolve(one, headers=(*one.headers, *headers)) for one in every if one is not None]
            return evolve(records[-1], before=tuple(records[:-1]), gap=gap) if records else None

        def made_of(data: Data, values: Values, number: int = 0) -> Record | None:
            record = (
                transformed(values)
                if once is None
                else once.record(data, number, partial(transformed, values))
            )
            if record is None:
                return None
            target = targets.get(_identity(record))
            if target is None:
                raise Unprepared(partial(prepare, record, data))
            headers = tuple((name, header(its, value)) for name, its, value in record.headers)
            written = (
                message_of(data) if changes.raw and record.value is not None else target.value(record.value)
            )
            value, of_value = value_framing.split(written)
            key, of_key = key_framing.split(target.key(record.key))
            return Record(
                record.topic or "",
                value,
                key,
                (*headers, *of_key, *of_value),
                record.timestamp,
                target.sealed,
            )

        def of_event(data: Data) -> ConnectRecord | None:
            return transformed(msgspec.to_builtins(read(data)))

        if (moved := self._moved(rows, fixed)) is not None:
            place = ConnectRecord(moved.topic, moved.schema, None)
            prepare(place, sample)
            route = self._fused(rows, moved, targets[_identity(place)], asked, describes)
            if route is not None:
                return route
        if once is None:
            self._prepare_for(sample, of_event, prepare)
            for one in earlier:
                with suppress(BridgeError):  # an event that goes there meets it again
                    self._prepare_for(one, of_event, prepare)
        else:
            for place in once.places(schema):
                with suppress(BridgeError):
                    prepare(place, sample)
        return Route(
            fixed or template.text, _not_by_value, make, describes, samples=lambda: tuple(samples_of.values())
        )

    def _moved(self, rows: Layout, topic: str | None) -> Moved | None:
        """What becomes of every record, where neither transforms nor anything else look at its values."""
        looks = self._timestamps or self._changes.raw or rows.event.entity is not None
        if topic is None or looks or self._value_framing.header is not None:
            return None
        return self.chain.moved(topic, rows.schema)

    def _fused(
        self, rows: Layout, moved: Moved, target: Target, asked: Asked, describes: str
    ) -> Route | None:
        """The route without a record in between; None where one is needed all the same."""
        if target.refused or target.key(None) is not None:
            return None
        found = fused(self._form, self._settings, self._value_framing, rows, moved, target.written)
        if found is None:
            return None
        convert, placed = found
        if target.written is not None:
            asked.compiled(target.written, placed)
        headers = tuple((name, self._header(its, value)) for name, its, value in moved.headers)
        record = with_headers(moved.topic, convert, headers, target.sealed) if headers else None
        return Route(moved.topic, convert, record, describes, target.sealed)

    def close(self) -> None:
        """From any thread: wait for the keys' registry no more."""
        for registry in self._registries:
            registry.close()

    def _prepare_for(
        self,
        sample: Data,
        transformed: Callable[[Data], ConnectRecord | None],
        prepare: Callable[[ConnectRecord, Data], None],
    ) -> None:
        try:
            record = transformed(sample)
        except BridgeError as error:
            if not isinstance(error, BadRecord):
                raise
            return
        except Exception:  # it is judged when its turn comes, as a BadRecord is
            return
        if record is not None:
            prepare(record, sample)

    def _target(self, record: ConnectRecord, before: Schema, asked: Asked) -> Target:
        schema, topic = record.value_schema, record.topic or ""
        written, refused = None, False
        try:
            if wrong := wrong_topic(topic):
                raise BadRecord(f"the topic that transforms give {wrong}", stage=Stage.TRANSFORMATION)
            if schema is None or schema.kind is not Kind.STRUCT:
                self._refuse_tagged(before)
            elif self._encrypts and (registered := asked.declared(schema, topic)) is not None:
                self.exposure.judge(before, registered)  # before a topic or a subject is named after a value
            self._ensure_topic(topic)
            value: Encoder = null
            if schema is not None:
                value, written = self._value(schema, topic, before, asked)
            else:
                asked.unwritten()
            key = self._keys(record.key_schema, topic)
        except Incompatible as difference:
            if not self._set_aside:
                raise
            value, key = refuse(SetAside(difference.message, stage=Stage.SCHEMA)), null
            written, refused = None, True
        except BadRecord as error:
            value, key = refuse(error), null
            written, refused = None, True
        return Target((schema, record.key_schema), value, key, written, refused)

    def _value(
        self, schema: Schema, topic: str, before: Schema, asked: Asked
    ) -> tuple[Encoder, Written | None]:
        """The encoder, and the version that it writes."""
        written = asked.find(schema, topic)
        if written is None:
            return unless_null(self._form.compile_values(schema, None, b"", self._settings, NOTHING)), None
        if self._encrypts or written.protection.fields or written.protection.payload:
            self.exposure.judge(before, written.in_force)
        frame = self._value_framing.frame(written.registered)
        watched, placed = written.protection.watched()
        named = f"{written.registered.subject} version {written.registered.version}"
        try:
            with understood(f"the schema of {named}", schema_fatal):
                encode = self._form.compile_values(
                    written.schema, written.registered.text, frame, self._settings, watched
                )
        except Fatal as difference:
            if difference.stage is not Stage.SCHEMA:
                raise
            raise Incompatible(difference.message, stage=Stage.SCHEMA) from None
        asked.compiled(written, placed)
        return unless_null(fitted(encode, schema, written.schema)), written

    def _refuse_tagged(self, before: Schema) -> None:
        """There is no registered schema whose rules could say what is protected: every tag counts."""
        if self._encrypts:
            self.exposure.judge_declared(before, None)


def _converter(
    key: str, default: str, connector: Mapping[str, str], worker: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Class and options: the connector's, else the worker's."""
    for given in (connector, worker):
        if name := given.get(key, "").strip():
            return name, {k[len(key) + 1 :]: v for k, v in given.items() if k.startswith(f"{key}.")}
    return default, {k[len(key) + 1 :]: v for k, v in connector.items() if k.startswith(f"{key}.")}


def _identity(record: ConnectRecord) -> tuple[int, str, int]:
    return id(record.value_schema), record.topic or "", id(record.key_schema)


def _fixed_topic(template: TopicTemplate, rows: Layout) -> str | None:
    constants = {"_ObjectType": rows.event.name, "_EventType": rows.event.schema_id}
    return template.fill(constants.__getitem__) if set(template.fields) <= set(constants) else None


def _not_by_value(data: Data) -> bytes:
    raise AssertionError("a transformed event is a record, not a value alone")
