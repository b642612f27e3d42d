"""From the id of an event's schema to the route of its events: declaration → schema → registered → encoder.

Which schema writes: the latest registered version where it covers the event, else that and the missing fields,
registered with its tags, metadata and rules; a schema somebody else wrote is never rendered anew. Nothing is
registered with ``auto.register.schemas=false``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from bridge.config import Loaded, TopicTemplate, registry_settings, topic_template
from bridge.errors import Fatal, Stage
from bridge.event import Data, Record
from bridge.formats import FORMATS, Format
from bridge.formats.options import flag
from bridge.formats.reader import read_with
from bridge.formats.rows import Layout, layout
from bridge.log import for_connector
from bridge.routes import Route
from bridge.schema.infer import record_schema
from bridge.schema.model import EventType, Schema
from bridge.schema.registry import Registered, Registry
from bridge.schema.registry_http import http_of
from bridge.schema.sources import EventTypes, Metadata, load_contract
from bridge.schema.subjects import prefix, subject_name

_CONVERTER = "value.converter."
_EVENT = "salesforce.platform.event.name"


class Writers:
    """The resolver of ``bridge.routes``. Asks Salesforce once for each schema id, the registry at every call."""

    def __init__(self, loaded: Loaded, rest: Metadata, registry: Registry | None = None) -> None:
        """ConfigurationError for a contract or registry settings that cannot be used."""
        config = loaded.connector
        self._log = for_connector(config.name)
        self._event: str = config[_EVENT]
        self._form = FORMATS[config["output.data.format"]]
        self._settings = config.prefixed(_CONVERTER)
        self._strict = flag(self._settings, "latest.compatibility.strict", True)
        self._template = topic_template(config)
        self._timestamps = config.get("bridge.record.timestamp") == "created_date"
        contract = load_contract(self._event, config.get("bridge.schema.contract"))
        self._types = EventTypes(self._event, rest, contract, self._log.warning)
        self._registration: _Registration | None = None
        if self._form.REGISTERED:
            self._registration = _Registration(
                registry or registry_of(loaded), self._form, self._settings, config, self._log
            )
        self._warned: set[tuple[str, ...]] = set()
        self._made: dict[str | None, tuple[Any, Route]] = {}

    def resolve(self, schema_id: str | None, sample: Data) -> Route:
        """The route of the events published with a schema. Raises Fatal, Retriable, ConfigurationError."""
        event = self._types.of(schema_id)
        schema = record_schema(event)
        topic = self._topic(event)
        written = None if self._registration is None else self._registration.written(schema, topic)
        key = (event, None if written is None else (written.id, written.subject, written.text))
        known = self._made.get(schema_id)
        if known is None or known[0] != key:
            self._warn_of_dropped(event, schema, sample, written)
            known = self._made[schema_id] = (key, self._route(event, schema, topic, written))
        return known[1]

    def close(self) -> None:
        """From any thread: wait for no registry any more. A request that is answered at once still works."""
        if self._registration is not None:
            self._registration.close()

    def _route(
        self, event: EventType, schema: Schema, topic: str | None, written: Registered | None
    ) -> Route:
        rows = layout(event, schema, drop_unknown=not self._strict)
        text = None if written is None else written.text
        frame = b"" if written is None else frame_of(written.id)
        convert = self._form.compile_fused(rows, text, frame, self._settings)
        record = None
        if topic is None or self._timestamps:
            encode = self._form.compile_rows(rows, text, frame, self._settings)
            record = _by_event(rows, self._template, topic, encode, timestamps=self._timestamps)
        return Route(topic or self._template.text, convert, record, describes(event, written))

    def _topic(self, event: EventType) -> str | None:
        """The topic of all events of the schema, None where it depends on the event."""
        constants = {"_ObjectType": event.name, "_EventType": event.schema_id}
        if not set(self._template.fields) <= set(constants):
            return None
        return self._template.fill(constants.__getitem__)

    def _warn_of_dropped(
        self, event: EventType, schema: Schema, sample: Data, written: Registered | None
    ) -> None:
        if self._strict:
            return
        lacking = () if written is None else self._form.missing_fields(schema, written.text, self._settings)
        dropped = tuple(sorted({*lacking, *_unknown(event, sample)}))
        if dropped and dropped not in self._warned:
            self._warned.add(dropped)
            self._log.warning(
                "latest.compatibility.strict=false: not written of %s: %s", event.name, ", ".join(dropped)
            )


class _Registration:
    """Which registered version writes a schema."""

    def __init__(
        self,
        registry: Registry,
        form: Format,
        settings: Mapping[str, str],
        config: Mapping[str, Any],
        log: Any,
    ) -> None:
        self._registry, self._form, self._settings, self._log = registry, form, settings, log
        self._auto = flag(settings, "auto.register.schemas", True)
        self._strategy = settings.get("value.subject.name.strategy") or "TopicNameStrategy"
        self._context = config.get("schema.context.name") or "default"
        self._plaintext = bool(config.get("bridge.csfle.allow.plaintext"))
        prefix(self._context)

    def close(self) -> None:
        """End a wait between two tries."""
        self._registry.close()

    def written(self, schema: Schema, topic: str | None) -> Registered:
        """The version to write with, registered where it has to be."""
        subject = self._subject(schema, topic)
        latest = self._registry.latest(subject)
        if latest is None:
            if not self._auto:
                raise Fatal(
                    f"the subject {subject} has no schema, and value.converter.auto.register.schemas is false; "
                    "register one, or let the connector do it",
                    stage=Stage.SCHEMA,
                )
            return self._register(subject, self._form.render(schema, self._settings), None)
        self._check(latest)
        lacking = self._form.missing_fields(schema, latest.text, self._settings)
        if not lacking or not self._auto:
            return latest
        self._log.info("%s lacks %s: registering a version with it", subject, ", ".join(lacking))
        return self._register(subject, self._form.with_fields(schema, latest.text, self._settings), latest)

    def _subject(self, schema: Schema, topic: str | None) -> str:
        if topic is None and self._strategy.rpartition(".")[2] != "RecordNameStrategy":
            raise Fatal(
                "kafka.topic depends on the event, so the subject cannot be named after it; set "
                "value.converter.value.subject.name.strategy=RecordNameStrategy",
                stage=Stage.CONFIGURATION,
            )
        return subject_name(self._strategy, topic or "", schema.name or "", self._context)

    def _register(self, subject: str, text: str, like: Registered | None) -> Registered:
        stored = self._registry.register(subject, text, type_=self._form.NAME, like=like)
        self._check(stored)
        self._log.info("registered %s version %s with id %s", stored.subject, stored.version, stored.id)
        return stored

    def _check(self, stored: Registered) -> None:
        """Fail closed: what is to be encrypted is not written in plaintext."""
        if stored.type != self._form.NAME:
            raise Fatal(
                f"the subject {stored.subject} holds a {stored.type} schema and the connector writes "
                f"{self._form.NAME}; give it another topic, context or output.data.format",
                stage=Stage.SCHEMA,
            )
        if stored.encrypts() and not self._plaintext:
            raise Fatal(
                f"the schema of {stored.subject} has ENCRYPT rules and nothing would be encrypted: "
                "bridge.csfle.allow.plaintext=true acknowledges that",
                stage=Stage.ENCRYPT,
            )


def registry_of(loaded: Loaded) -> Registry:
    """The registry a connector uses. ConfigurationError."""
    config = loaded.connector
    seconds = config.get("errors.retry.timeout", 300_000) / 1000
    longest = config.get("errors.retry.delay.max.ms", 60_000) / 1000
    settings = registry_settings(loaded.connector, loaded.worker)
    return Registry(
        http_of(settings, retry_seconds=seconds if seconds >= 0 else float("inf"), longest_wait=longest)
    )


def frame_of(schema_id: int) -> bytes:
    """The bytes before a value: magic byte and the schema's id."""
    return b"\0" + schema_id.to_bytes(4, "big")


def describes(event: EventType, written: Registered | None) -> str:
    """A route in words, for the log."""
    what = f"{event.name} schema {event.schema_id}"
    return (
        what if written is None else f"{what} as {written.subject} version {written.version} id {written.id}"
    )


def _by_event(
    rows: Layout,
    template: TopicTemplate,
    topic: str | None,
    encode: Callable[[Any], bytes],
    *,
    timestamps: bool,
) -> Callable[[Data], Record]:
    """The route where topic or timestamp depend on the event."""
    read = read_with(rows)
    attributes = {s.name: s.attribute for s in rows.slots}

    def record(data: Data) -> Record:
        row = read(data)

        def value_of(name: str) -> object:
            return getattr(row, attributes[name]) if name in attributes else None

        made = template.fill(value_of) if topic is None else topic
        created = value_of("CreatedDate") if timestamps else None
        return Record(made, encode(row), timestamp=created if isinstance(created, int) else None)

    return record


def _unknown(event: EventType, sample: Data) -> set[str]:
    try:
        given = msgspec.json.decode(sample.payload, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        return set()
    return (
        set(given) - {f.name for f in event.fields} - {"ReplayId", "EventUuid", "_ObjectType", "_EventType"}
    )
