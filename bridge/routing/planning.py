"""What would be written of a record's schema: the one plan that resolver, preview, online checks and commands share.

From the subject's latest version (as somebody read it) and the contract follow the fields that are lacking, the text
that would write, the rules in force and what they seal. Nothing is asked of anybody and nothing is registered here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from attrs import evolve, field, frozen

from bridge.config import Config
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.encryption.rules import EncryptRule, Plan, Say, StrayTagError, plan, read_rules
from bridge.errors import Fatal, Stage, fatal
from bridge.formats import Format, form_of
from bridge.formats.options import flag
from bridge.languages.tagging import every_field, retagged, tags_in, with_metadata_tags
from bridge.languages.traits import traits_of
from bridge.model.contract import Contract, covers, metadata_document, rule_document, rule_set_document
from bridge.model.framing import VALUE_HEADER, Framing
from bridge.model.registered import Registered
from bridge.model.registry_documents import RuleDocument
from bridge.model.schema import Schema
from bridge.model.subjects import subject_name
from bridge.routing.unfit import Adapted, adapted

STRATEGY: Final = "value.converter.value.subject.name.strategy"
BY_RECORD: Final = (
    "must be RecordNameStrategy, because kafka.topic depends on the event, "
    "and the subject cannot be named after it"
)


@frozen
class Ways:
    """What of a connector's configuration decides how a schema is written."""

    form: Format
    settings: Mapping[str, str] = field(factory=dict)
    context: str = "default"
    metadata_tags: bool = False
    encrypts: bool = False

    @classmethod
    def of(cls, config: Config, settings: Mapping[str, str], form: Format | None = None) -> Ways:
        """``settings``: the converter's, without ``value.converter.``; ``form``: where the configuration names none."""
        return cls(
            form or form_of(config["output.data.format"]),
            settings,
            config.get("schema.context.name") or "default",
            bool(config.get("bridge.schema.metadata.tags")),
            bool(config.get("csfle.enabled")),
        )

    @property
    def type(self) -> str:
        """The registry's word for the format."""
        return REGISTRY_TYPES[self.form.NAME]

    @property
    def auto(self) -> bool:
        """Whether anything may be registered."""
        return flag(self.settings, "auto.register.schemas", True)

    def subject(self, schema: Schema, topic: str | None) -> str | None:
        """The subject of a record's schema in a topic; None where its name needs the topic and that is not known."""
        strategy = self.settings.get("value.subject.name.strategy") or "TopicNameStrategy"
        if topic is None and strategy.rpartition(".")[2] != "RecordNameStrategy":
            return None
        return subject_name(strategy, topic or "", schema.name or "", self.context)


def value_framing(form: Format, settings: Mapping[str, str]) -> Framing:
    """Where a value says which schema wrote it; nowhere in a format without registered schemas."""
    language = REGISTRY_TYPES.get(form.NAME)
    if language is None:
        return Framing()
    return Framing.of(settings, VALUE_HEADER, indexed=traits_of(language).numbered)


@frozen
class Intent:
    """A plan. ``wanted``: what the registry ought to hold, ``lacking``: fields the latest version has not."""

    schema: Schema
    """As it is written: with what the contract's ``otherwise`` makes of fields that cannot be encrypted."""
    wanted: Registered
    lacking: tuple[str, ...] = ()
    latest: Registered | None = None
    contract: Contract | None = None
    more_rules: tuple[RuleDocument, ...] = ()
    auto: bool = True
    grown: str = ""
    """The text of ``wanted`` without tags that the latest version has not."""

    @property
    def writes(self) -> Registered:
        """What would write, for somebody who registers nothing: the latest version where it may not grow."""
        return self.wanted if self.auto or self.latest is None else self.latest

    @property
    def reasons(self) -> list[str]:
        """Why the latest version is not enough."""
        if self.latest is None:
            return []
        retagged_ = self.wanted.text != self.grown or _tags(self.wanted) != _tags(self.latest)
        ruled = self.wanted.rule_set != self.latest.rule_set or _rest(self.wanted) != _rest(self.latest)
        return [*self.lacking, *(["tags"] if retagged_ else []), *(["rules"] if ruled else [])]

    def in_force(self, stored: Registered) -> Registered:
        """What the registry answers, the contract over it: it may add, and take nothing away."""
        return with_rules(with_contract(stored, self.contract), self.more_rules)

    def rules(self, stored: Registered, say: Say = lambda text: None) -> list[EncryptRule]:
        """The rules in force; those of the contract go before others with the same aim."""
        kept = self.in_force(stored)
        first = {rule.name for rule in self.contract.rules} if self.contract else set()
        first |= {str(r["name"]) for r in self.more_rules}
        own = None if self.contract is None else self.contract.properties
        return read_rules(kept.rule_set, kept.metadata, say, first, own)

    def untold(self, stored: Registered) -> list[str]:
        """The names of the contract's encryption rules that the registry has not, or has otherwise."""
        own = self.contract.rules if self.contract else ()
        wanted = [*(rule_document(rule) for rule in own if rule.encrypts), *self.more_rules]
        by_name = {rule.get("name"): rule for rule in stored.rules()}
        return [str(r["name"]) for r in wanted if not covers(by_name.get(r["name"]) or {}, r)]

    def sealing(self, stored: Registered, say: Say = lambda text: None) -> Plan:
        """What of a value is encrypted, by the full names in ``stored``. Fatal for what cannot be."""
        kept = self.in_force(stored)
        reach = tags_in(stored.text, stored.type, kept.metadata)
        names = reach.follow(self.schema)
        more: dict[str, set[str]] = {}
        for path, its in every_field(self.schema):
            for name in names[path] if its.tags else ():
                more.setdefault(name, set()).update(its.tags)
        try:
            planned = plan(self.rules(stored, say), reach.places, kept.metadata, more, say)
        except StrayTagError as error:
            raise fatal(f"{stored.subject} version {stored.version}: {error}") from None
        present = frozenset().union(*names.values())
        for place in planned.unfit:
            if place.name in present or place.name not in reach.names.values():
                raise fatal(
                    f"{stored.subject} version {stored.version}: field {place.name} is {place.type} and is to be "
                    "encrypted, and only texts and bytes can be; take the tag away, or say otherwise in the contract"
                )
        return planned


