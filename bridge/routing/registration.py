"""Which registered version writes a schema, and how a subject grows with the event.

The latest version is used where it covers the event; else it is registered again with the missing fields, with
its metadata, rules and references kept: a schema somebody else wrote is never rendered anew. The same holds for
tags, metadata and rules that the contract has and the latest version lacks. Nothing is registered with
``auto.register.schemas=false``; with ``normalize.schemas=true`` the registry normalizes what is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve, frozen

from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.encryption.rules import EncryptRule, read_rules
from bridge.errors import Fatal, Stage
from bridge.formats import Format
from bridge.formats.options import flag
from bridge.languages.tagging import every_field, retagged, tags_in, with_metadata_tags
from bridge.model.contract import Contract, metadata_document, rule_set_document
from bridge.model.protection import NOTHING, Protection
from bridge.model.registered import Registered
from bridge.model.schema import Schema
from bridge.model.subjects import prefix, subject_name
from bridge.model.texts import ReferringText, imports_of
from bridge.registry.client import Registry
from bridge.routing.guard import Guard

"""``output.data.format`` → the registry's word."""


STRATEGY: Final = "value.converter.value.subject.name.strategy"


@frozen
class Written:
    """The version that writes, the record's schema as it is written, and what of it is encrypted."""

    registered: Registered
    schema: Schema
    protection: Protection
    dropped: Registered | None = None
    """The same with the contract's rules, where the registry does not keep rules."""

    @property
    def in_force(self) -> Registered:
        """With the rules that are followed."""
        return self.dropped or self.registered


