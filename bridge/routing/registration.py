"""Which registered version writes a schema, and how a subject grows with the event.

The latest version is used where it covers the event; else it is registered again with the missing fields, with
its metadata, rules and references kept: a schema somebody else wrote is never rendered anew. The same holds for
tags, metadata and rules that the contract has and the latest version lacks. Nothing is registered with
``auto.register.schemas=false``; with ``normalize.schemas=true`` the registry normalizes what is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Final

from attrs import evolve, frozen

from bridge.config import Config
from bridge.documents import understood
from bridge.errors import Fatal, Stage
from bridge.formats import Format
from bridge.formats.options import flag
from bridge.languages.traits import traits_of
from bridge.log import ConnectorLog
from bridge.model.contract import Contract
from bridge.model.protection import NOTHING, Protection
from bridge.model.registered import Registered
from bridge.model.schema import Schema
from bridge.model.subjects import prefix
from bridge.model.texts import ReferringText, imports_of
from bridge.registry.client import Registry, schema_fatal
from bridge.routing.guard import Guard
from bridge.routing.planning import BY_RECORD, STRATEGY, Intent, Ways, intend, with_contract


@frozen
class Written:
    """The version that writes, the plan it follows, and the seals."""

    registered: Registered
    intent: Intent
    protection: Protection

    @property
    def schema(self) -> Schema:
        """The record's schema as it is written."""
        return self.intent.schema

    @property
    def in_force(self) -> Registered:
        """The version with the rules that are followed."""
        return self.intent.in_force(self.registered)


class Registration:
    """Finds, and where it has to registers, the version that writes. Belongs to one thread."""

    def __init__(
        self,
        registry: Registry,
        form: Format,
        settings: Mapping[str, str],
        config: Config,
        log: ConnectorLog,
        guard: Guard | None = None,
    ) -> None:
        """``guard``: what is protected, None with ``csfle.enabled=false``."""
        self._registry, self._log, self._guard = registry, log, guard
        self.ways: Final = evolve(Ways.of(config, settings, form), encrypts=guard is not None)
        self._normalize = flag(settings, "normalize.schemas", False)
        self._plaintext = bool(config.get("bridge.csfle.allow.plaintext"))
        self._warned: set[str] = set()
        self._records: dict[str, str | None] = {}  # subject → the one record that goes there
        prefix(self.ways.context)

    def close(self) -> None:
        """End a wait between two tries."""
        self._registry.close()

    def written(
        self,
        schema: Schema,
        topic: str | None,
        contract: Contract | None = None,
        excused: Callable[[], bool] = lambda: False,
    ) -> Written:
        """The version to write with, registered where it has to be. Raises Incompatible, Fatal, Retriable.

        ``excused``: whether there need not be any rule that encrypts.
        """
        subject = self._subject(schema, topic)
        with understood(f"what is registered for {subject}", schema_fatal):
            return self._settled(subject, schema, contract, excused)

    def _settled(
        self, subject: str, schema: Schema, contract: Contract | None, excused: Callable[[], bool]
    ) -> Written:
        latest = self._registry.latest(subject)
        if latest is None and not self.ways.auto:
            raise Fatal(
                f"the subject {subject} has no schema, and value.converter.auto.register.schemas is false; "
                "register one, or let the connector do it",
                stage=Stage.SCHEMA,
            )
        intent = self._intend(subject, latest, schema, contract)
        if self._guard is not None:
            self._guard.check_rules(intent, excused)
        stored = self._stored(intent)
        if self._guard is None:
            return Written(stored, intent, NOTHING)
        return Written(stored, intent, self._guard.protection(intent, stored))

    def planned(self, schema: Schema, topic: str | None, contract: Contract | None) -> Intent | None:
        """The plan, with nothing registered; None where the subject depends on the event. Raises Fatal, Retriable."""
        subject = self.ways.subject(schema, topic)
        if subject is None:
            return None
        with understood(f"what is registered for {subject}", schema_fatal):
            return self._intend(subject, self._registry.latest(subject), schema, contract)

    def _intend(
        self, subject: str, latest: Registered | None, schema: Schema, contract: Contract | None
    ) -> Intent:
        if latest is not None:
            self._check(latest)
        say = (lambda text: None) if self._guard is None else self._guard.say
        return intend(self.ways, subject, latest, schema, contract, history=self._with_history, say=say)

    def declared(self, schema: Schema, topic: str | None, contract: Contract | None) -> Registered:
        """What is known of a subject before anything is registered in it: its latest version with the fields that it
        lacks, or the first that would be, and the contract's rules. Raises Fatal, Retriable.

        ``topic`` None: it depends on the event. Where the subject does, too, the contract alone speaks.
        """
        return declared(self.ways, self._registry, schema, topic, contract)

    def _stored(self, intent: Intent) -> Registered:
        """What the registry has after it was told what it lacks."""
        latest, wanted = intent.latest, intent.wanted
        if latest is None:
            self._prepare(wanted.subject)
            return self._register(wanted)
        if wanted == latest:
            return latest
        if not self.ways.auto:
            if intent.reasons != list(intent.lacking):
                self._say_untold(latest, intent.reasons)
            return latest
        self._log.info(
            "%s lacks %s: registering a version with it", latest.subject, ", ".join(intent.reasons)
        )
        return self._register(wanted)

    def _with_history(self, latest: Registered) -> str:
        """The text; where fields are numbers with those of earlier versions, whose numbers are not to be used again."""
        if not traits_of(self.ways.type).numbered:
            return latest.text
        numbers = [number for number in self._registry.versions(latest.subject) if number < latest.version]
        versions = [self._registry.version(latest.subject, number) for number in numbers]
        earlier = [one.text for one in versions if one is not None and one.type == self.ways.type]
        return ReferringText(latest.text, imports_of(latest.text), earlier)

    def _say_untold(self, latest: Registered, reasons: list[str]) -> None:
        """Tags or rules of the contract that may not be registered; the contract is followed all the same."""
        text = (
            f"{latest.subject} version {latest.version} lacks the {' and '.join(reasons)} of the contract, and "
            "value.converter.auto.register.schemas is false"
        )
        if text not in self._warned:
            self._warned.add(text)
            told = (
                ""
                if self._guard is None
                else "; fields are encrypted, and readers will not decrypt by themselves"
            )
            self._log.warning("%s%s: sfbridge schemas register adds them", text, told)

    def _prepare(self, subject: str) -> None:
        """An open JSON Schema plus a field is incompatible for a strict registry, so a new subject is
        told to be lenient."""
        if not traits_of(self.ways.type).strict:
            return
        try:
            self._registry.set_config(subject, {"compatibilityPolicy": "LENIENT"})
            # a registry that does not know the policy takes it without a word, and forgets it
            lenient = self._registry.config(subject).get("compatibilityPolicy") == "LENIENT"
            problem = None if lenient else "the registry does not know it"
        except Fatal as refused:
            problem = refused.message
        if problem is not None and f"LENIENT {subject}" not in self._warned:
            self._warned.add(f"LENIENT {subject}")
            self._log.warning(
                "compatibilityPolicy=LENIENT cannot be set for %s (%s): a field added to the event will be refused "
                "as incompatible",
                subject,
                problem,
            )

    def _subject(self, schema: Schema, topic: str | None) -> str:
        subject = self.ways.subject(schema, topic)
        if subject is None:
            raise Fatal(f"{STRATEGY} {BY_RECORD}", stage=Stage.CONFIGURATION)
        first = self._records.setdefault(subject, schema.name)
        if first != schema.name:
            raise Fatal(
                f"{first} and {schema.name} both come to topic {topic}, and one subject ({subject}) cannot hold two "
                f"records: set {STRATEGY}=RecordNameStrategy or TopicRecordNameStrategy, or let the transforms send "
                "them to different topics",
                stage=Stage.SCHEMA,
            )
        return subject

    def _register(self, wanted: Registered) -> Registered:
        stored = self._registry.register(
            wanted.subject, wanted.text, type_=self.ways.type, like=wanted, normalize=self._normalize
        )
        self._check(stored)
        self._log.info("registered %s version %s with id %s", stored.subject, stored.version, stored.id)
        return stored

    def _check(self, stored: Registered) -> None:
        check_stored(stored, self.ways, encrypts=self._guard is not None, plaintext=self._plaintext)


