"""Why a field is tagged: the contract, Salesforce's classification and the registered schema laid beside each other."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from bridge.encryption.rules import Plan, StrayTagError, meet, plan, read_rules
from bridge.errors import Fatal
from bridge.languages.tagging import Tagged, tags_in
from bridge.metadata.classification import Classification, of_classification
from bridge.model.contract import Contract
from bridge.model.registered import Registered
from bridge.model.registry_documents import RuleDocument
from bridge.routing.planning import with_contract


@frozen
class Rule:
    """A registered rule, and the fields whose tags it meets."""

    name: str
    type: str
    tags: tuple[str, ...]
    disabled: bool
    fields: tuple[str, ...]


@frozen
class Explained:
    """A subject's latest version: of each tagged field every tag with its origins, and what leads nowhere."""

    registered: Registered
    fields: Mapping[str, Mapping[str, tuple[str, ...]]] = field(factory=dict)
    rules: tuple[Rule, ...] = ()
    findings: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    """Fields that must be encrypted: tags of contract, classification and registered schema, met by a rule in force."""
    sealed: tuple[str, ...] = ()
    """Those that a connector with csfle.enabled encrypts; where one cannot be, there is no route."""
    payload: bool = False
    """Whether the payload is encrypted as a whole."""

    def document(self) -> dict[str, object]:
        """As JSON."""
        r = self.registered
        return {
            "subject": r.subject,
            "version": r.version,
            "id": r.id,
            "type": r.type,
            "fields": [
                {"name": n, "tags": [{"tag": t, "origins": list(o)} for t, o in tags.items()]}
                for n, tags in self.fields.items()
            ],
            "rules": [
                {
                    "name": rule.name, "type": rule.type, "tags": list(rule.tags), "disabled": rule.disabled,
                    "fields": list(rule.fields),
                }
                for rule in self.rules
            ],
            "metadata": r.metadata or {},
            "findings": list(self.findings),
            "seals": {"must": list(self.must), "sealed": list(self.sealed), "payload": self.payload},
        }  # fmt: skip


def explain(
    registered: Registered,
    contract: Contract | None = None,
    classified: Mapping[str, Classification] | None = None,
) -> Explained:
    """Fields without any tag are left out. A finding is a sentence about what matches nothing, or is not yet so."""
    tagged = tags_in(registered.text, registered.type, registered.metadata)
    fields, findings = _fields(tagged, contract, classified or {})
    rules = tuple(_rule(rule, tagged) for rule in registered.rules())
    findings += [f"metadata.tags {pattern} matches no field" for pattern in tagged.unmatched]
    findings += [
        f"rule {rule.name} names the tags {', '.join(rule.tags)}, which no field has"
        for rule in rules
        if rule.tags and not rule.fields
    ]
    if contract is not None and contract.rules and not rules:
        findings.append(
            "the contract has rules, and the registered schema has none: fields are encrypted as the contract says, "
            "and readers do not decrypt by themselves"
        )
    try:
        planned = _planned(registered, contract, tagged, fields)
    except (Fatal, StrayTagError) as error:
        return Explained(registered, fields, rules, (*findings, f"nothing would be written: {error}"))
    unfit = {place.name for place in planned.unfit}
    sealed = tuple(name for name, full in tagged.names.items() if full in planned.fields)
    must = tuple(name for name, full in tagged.names.items() if full in planned.fields or full in unfit)
    return Explained(registered, fields, rules, tuple(findings), must, sealed, bool(planned.payload))


def _planned(
    registered: Registered,
    contract: Contract | None,
    tagged: Tagged,
    fields: Mapping[str, Mapping[str, tuple[str, ...]]],
) -> Plan:
    kept = with_contract(registered, contract)
    first = {rule.name for rule in contract.rules} if contract is not None else set[str]()
    rules = read_rules(kept.rule_set, kept.metadata, first=first)
    return plan(
        rules, tagged.places, kept.metadata, {tagged.names[name]: tags for name, tags in fields.items()}
    )


def _fields(
    tagged: Tagged, contract: Contract | None, classified: Mapping[str, Classification]
) -> tuple[dict[str, dict[str, tuple[str, ...]]], list[str]]:
    out: dict[str, dict[str, tuple[str, ...]]] = {}
    findings: list[str] = []
    for name, registered in tagged.fields.items():
        wanted = _wanted(name, contract, classified)
        tags = {tag: (*wanted.get(tag, ()), *_one(registered.get(tag))) for tag in [*wanted, *registered]}
        if tags:
            out[name] = tags
        missing = [tag for tag in wanted if tag not in registered]
        if missing:
            findings.append(
                f"{name} is tagged {', '.join(missing)} ({wanted[missing[0]][0]}), and the registered schema does not "
                "say so yet: it is registered with the next event, or with sfbridge schemas register"
            )
    for name in () if contract is None else contract.fields:
        if name not in tagged.fields:
            findings.append(f"the contract's field {name} is not in the registered schema")
    return out, findings


def _wanted(
    name: str, contract: Contract | None, classified: Mapping[str, Classification]
) -> dict[str, tuple[str, ...]]:
    if contract is None:
        return {}
    by_class = of_classification(classified.get(name), contract)
    if name in contract.fields:
        return {tag: ("contract", *_one(by_class.get(tag))) for tag in contract.fields[name].tags}
    return {tag: (origin,) for tag, origin in by_class.items()}


def _rule(rule: RuleDocument, tagged: Tagged) -> Rule:
    tags = tuple(rule.get("tags") or ())
    met = tuple(name for name, has in tagged.fields.items() if has and meet(tags, has))
    return Rule(str(rule.get("name")), str(rule.get("type")), tags, bool(rule.get("disabled")), met)


def _one(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)
