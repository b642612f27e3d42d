"""What ``sfbridge schemas generate`` writes: an event's schemas and its contract. The same gives the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from attrs import evolve, frozen

from bridge.config.declarations.formats import REGISTRY_TYPES, SUFFIXES
from bridge.errors import ConfigurationError, Fault
from bridge.formats import FORMATS, Format
from bridge.inspection.alike import alike
from bridge.languages.traits import traits_of
from bridge.metadata.classification import COMPLIANCE, SECURITY, Classification, of_classification, tagged
from bridge.metadata.infer import record_schema
from bridge.model.contract import Contract, FieldContract, Rule, render
from bridge.model.schema import EventType, Kind, Schema

CONTRACT: Final = ".contract.yaml"
EXPIRY_DAYS: Final = "90"
"""DEKs of generated rules expire, so that keys can be rotated from the first day."""


@frozen
class Key:
    """The key encryption key that generated rules name."""

    name: str = "salesforce"
    kms_type: str = "local-kms"
    kms_key_id: str = "change-me"
    given: bool = False


def formats() -> tuple[str, ...]:
    """The formats whose schemas can be generated."""
    return tuple(SUFFIXES)


def schema_text(schema: Schema, form: str, settings: Mapping[str, str]) -> str:
    """The schema's text as it stands in a file. Fatal(stage=SCHEMA) naming the field."""
    return pretty(FORMATS[form].render(schema, settings))


def pretty(text: str) -> str:
    """JSON indented; what is no JSON as it is, with a line break at its end."""
    try:
        return json.dumps(json.loads(text), indent=2) + "\n"
    except ValueError:
        return text.rstrip("\n") + "\n"


def check(contract: Contract, origin: str, event: EventType) -> None:
    """Is it the event's contract? ConfigurationError with all that is wrong; ``origin`` is what they call it."""
    faults = []
    if contract.event != event.name:
        faults.append(
            Fault(origin, f"is the contract of {contract.event}, and the metadata is of {event.name}")
        )
    names = {f.name for f in event.fields}
    faults += [
        Fault(f"{origin}: fields.{name}", f"{event.name} has no such field; correct or remove it")
        for name in contract.fields
        if name not in names
    ]
    if faults:
        raise ConfigurationError(faults)


def contract_for(
    event: EventType, classified: Mapping[str, Classification], earlier: Contract | None, key: Key
) -> Contract:
    """The event's contract: what ``known`` says, and whatever the classification tags beyond it.

    Without ``known`` a new one, with a rule for its tags; it is disabled unless a key was given, because a rule
    without a key would stop the connector.
    """
    contract = earlier or Contract(event.name, compliance_group=COMPLIANCE, security_classification=SECURITY)
    classified_tags = {f.name: of_classification(classified.get(f.name), contract) for f in event.fields}
    fields = dict(contract.fields)
    for name, tags in classified_tags.items():
        if tags and name not in fields:
            fields[name] = FieldContract(tuple(sorted(tags)))
    rules = contract.rules
    if earlier is None:
        rules = _rules(sorted({tag for entry in fields.values() for tag in entry.tags}), key)
    return evolve(contract, fields=fields, rules=rules)


def contract_text(contract: Contract, event: EventType, classified: Mapping[str, Classification]) -> str:
    """The contract's file, with the origin of each tag as a comment."""
    kinds = {f.name: f.schema for f in record_schema(event).fields}

    def origin(name: str, tag: str) -> str | None:
        words = of_classification(classified.get(name), contract).get(tag)
        schema = kinds.get(name)
        if schema is None or (schema.kind is Kind.STRING):
            return words
        shown = next((f.type for f in event.fields if f.name == name), schema.kind.value)
        hint = f"a {shown} cannot be encrypted: otherwise says what becomes of it"
        return f"{words}; {hint}" if words else hint

    return render(contract, origin)


def files(
    event: EventType,
    classified: Mapping[str, Classification],
    contract: Contract,
    wanted: Iterable[str],
    settings: Mapping[str, str],
    written: Mapping[str, str],
) -> dict[str, str]:
    """File name → text, of each format wanted. ``written``: the files that are there. A ``.proto`` is continued,
    because its numbers must stay what they are; the others are made anew."""
    schema = record_schema(tagged(event, contract, classified))
    texts = {}
    for form in wanted:
        name = f"{event.name}{SUFFIXES[form]}"
        if name in written and traits_of(REGISTRY_TYPES.get(form)).numbered:
            texts[name] = _continued(schema, FORMATS[form], written[name], settings)
        else:
            texts[name] = schema_text(schema, form, settings)
    return texts


def remarks(event: EventType, wanted: Iterable[str]) -> tuple[str, ...]:
    """What should be known of the event's schema in the formats wanted."""
    schema = record_schema(event)
    return tuple(dict.fromkeys(text for form in wanted for text in alike(schema, REGISTRY_TYPES.get(form))))


def _continued(schema: Schema, form: Format, written: str, settings: Mapping[str, str]) -> str:
    """The text with the fields it lacks under numbers of their own."""
    if not form.missing_fields(schema, written, settings):
        return written
    return pretty(form.with_fields(schema, written, settings))


def _rules(tags: list[str], key: Key) -> tuple[Rule, ...]:
    """One rule for all tags: with one for each, a field that has several would be encrypted several times."""
    if not tags:
        return ()
    name = re.sub(r"[^A-Za-z0-9_-]", "_", tags[0] if len(tags) == 1 else "sensitive").lower()
    rule = Rule(
        name=name if name[:1].isalpha() else f"_{name}",
        type="ENCRYPT",
        mode="WRITEREAD",
        tags=tuple(tags),
        params={
            "encrypt.kek.name": key.name,
            "encrypt.kms.type": key.kms_type,
            "encrypt.kms.key.id": key.kms_key_id,
            "encrypt.dek.expiry.days": EXPIRY_DAYS,
        },
        disabled=not key.given,
    )
    return (rule,)
