"""What a connector would write, without writing it: events → records decoded, with their schema and tags.

Nothing is produced, nothing registered, no key is asked for, no position read or moved. A value that an encryption
rule meets is masked, whether ``csfle.enabled`` says so yet or not; so is everything that such a value may have got
into on its way through transforms.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec
from attrs import evolve, field, frozen

from bridge.config import Config, Loaded, registry_settings, topic_template
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.config.subscription import CHANGED_ENTITIES, carries_more, events
from bridge.encryption.rules import PAYLOAD, domain_rules, protecting, runs
from bridge.errors import BadRecord, BridgeError, Fatal
from bridge.event import Data, Message
from bridge.formats import form_of
from bridge.formats.options import flag
from bridge.formats.rows import Layout, layout
from bridge.inspection.declared import NOTHING, Declared
from bridge.inspection.masking import Protected, Shown, masked, shown
from bridge.languages.avro.wire import wire_of
from bridge.languages.tagging import Path, Tagged, tags_in
from bridge.log import for_connector
from bridge.metadata.infer import record_schema
from bridge.metadata.sources import EventTypes, Metadata, PassedOver, load_contracts
from bridge.model.contract import Contract, rule_set_document
from bridge.model.registry_documents import RuleDocument
from bridge.model.schema import EventType, Schema
from bridge.registry.client import Registry
from bridge.registry.http import http_of
from bridge.routing.changes import Changes, moment_of
from bridge.routing.conversion import ConversionGuard
from bridge.routing.exposure import Exposure
from bridge.routing.following import follow, marked
from bridge.routing.ledger import Memory
from bridge.routing.planning import Intent, Ways, intend
from bridge.transforms.chain import Chain
from bridge.transforms.configuration import chain_of
from bridge.transforms.record import ConnectRecord


@frozen
class Previewed:
    """One event and what would become of it."""

    replay_id: int
    event: str
    schema_id: str | None
    record: Shown | None = None
    """None: it would be dropped, or could not be carried."""
    steps: tuple[Shown, ...] = ()
    subject: str | None = None
    becomes: str = ""
    """Which version would write it, or why it would not be written, in words."""
    tags: Mapping[str, Mapping[str, str]] = field(factory=dict)
    masked: tuple[str, ...] = ()
    schema: str | None = None

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {
            "replayId": self.replay_id, "event": self.event, "schemaId": self.schema_id,
            "record": None if self.record is None else self.record.document(),
            "steps": [step.document() for step in self.steps],
            "subject": self.subject, "becomes": self.becomes, "tags": {n: dict(t) for n, t in self.tags.items()},
            "masked": list(self.masked), "schema": self.schema,
        }  # fmt: skip


@frozen
class _Found:
    """What would write a record. ``told``: whether the tags of what writes are known, so far as there are any."""

    subject: str | None
    words: str
    text: str | None = None
    rules: tuple[RuleDocument, ...] = ()
    reach: Tagged | None = None
    told: bool = True
    leaks: bool = False
    """Whether anything of the record may be a protected value."""


class Preview:
    """Makes previews for one connector. ``registry`` None: none is asked."""

    def __init__(
        self,
        loaded: Loaded,
        rest: Metadata,
        registry: Registry | None,
        *,
        explain: bool,
        memory: Memory | None = None,
    ) -> None:
        """ConfigurationError for a contract or transforms that are wrong."""
        config = self._config = loaded.connector
        self._registry, self._explain = registry, explain
        self._form = form_of(config["output.data.format"])
        self._settings = config.prefixed("value.converter.")
        self._strict = flag(self._settings, "latest.compatibility.strict", True)
        self._ways = Ways.of(config, self._settings)
        self._template = topic_template(config)
        self._contracts = load_contracts(events(config), config.get("bridge.schema.contract"))
        log = for_connector(config.name)
        self._guard = ConversionGuard(log)
        self._changes = Changes.of(config)
        self._types = EventTypes(
            events(config),
            rest,
            self._contracts,
            log.warning,
            protecting=bool(config.get("csfle.enabled")),
            some=carries_more(config),
            full_header=config.get("bridge.cdc.header") == "full",
        )
        self._chain: Chain = chain_of(config.raw())
        self._exposure = Exposure.of(config, self._template, self._chain)
        encrypts = bool(config.get("csfle.enabled")) and self._form.NAME in REGISTRY_TYPES
        remembered = memory or Memory()
        self._declared = Declared(
            encrypts, self._ways, registry, self._template, self._chain, self._exposure, remembered
        )
        self._rows: dict[str | None, tuple[EventType, Layout]] = {}
        self._known: dict[tuple[str, str, int], _Found] = {}
        self._marked: dict[str | None, tuple[frozenset[Path], Schema]] = {}

    def of(self, message: Message) -> Previewed:
        """The preview of one event; Fatal or Retriable only where Salesforce cannot be asked what it is."""
        data = message.data
        assert data is not None
        try:
            event, rows = self._layout(data, message)
        except PassedOver as other:
            words = f"is passed over, because {CHANGED_ENTITIES} does not name it"
            return Previewed(data.event.replayId, str(other), data.schema, becomes=words)
        begun = Previewed(data.event.replayId, event.name, data.schema)
        try:
            first, last, passed = self._passed(event, rows, data)
        except BadRecord as error:
            return evolve(begun, becomes=f"cannot be carried ({error.stage}): {error.message}")
        except BridgeError:
            raise
        except Exception as error:
            refusal = self._guard.refusal(error, partial(self._passed, event, rows), data)
            return evolve(begun, becomes=f"cannot be carried ({refusal.stage}): {refusal.message}")
        return self._shown(begun, event, first, last, passed)

    def _passed(
        self, event: EventType, rows: Layout, data: Data
    ) -> tuple[ConnectRecord, ConnectRecord, list[tuple[str, ConnectRecord | None]]]:
        """The record before the chain, after it, and after each transform. BadRecord."""
        values = msgspec.to_builtins(self._changes.reader(rows)(data))
        first = ConnectRecord(self._topic(event, values), rows.schema, values)
        if self._config.get("bridge.record.timestamp") == "created_date":
            first.timestamp = moment_of(values)
        return first, *self._through(first)

    def _shown(
        self,
        begun: Previewed,
        event: EventType,
        first: ConnectRecord,
        last: ConnectRecord,
        passed: list[tuple[str, ConnectRecord | None]],
    ) -> Previewed:
        dropped = bool(passed) and passed[-1][1] is None
        schema = first.value_schema
        assert schema is not None
        target = self._find(last, event, schema)
        protected = self._protected(event, target)
        followed = follow(self._chain, schema, target.reach, protected.protects)
        exposed = [*self._exposure.of_itself(followed.origins), *map(str, followed.leaks)]
        leaky = bool(exposed) or target.leaks
        # once more, with marks on what is protected: they go where the values go
        first = first.copy()
        first.value_schema = self._with_marks(begun.schema_id, schema, followed.origins)
        last, passed = self._through(first)
        refusal = None
        if not leaky:
            refusal = self._declared.lost(event, followed, protected, self._contracts.get(event.name))
            if refusal is None and self._declared.nothing(last.value_schema, protected):
                refusal = NOTHING
        if refusal is not None:
            protected = evolve(protected, anything=True, everything=True)
            leaky = self._declared.topics(event)[1] is None
            target = evolve(target, words=f"would be refused: {refusal}")
        steps = []
        if self._explain:
            inside = evolve(protected, reach=None)  # names of the written schema mean nothing on the way
            made_of_values = leaky and self._declared.topics(event)[0] is None
            itself = bool(self._exposure.of_itself(followed.origins)) or made_of_values
            steps = [shown("", first, inside, leaky=itself)]
            steps += [shown(a, r, inside, leaky=leaky) for a, r in passed if r is not None]
        words = target.words
        if exposed:
            words = f"would be refused: {'; '.join(exposed)}, where it would not be encrypted"
        if dropped:
            words = f"is dropped by transforms.{passed[-1][0]}"
        return evolve(
            begun,
            record=None if dropped else shown("", last, protected, leaky=leaky),
            steps=tuple(steps),
            subject=target.subject,
            becomes=words,
            tags=_all_tags(event, target),
            masked=tuple(masked(last.value_schema, protected)),
            schema=target.text,
        )

    def _through(self, first: ConnectRecord) -> tuple[ConnectRecord, list[tuple[str, ConnectRecord | None]]]:
        """What a record is at last, and after each transform; None: dropped."""
        last, passed = first.copy(), list[tuple[str, ConnectRecord | None]]()
        for alias, record in self._chain.explain(first):
            passed.append((alias, record))
            if record is None:
                break
            last = record
        return last, passed

    def _with_marks(self, schema_id: str | None, schema: Schema, origins: frozenset[Path]) -> Schema:
        """One schema for equal marks, as transforms remember schemas by identity."""
        cached = self._marked.get(schema_id)
        if cached is None or cached[0] != origins:
            cached = self._marked[schema_id] = (origins, marked(schema, origins))
        return cached[1]

    def _layout(self, data: Data, message: Message) -> tuple[EventType, Layout]:
        event = self._types.of(data.schema, message.channel, data.entity())
        cached = self._rows.get(data.schema)
        if cached is None:
            rows = layout(event, record_schema(event), drop_unknown=not self._strict, wire=wire_of(data))
            cached = self._rows[data.schema] = (event, rows)
        return cached

    def _topic(self, event: EventType, values: Mapping[str, object]) -> str:
        constants = {"_ObjectType": event.name, "_EventType": event.schema_id}
        return self._template.fill(lambda name: constants.get(name) or values.get(name))

    def _find(self, record: ConnectRecord, event: EventType, before: Schema) -> _Found:
        nobody = _Found(None, "", None)
        told = follow(self._chain, before, None, self._protected(event, nobody).protects)
        if self._exposure.of_itself(told.origins) or told.leaks:
            return (
                nobody  # its subject may be named after a protected value, and the registry is not to be told
            )
        refusal = self._declared.refusal(event, before, self._contracts.get(event.name))
        if refusal is not None:
            return _Found(None, f"would be refused: {refusal}", told=False, leaks=True)
        schema, topic = record.value_schema, record.topic or ""
        if self._form.NAME not in REGISTRY_TYPES:
            words = "written as Salesforce sent it" if self._changes.raw else "written without a schema"
            return _Found(None, words)
        if schema is None:
            return _Found(None, f"cannot be written: {self._form.NAME} needs a schema")
        key = (topic, event.name, id(schema))
        if key not in self._known:
            try:
                self._known[key] = self._asked(schema, topic, self._contracts.get(event.name))
            except Fatal as error:
                return _Found(None, f"cannot be written: {error.message}", told=False)
        return self._known[key]

    def _asked(self, schema: Schema, topic: str, contract: Contract | None) -> _Found:
        subject, latest, words = self._ways.subject(schema, topic) or "", None, "no registry was asked"
        if self._registry is not None:
            words = "its schema would be registered as the first"
            try:
                latest = self._registry.latest(subject)
            except BridgeError as error:
                words = f"the registry was not reached: {error.message}"
        try:
            intent = intend(self._ways, subject, latest, schema, contract)
        except Fatal as error:  # what cannot be encrypted; the tags of the others count all the same
            intent = intend(evolve(self._ways, encrypts=False), subject, latest, schema, contract)
            return evolve(self._of(intent, ""), words=f"cannot be written: {error.message}")
        return self._of(intent, words)

    def _of(self, intent: Intent, words: str) -> _Found:
        latest, writes = intent.latest, intent.writes
        if latest is not None:
            words = f"version {latest.version} (id {latest.id}) covers it"
            if intent.lacking:
                named = ", ".join(intent.lacking)
                words = (
                    f"version {latest.version} lacks {named}; a version with that would be registered"
                    if intent.auto
                    else f"version {latest.version} lacks {named}, and nothing may be registered"
                )
        kept = intent.in_force(writes)
        reach = tags_in(writes.text, writes.type, kept.metadata)
        return _Found(writes.subject, words, writes.text, tuple(kept.rules()), reach)

    def _protected(self, event: EventType, target: _Found) -> Protected:
        """By the rules of registry and contract that are in force. Where none is known and something ought to be
        encrypted, every tag counts."""
        contract = self._contracts.get(event.name)
        own = rule_set_document(contract, None) if contract else None
        rules = [rule for rule in (*domain_rules(own), *target.rules) if runs(rule)]
        if not rules and self._config.get("csfle.enabled"):
            return Protected(bool, target.reach, anything=True, everything=not target.told)
        everything = not target.told or any(rule["type"] == PAYLOAD for rule in rules)
        return Protected(protecting(rules), target.reach, bool(rules), everything)


def _all_tags(event: EventType, target: _Found) -> dict[str, dict[str, str]]:
    """Field → tag → origin, of contract, classification and registered schema."""
    tags: dict[str, dict[str, str]] = {f.name: dict(f.tags) for f in event.fields if f.tags}
    for name, registered in (target.reach.fields if target.reach else {}).items():
        for tag, origin in registered.items():
            tags.setdefault(name, {}).setdefault(tag, origin)
    return tags


def preview_of(
    loaded: Loaded, rest: Metadata, *, explain: bool = False, memory: Memory | None = None
) -> Preview:
    """Previews that ask the registry that is configured, if one is, without patience.

    ``memory``: what the connector has encrypted before; what is not encrypted any more is not shown.
    """
    settings, registry = registry_settings(loaded.connector, loaded.worker), None
    if settings.get("url"):
        registry = Registry(
            http_of(settings, retry_seconds=3, longest_wait=1, egress=loaded.connector.egress)
        )
    return Preview(loaded, rest, registry, explain=explain, memory=memory)


def connector_alone(connector: Config, worker: Config) -> Loaded:
    """A preview needs no broker, so what only concerns Kafka is not judged."""
    return Loaded(connector, worker)