def intend(
    ways: Ways,
    subject: str,
    latest: Registered | None,
    schema: Schema,
    contract: Contract | None = None,
    *,
    history: Callable[[Registered], str] = lambda latest: latest.text,
    say: Say = lambda text: None,
) -> Intent:
    """The plan for a record's schema. ``history``: the latest text with those of earlier versions, where the format
    needs them to let it grow. Fatal for a subject of another format, and for a field that cannot be encrypted."""
    base = latest or Registered(subject, 0, 0, "", ways.type)
    if base.type != ways.type:
        raise Fatal(
            f"the subject {subject} holds a {base.type} schema and the connector writes {ways.form.NAME}; give it "
            "another topic, context or output.data.format",
            stage=Stage.SCHEMA,
        )
    ruled, fitted = with_contract(base, contract), Adapted(schema)
    if ways.encrypts:
        present = {} if latest is None else tags_in(latest.text, latest.type, latest.metadata).fields
        first = {rule.name for rule in contract.rules} if contract else set()
        own = None if contract is None else contract.properties
        rules = read_rules(ruled.rule_set, ruled.metadata, say, first, own)
        fitted = adapted(schema, rules, contract, present)
        ruled = with_rules(ruled, fitted.more_rules)
    lacking: tuple[str, ...] = ()
    if latest is None:
        text = ways.form.render(fitted.schema, ways.settings)
    else:
        lacking, text = ways.form.missing_fields(fitted.schema, latest.text, ways.settings), latest.text
        if lacking and ways.auto:
            text = ways.form.with_fields(fitted.schema, history(latest), ways.settings)
    wanted = _tagged(evolve(ruled, text=text), fitted, contract, metadata_tags=ways.metadata_tags)
    return Intent(fitted.schema, wanted, lacking, latest, contract, fitted.more_rules, ways.auto, text)


def with_contract(stored: Registered, contract: Contract | None) -> Registered:
    """With the contract's metadata and rules over what is there; a rule of the same name is replaced."""
    if contract is None:
        return stored
    metadata = metadata_document(contract, stored.metadata)
    return evolve(stored, metadata=metadata, rule_set=rule_set_document(contract, stored.rule_set))


def with_rules(stored: Registered, rules: tuple[RuleDocument, ...]) -> Registered:
    """With these rules for the payload; one of the same name is replaced unless it says the same."""
    encoding_rules = list((stored.rule_set or {}).get("encodingRules") or ())
    for rule in rules:
        place = next((i for i, each in enumerate(encoding_rules) if each.get("name") == rule["name"]), None)
        if place is None:
            encoding_rules.append(rule)
        elif not covers(encoding_rules[place], rule):
            encoding_rules[place] = rule
    if encoding_rules == list((stored.rule_set or {}).get("encodingRules") or ()):
        return stored
    return evolve(stored, rule_set={**(stored.rule_set or {}), "encodingRules": encoding_rules})


def _tagged(
    stored: Registered, fitted: Adapted, contract: Contract | None, *, metadata_tags: bool
) -> Registered:
    reach = tags_in(stored.text, stored.type, stored.metadata)
    fields = {full: dotted for dotted, full in reversed(list(reach.names.items()))}
    names = reach.follow(fitted.schema)
    spoken = {*(contract.fields if contract else ()), *fitted.untagged}
    wanted: dict[str, set[str]] = {}
    spoken_for: set[str] = set()
    for path, each in every_field(fitted.schema):
        final = len(path) == 1 and each.name in spoken
        if not each.tags and not final:
            continue
        for name in names[path] & fields.keys():
            wanted.setdefault(fields[name], set()).update(() if each.name in fitted.untagged else each.tags)
            if final:
                spoken_for.add(fields[name])
    tagged = retagged(stored, wanted, spoken_for)
    return with_metadata_tags(tagged) if metadata_tags else tagged


def _tags(registered: Registered) -> object:
    return (registered.metadata or {}).get("tags") or {}


def _rest(registered: Registered) -> dict[str, object]:
    return {key: value for key, value in (registered.metadata or {}).items() if key != "tags" and value}