class Registration:
    """Finds, and where it has to registers, the version that writes. Belongs to one thread."""

    def __init__(
        self,
        registry: Registry,
        form: Format,
        settings: Mapping[str, str],
        config: Mapping[str, Any],
        log: Any,
        guard: Guard | None = None,
    ) -> None:
        """``guard``: what is protected, None with ``csfle.enabled=false``."""
        self._registry, self._form, self._settings, self._log = registry, form, settings, log
        self._type = REGISTRY_TYPES[form.NAME]
        self._auto = flag(settings, "auto.register.schemas", True)
        self._normalize = flag(settings, "normalize.schemas", False)
        self._strategy = settings.get("value.subject.name.strategy") or "TopicNameStrategy"
        self._by_record = self._strategy.rpartition(".")[2] == "RecordNameStrategy"
        self._context = config.get("schema.context.name") or "default"
        self._plaintext = bool(config.get("bridge.csfle.allow.plaintext"))
        self._metadata_tags = bool(config.get("bridge.schema.metadata.tags"))
        self._guard = guard
        self._warned: set[str] = set()
        self._records: dict[str, str | None] = {}  # subject → the one record that goes there
        prefix(self._context)

    def close(self) -> None:
        """End a wait between two tries."""
        self._registry.close()

    def written(self, schema: Schema, topic: str | None, contract: Contract | None = None) -> Written:
        """The version to write with, registered where it has to be. Raises Incompatible, Fatal, Retriable."""
        subject = self._subject(schema, topic)
        latest = self._registry.latest(subject)
        if latest is None and not self._auto:
            raise Fatal(
                f"the subject {subject} has no schema, and value.converter.auto.register.schemas is false; "
                "register one, or let the connector do it",
                stage=Stage.SCHEMA,
            )
        if latest is not None:
            self._check(latest)
        rules = self._with_contract(latest or Registered(subject, 0, 0, "", self._type), contract)
        if self._guard is None:
            return Written(self._stored(schema, latest, rules, contract, frozenset()), schema, NOTHING)
        present = {} if latest is None else tags_in(latest.text, latest.type, latest.metadata).fields
        fitted = self._guard.adapted(schema, contract, rules, present)
        if fitted.more_rules:
            rules = evolve(rules, rule_set=with_payload_rules(rules.rule_set, fitted.more_rules))
        stored = self._stored(fitted.schema, latest, rules, contract, fitted.untagged)
        protection = self._guard.protection(stored, rules, fitted.schema)
        return Written(stored, fitted.schema, protection, self._guard.in_force(stored, rules))

    def rules(self, schema: Schema, topic: str | None, contract: Contract | None) -> list[EncryptRule]:
        """The encryption rules of the subject, registered or of the contract. Raises Fatal, Retriable."""
        declared = self.declared(schema, topic, contract)
        return read_rules(declared.rule_set, declared.metadata)

    def declared(self, schema: Schema, topic: str | None, contract: Contract | None) -> Registered:
        """What is known of a subject before anything is registered in it: its latest version, without a text where
        there is none, with the contract's rules. Raises Fatal, Retriable.

        ``topic`` None: it depends on the event. Where the subject does, too, the contract alone speaks.
        """
        latest = None
        subject = ""
        if topic is not None or self._by_record:
            subject = self._subject_of(schema, topic)
            latest = self._registry.latest(subject)
        return self._with_contract(latest or Registered(subject, 0, 0, "", self._type), contract)

    def _stored(
        self,
        schema: Schema,
        latest: Registered | None,
        rules: Registered,
        contract: Contract | None,
        untagged: frozenset[str],
    ) -> Registered:
        """What the registry has after it was told what it lacks; ``rules``: metadata and rule set in force."""
        if latest is None:
            self._prepare(rules.subject)
            first = evolve(rules, text=self._form.render(schema, self._settings))
            return self._register(self._tagged(first, schema, contract, untagged))
        lacking = self._form.missing_fields(schema, latest.text, self._settings)
        grown = latest
        if lacking and self._auto:
            known = self._with_history(latest)
            grown = evolve(latest, text=self._form.with_fields(schema, known, self._settings))
        retold = self._tagged(evolve(rules, text=grown.text), schema, contract, untagged)
        if retold == latest:
            return latest
        reasons = [
            *lacking,
            *(["tags"] if retold != evolve(rules, text=grown.text) else []),
            *(["rules"] if rules != latest else []),
        ]
        if not self._auto:
            if retold != evolve(latest, text=grown.text):
                self._say_untold(latest, reasons)
            return latest
        self._log.info("%s lacks %s: registering a version with it", latest.subject, ", ".join(reasons))
        return self._register(retold)

    def _with_history(self, latest: Registered) -> str:
        """The text; in Protobuf with those of earlier versions, whose numbers are not to be used again."""
        if self._type != "PROTOBUF":
            return latest.text
        numbers = [number for number in self._registry.versions(latest.subject) if number < latest.version]
        found = [self._registry.version(latest.subject, number) for number in numbers]
        earlier = [one.text for one in found if one is not None and one.type == self._type]
        return ReferringText(latest.text, imports_of(latest.text), earlier)

    def _tagged(
        self, stored: Registered, schema: Schema, contract: Contract | None, untagged: frozenset[str]
    ) -> Registered:
        reach = tags_in(stored.text, stored.type, stored.metadata)
        fields = {full: dotted for dotted, full in reversed(list(reach.names.items()))}
        names = reach.follow(schema)
        wanted: dict[str, set[str]] = {}
        spoken_for: set[str] = set()
        for path, each in every_field(schema):
            spoken = len(path) == 1 and (_speaks_of(contract, each.name) or each.name in untagged)
            if not each.tags and not spoken:
                continue
            for name in names[path] & fields.keys():
                wanted.setdefault(fields[name], set()).update(() if each.name in untagged else each.tags)
                if spoken:
                    spoken_for.add(fields[name])
        made = retagged(stored, wanted, spoken_for)
        return with_metadata_tags(made) if self._metadata_tags else made

    def _say_untold(self, latest: Registered, reasons: list[str]) -> None:
        """Tags or rules of the contract that may not be registered; the contract is followed all the same."""
        text = (
            f"{latest.subject} version {latest.version} has not the {' and '.join(reasons)} of the contract, and "
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
        """Connect's open JSON Schema plus a field is incompatible for a strict registry, so a new subject is
        told to be lenient."""
        if self._type != "JSON":
            return
        try:
            self._registry.set_config(subject, {"compatibilityPolicy": "LENIENT"})
            # a registry that does not know the policy takes it without a word, and forgets it
            known = self._registry.config(subject).get("compatibilityPolicy") == "LENIENT"
            problem = None if known else "the registry does not know it"
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

    def _with_contract(self, stored: Registered, contract: Contract | None) -> Registered:
        """With the contract's metadata and rules over what is there; a rule of the same name is replaced."""
        if contract is None:
            return stored
        metadata = metadata_document(contract, stored.metadata)
        rules = rule_set_document(contract, stored.rule_set)
        return evolve(stored, metadata=metadata, rule_set=rules)

    def _subject_of(self, schema: Schema, topic: str | None) -> str:
        if topic is None and not self._by_record:
            raise Fatal(
                "kafka.topic depends on the event, so the subject cannot be named after it; set "
                f"{STRATEGY}=RecordNameStrategy",
                stage=Stage.CONFIGURATION,
            )
        return subject_name(self._strategy, topic or "", schema.name or "", self._context)

    def _subject(self, schema: Schema, topic: str | None) -> str:
        """The subject, which from now on is that record's."""
        subject = self._subject_of(schema, topic)
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
            wanted.subject, wanted.text, type_=self._type, like=wanted, normalize=self._normalize
        )
        self._check(stored)
        self._log.info("registered %s version %s with id %s", stored.subject, stored.version, stored.id)
        return stored

    def _check(self, stored: Registered) -> None:
        """Fail closed: what is to be encrypted is not written in plaintext."""
        if stored.type != self._type:
            raise Fatal(
                f"the subject {stored.subject} holds a {stored.type} schema and the connector writes "
                f"{self._form.NAME}; give it another topic, context or output.data.format",
                stage=Stage.SCHEMA,
            )
        if stored.encrypts() and self._guard is None and not self._plaintext:
            raise Fatal(
                f"the schema of {stored.subject} has ENCRYPT rules and nothing would be encrypted: "
                "bridge.csfle.allow.plaintext=true acknowledges that",
                stage=Stage.ENCRYPT,
            )


def with_payload_rules(
    rule_set: Mapping[str, Any] | None, rules: tuple[Mapping[str, Any], ...]
) -> dict[str, Any]:
    """The rule set with rules for the payload that it has not yet."""
    found = dict(rule_set or {})
    known = list(found.get("encodingRules") or ())
    names = {rule.get("name") for rule in known}
    found["encodingRules"] = [*known, *(rule for rule in rules if rule["name"] not in names)]
    return found


def _speaks_of(contract: Contract | None, name: str) -> bool:
    return contract is not None and name in contract.fields
