"""From the id of an event's schema to the route of its events: declaration → schema → registered → encoder.

Which schema writes: the latest registered version where it covers the event, else that and the missing fields,
registered with its tags, metadata and rules; a schema somebody else wrote is never rendered anew. Nothing is
registered with ``auto.register.schemas=false``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from threading import RLock

from bridge.config import Loaded, topic_template
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.config.subscription import carries_more, events, is_change
from bridge.documents import understood
from bridge.encryption.rules import EncryptRule
from bridge.errors import Fatal, SetAside, Stage
from bridge.errors.words import name_words
from bridge.event import Data
from bridge.formats import form_of
from bridge.formats.json import CHANGED_ONLY
from bridge.formats.options import flag
from bridge.formats.rows import layout
from bridge.languages.avro.wire import Wire, wire_of
from bridge.languages.tagging import Path
from bridge.log import for_connector
from bridge.metadata.classification import LastAnswers
from bridge.metadata.infer import record_schema
from bridge.metadata.sources import EventTypes, Metadata, PassedOver, load_contracts
from bridge.model.contract import protects as says_to_protect
from bridge.model.protection import NOTHING
from bridge.model.registered import Registered
from bridge.model.schema import EventType, Schema
from bridge.model.subjects import qualified
from bridge.registry.client import Incompatible, Registry, schema_fatal
from bridge.retry import patience
from bridge.routing.changes import Changes, by_change, not_carried
from bridge.routing.demands import check_contract, check_secrets, no_core_dumps, rules_of
from bridge.routing.elsewhere import anything_sealed, plans
from bridge.routing.exposure import Exposure
from bridge.routing.following import REMEMBERED, marked
from bridge.routing.guard import Guard, deks_of
from bridge.routing.keys import judging
from bridge.routing.ledger import Ledger
from bridge.routing.letters import Letters, SealedLetters
from bridge.routing.planning import Intent, value_framing
from bridge.routing.records import alone, by_event, with_header
from bridge.routing.registration import Registration, Written
from bridge.routing.registries import registry_http, registry_of
from bridge.routing.route import Renewed, Route
from bridge.routing.telling import describes, identity, tags_of_fields, unknown_fields
from bridge.routing.transforming import Asked, Transforming
from bridge.transforms.chain import Chain
from bridge.transforms.wanted import needs_chain

_CONVERTER = "value.converter."


class Writers:
    """The resolver of ``routes.py``. Asks Salesforce once for each schema id, the registry at every call."""

    def __init__(
        self,
        loaded: Loaded,
        rest: Metadata,
        registry: Registry | None = None,
        ensure_topic: Callable[[str], None] = lambda name: None,
        classified: LastAnswers | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        """ConfigurationError for a contract or registry settings that cannot be used.

        ``ensure_topic``: checks, and may create, a topic that transforms route to, or of an event that the
        configuration does not name. ``classified``: how fields were
        classified so far, kept over attempts. ``ledger``: one that remembers what was sealed before.
        """
        config = loaded.connector
        self._log = for_connector(config.name)
        # Who asks whom belongs to one thread at a time: the data path's, or the one that looks routes up beside it.
        self.turn = RLock()
        self.ledger = Ledger() if ledger is None else ledger
        self.ledger.allow = bool(config.get("bridge.csfle.allow.plaintext"))
        self.ledger.warn, self.ledger.info = self._log.warning, self._log.info
        self.ledger.elsewhere = self._sealed_elsewhere
        self._events = events(config)
        self._form = form_of(config["output.data.format"])
        self._settings = config.prefixed(_CONVERTER)
        if config.get("bridge.cdc.fields") == "changed":
            self._settings = {**self._settings, CHANGED_ONLY: "true"}
        self._strict = flag(self._settings, "latest.compatibility.strict", True)
        self._framing = value_framing(self._form, self._settings)
        self._template = topic_template(config)
        self._timestamps = config.get("bridge.record.timestamp") == "created_date"
        self._contracts = load_contracts(events(config), config.get("bridge.schema.contract"))
        for contract in self._contracts.values():
            check_contract(contract, config)
        ttl = config.get("bridge.schema.latest.ttl.ms", 300_000) / 1000
        self._changes, self._of_changes = Changes.of(config), is_change(config)
        self._types = EventTypes(
            events(config),
            rest,
            self._contracts,
            self._log.warning,
            protecting=bool(config.get("csfle.enabled")),
            some=carries_more(config),
            full_header=config.get("bridge.cdc.header") == "full",
            ttl=ttl,
            patience=patience(config),
            last=classified,
        )
        self._set_aside = config.get("bridge.schema.on.incompatible") == "dead_letter"
        self._registration: Registration | None = None
        self.guard: Guard | None = None
        self._letters: SealedLetters | None = None
        self._context = config.get("schema.context.name") or "default"
        if self._form.NAME in REGISTRY_TYPES:
            http = None if registry is not None else registry_http(loaded)
            if config.get("csfle.enabled"):
                check_secrets(config, loaded.worker)
                no_core_dumps()
                deks = deks_of(loaded, http or registry_http(loaded))
                judging(deks, loaded, self._contracts.values(), self.ledger, self._log.warning)
                self.guard = Guard(deks, self._log.warning)
            self._registration = Registration(
                registry or Registry(http or registry_http(loaded)),
                self._form,
                self._settings,
                config,
                self._log,
                self.guard,
            )
        self._ensure_topic = ensure_topic
        self._transforming: Transforming | None = None
        if needs_chain(config.raw()):
            self._transforming = Transforming(
                loaded,
                self._form,
                self._settings,
                lambda: registry or registry_of(loaded),
                ensure_topic,
                self.turn,
            )
        self._chain = Chain(()) if self._transforming is None else self._transforming.chain
        self._exposure = Exposure.of(config, self._template, self._chain)
        self._warned: set[tuple[str, ...]] = set()
        self._made: dict[str | None, tuple[object, Route]] = {}
        self._schemas: dict[str | None, tuple[object, Schema]] = {}

    def resolve(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Route:
        """The route of the events published with a schema, and the key for its dead letters; as ``_resolved``."""
        with self.turn:
            route = self._resolved(schema_id, sample, channel)
            if self._letters is not None:
                self._letters.prepare()
            self.ledger.settle()
            return route

    def look_up(self, schema_id: str | None, sample: Data, channel: str | None = None) -> Renewed:
        """The same from a thread beside the data path, with what is to be stored before the route is used."""
        with self.turn, self.ledger.later():
            route = self.resolve(schema_id, sample, channel)
            return Renewed(route, self.ledger.settling())

    def forget(self, schema_id: str | None) -> None:
        """Keep nothing of a schema that is not used any more; waits for nobody."""
        self._made.pop(schema_id, None)
        self._schemas.pop(schema_id, None)
        self._types.forget(schema_id)

    def _resolved(self, schema_id: str | None, sample: Data, channel: str | None) -> Route:
        """The route of the events published with a schema. Raises Fatal, Retriable, ConfigurationError.

        ``channel``: of the sample's message; it names the event where Salesforce does not know the schema id.
        With ``bridge.schema.on.incompatible=dead_letter`` the route of an incompatible schema refuses its events.
        """
        try:
            event = self._types.of(schema_id, channel, sample.entity() if self._of_changes else None)
        except PassedOver as other:
            return not_carried(str(other), schema_id)
        schema = self._schema(schema_id, event)
        if self._transforming is not None:
            return self._transformed(schema_id, event, schema, sample)
        topic = self._topic(event)
        if topic is not None and not self._events:  # it could not be prepared before anybody knew the event
            self._ensure_topic(topic)
        if self.guard is not None and self._exposure.fields:
            before = marked(schema, self._remembered(event), REMEMBERED)
            self._exposure.judge_declared(before, self._declared(event, schema, topic))
        try:
            written = self._written(event, schema, topic)
        except Incompatible as difference:
            return self._refusing(difference, event, topic)
        key = (
            event,
            tags_of_fields(event),
            None if written is None else identity(written),
            wire_of(sample),
        )
        cached = self._made.get(schema_id)
        if cached is None or cached[0] != key:
            self._warn_of_dropped(event, schema, sample, written)
            try:
                with understood(f"what would be written for {event.name}", schema_fatal):
                    route = self._route(event, schema, topic, written, wire_of(sample))
            except Fatal as difference:
                if written is None or difference.stage is not Stage.SCHEMA:
                    raise
                registered = written.registered
                subject = f"{registered.subject} version {registered.version}"
                text = f"{event.name} does not fit {subject}: {difference.message}"
                return self._refusing(Fatal(text, stage=Stage.SCHEMA), event, topic)
            cached = self._made[schema_id] = (key, route)
        return cached[1]

    def _schema(self, schema_id: str | None, event: EventType) -> Schema:
        """The same object for the same declaration, because transforms know schemas by that."""
        key = event, tags_of_fields(event)
        cached = self._schemas.get(schema_id)
        if cached is None or cached[0] != key:
            cached = self._schemas[schema_id] = key, record_schema(event)
        return cached[1]

    def _written(self, event: EventType, schema: Schema, topic: str | None) -> Written | None:
        if self._registration is None:
            return None
        contract = self._contracts.get(event.name)
        excused = partial(self.ledger.may_be_plain, event.name, contract)
        return self._registration.written(schema, topic, contract, excused)

    def _declared(self, event: EventType, schema: Schema, topic: str | None) -> Registered | None:
        if self._registration is None:
            return None
        return self._registration.declared(schema, topic, self._contracts.get(event.name))

    def _transformed(self, schema_id: str | None, event: EventType, schema: Schema, sample: Data) -> Route:
        rows = layout(event, schema, drop_unknown=not self._strict, wire=wire_of(sample))

        def find(after: Schema, topic: str) -> Written | None:
            return self._written(event, after, topic)

        def compiled(written: Written, placed: set[str]) -> None:
            self._enter(event, schema, written, placed)

        def unwritten() -> None:
            if self.guard is not None:
                self.ledger.unwritten(event.name, schema, self._chain, self._contracts.get(event.name))

        def declared(after: Schema, topic: str | None) -> Registered | None:
            return self._declared(event, after, topic)

        assert self._transforming is not None
        contract = self._contracts.get(event.name)
        by_contract = contract is not None and says_to_protect(contract)
        asked = Asked(find, declared, compiled, unwritten, by_contract, self._remembered(event))
        before = self._made.get(schema_id)
        earlier = () if before is None else before[1].samples()
        route = self._transforming.route(rows, self._template, asked, sample, describes(event, None), earlier)
        self._made[schema_id] = None, route
        return route

    def _remembered(self, event: EventType) -> frozenset[Path]:
        return self.ledger.remembered(event.name, self._contracts.get(event.name))

    def _enter(self, event: EventType, before: Schema, written: Written, placed: set[str]) -> None:
        """An encoder was compiled: may it be used? Fatal."""
        if self.guard is not None:
            self.ledger.enter(event.name, before, self._chain, written, placed)

    def _sealed_elsewhere(self, event: str) -> bool:
        """Whether anything of another event of the connector would be encrypted. Raises Retriable."""
        others = (self._types.today(name) for name in self._events if name != event)
        return anything_sealed(others, self._template, self._chain, self._planned)

    def _refusing(self, difference: Fatal, event: EventType, topic: str | None) -> Route:
        """Stop, or a route to the dead-letter topic for every event of this schema."""
        if not self._set_aside:
            raise difference
        self._log.warning(
            "events with schema %s become dead letters: %s", event.schema_id, difference.message
        )

        def refuse(data: Data) -> bytes:
            raise SetAside(difference.message, stage=Stage.SCHEMA, position=data.event.replayId)

        return Route(
            topic or self._template.text, refuse, None, f"{event.name} schema {event.schema_id}: refused"
        )

    def letters(self, plain: Letters | None) -> Letters | None:
        """Dead letters as they may be written: encrypted whole where the connector encrypts anything."""
        if self.guard is None or plain is None:
            return plain
        subject = qualified(f"{plain.topic}-value", self._context)
        self._letters = SealedLetters(plain, subject, self.guard.deks, self._letter_rule, self.turn)
        return self._letters

    def _letter_rule(self) -> EncryptRule | None:
        """A rule of the connector, None where it is acknowledged that it encrypts nothing. Raises Fatal, Retriable."""
        assert self.guard is not None
        # the contract's key before one that the registry adds; none was resolved yet of what could not even be parsed
        rule = next(chain(rules_of(self._contracts.values()), self.guard.rules, self._rules_of_today()), None)
        if rule is None and not (self.ledger.allow and not self.ledger.seals):
            raise Fatal(
                "an event cannot be put aside, since it would have to be encrypted and no ENCRYPT rule is known yet",
                stage=Stage.ENCRYPT,
            )
        return rule

    def _rules_of_today(self) -> Iterator[EncryptRule]:
        assert self._registration is not None
        events_of_today = (self._types.today(name) for name in self._events)
        for plan in plans(events_of_today, self._template, self._chain, self._planned):
            yield from plan.rules(plan.writes)

    def _planned(self, event: EventType, schema: Schema, topic: str | None) -> Intent | None:
        if self._registration is None:
            return None
        return self._registration.planned(schema, topic, self._contracts.get(event.name))

    def close(self) -> None:
        """From any thread: wait for nothing any more. A request that is answered at once still works."""
        self._types.close()
        if self._registration is not None:
            self._registration.close()
        if self.guard is not None:
            self.guard.close()
        if self._transforming is not None:
            self._transforming.close()

    def _route(
        self, event: EventType, schema: Schema, topic: str | None, written: Written | None, wire: Wire | None
    ) -> Route:
        registered = None if written is None else written.registered
        described = schema if written is None else written.schema
        rows = layout(event, described, drop_unknown=not self._strict, wire=wire)
        text = None if registered is None else registered.text
        frame = b"" if registered is None else self._framing.frame(registered)
        protection = NOTHING if written is None else written.protection
        if written is not None and self.guard is not None:
            self._exposure.judge(schema, written.in_force)
        watched, placed = protection.watched()
        convert = self._form.compile_fused(rows, text, frame, self._settings, watched)
        record = None
        if event.entity is not None:
            watched, placed_by_row = protection.watched()
            encode = self._form.compile_rows(rows, text, frame, self._settings, watched)
            placed &= placed_by_row
            record = by_change(
                rows,
                self._template,
                topic,
                encode,
                protection.count,
                self._changes,
                timestamps=self._timestamps,
            )
        elif topic is None or self._timestamps:
            watched, placed_by_row = protection.watched()
            encode = self._form.compile_rows(rows, text, frame, self._settings, watched)
            placed &= placed_by_row
            record = by_event(
                rows, self._template, topic, encode, protection.count, timestamps=self._timestamps
            )
        if registered is not None and self._framing.header is not None:
            record = with_header(record or alone(topic or "", convert, protection.count), self._framing)
        if written is not None:
            self._enter(event, schema, written, placed)
        return Route(
            topic or self._template.text, convert, record, describes(event, registered), protection.count
        )

    def _topic(self, event: EventType) -> str | None:
        """The topic of all events of the schema, None where it depends on the event."""
        constants = {"_ObjectType": event.name, "_EventType": event.schema_id}
        if not set(self._template.fields) <= set(constants):
            return None
        return self._template.fill(constants.__getitem__)

    def _warn_of_dropped(
        self, event: EventType, schema: Schema, sample: Data, written: Written | None
    ) -> None:
        if self._strict:
            return
        lacking: tuple[str, ...] = ()
        if written is not None:
            lacking = self._form.missing_fields(written.schema, written.registered.text, self._settings)
        dropped = tuple(sorted({*lacking, *unknown_fields(event, sample)}))
        if dropped and dropped not in self._warned:
            self._warned.add(dropped)
            self._log.warning(
                "latest.compatibility.strict=false: not written of %s: %s",
                event.name,
                ", ".join(map(name_words, dropped)),
            )