def check_stored(stored: Registered, ways: Ways, *, encrypts: bool, plaintext: bool) -> None:
    """Fail closed: what is to be encrypted is not written in plaintext. Fatal, also for a subject of another format.

    ``encrypts``: whether anything would be; ``plaintext``: somebody acknowledged that nothing is.
    """
    if stored.type != ways.type:
        raise Fatal(
            f"the subject {stored.subject} holds a {stored.type} schema and the connector writes "
            f"{ways.form.NAME}; give it another topic, context or output.data.format",
            stage=Stage.SCHEMA,
        )
    if stored.encrypts() and not encrypts and not plaintext:
        raise Fatal(
            f"the schema of {stored.subject} has ENCRYPT rules and nothing would be encrypted: "
            "bridge.csfle.allow.plaintext=true acknowledges that",
            stage=Stage.ENCRYPT,
        )


def declared(
    ways: Ways, registry: Registry, schema: Schema, topic: str | None, contract: Contract | None
) -> Registered:
    """See :meth:`Registration.declared`."""
    subject = ways.subject(schema, topic)
    latest = None if subject is None else registry.latest(subject)
    if latest is None:
        latest = Registered(subject or "", 0, 0, ways.form.render(schema, ways.settings), ways.type)
    elif latest.type == ways.type:
        # patterns of metadata.tags speak of fields that no version has yet
        with contextlib.suppress(Fatal):  # what does not fit is said where it is registered
            if ways.form.missing_fields(schema, latest.text, ways.settings):
                latest = evolve(latest, text=ways.form.with_fields(schema, latest.text, ways.settings))
    return with_contract(latest, contract)
