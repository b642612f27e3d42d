"""What becomes of a protected field that cannot be encrypted (number, date, boolean, struct): the contract's
``otherwise``. It is decided on the record's schema, before anything is rendered or registered.

``fail`` · ``string``: the field is a text, the value's own JSON text · ``drop``: the field is not written ·
``payload``: the field keeps its type and loses its tag, and the whole message is encrypted.

A part of a record within (a number of an address) has no way of its own: what is said of the field counts for all of
it. The header of a change event is needed, and what it repeats of such a field is left out, or sealed with the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve, frozen

from bridge.changes import HEADER
from bridge.encryption.rules import EncryptRule
from bridge.errors import fatal
from bridge.model.contract import Contract
from bridge.model.registry_documents import RuleDocument
from bridge.model.schema import Field, Kind, Schema


@frozen
class Adapted:
    """The schema that is written, the rules it needs besides, and fields that must lose their tags."""

    schema: Schema
    more_rules: tuple[RuleDocument, ...] = ()
    untagged: frozenset[str] = frozenset()


def adapted(
    schema: Schema,
    rules: Iterable[EncryptRule],
    contract: Contract | None,
    tags: Mapping[str, Iterable[str]],
) -> Adapted:
    """``tags``: those of the registered schema by field, besides the fields' own. Fatal(stage=ENCRYPT)."""
    rules = list(rules)
    own = {rule.name for rule in contract.rules} if contract is not None else set()
    columns: list[Field] = []
    more: dict[str, RuleDocument] = {}
    untagged = set()
    for column in schema.fields:
        if column.name == HEADER:
            columns.append(column)
            continue
        parts = () if column.schema.kind is not Kind.STRUCT else _unfit_parts(column.schema, rules)
        if parts:
            column = evolve(column, tags=column.tags | _tags_within(column.schema))
        met = [rule for rule in rules if rule.meets(column.tags.union(tags.get(column.name, ())))]
        if not met or can_be_encrypted(column.schema):
            columns.append(column)
            continue
        otherwise = _otherwise(column.name, contract)
        if otherwise == "string":
            columns.append(evolve(column, schema=Schema(Kind.STRING, optional=True)))
        elif otherwise == "payload":
            columns.append(evolve(column, tags=frozenset(), schema=_without_tags(column.schema, parts)))
            untagged.add(column.name)
            # with the contract's own key: a rule that the registry adds may name another
            rule = next((rule for rule in met if rule.name in own), met[0])
            # the contract's own rule for the payload will do; one that only the registry has may be another tomorrow
            if contract is None or not any(each.payload and each.name in own for each in rules):
                more[rule.name] = _payload_rule(rule)
        elif otherwise == "fail":
            raise _unfit(column, met[0], parts)
    columns = [
        _header(each, rules, sealed=bool(untagged)) if each.name == HEADER else each for each in columns
    ]
    return Adapted(evolve(schema, fields=tuple(columns)), tuple(more.values())[:1], frozenset(untagged))


def _unfit_parts(schema: Schema, rules: list[EncryptRule]) -> tuple[str, ...]:
    """The parts of a record that are met and cannot be encrypted."""
    return tuple(
        part.name
        for part in schema.fields
        if not can_be_encrypted(part.schema) and any(rule.meets(part.tags) for rule in rules)
    )


def _tags_within(schema: Schema) -> frozenset[str]:
    return frozenset().union(*(part.tags for part in schema.fields))


def _without_tags(schema: Schema, parts: Iterable[str]) -> Schema:
    fields = tuple(evolve(f, tags=frozenset()) if f.name in parts else f for f in schema.fields)
    return evolve(schema, fields=fields)


def _header(header: Field, rules: list[EncryptRule], *, sealed: bool) -> Field:
    parts = _unfit_parts(header.schema, rules)
    if sealed:
        return evolve(header, schema=_without_tags(header.schema, parts))
    kept = tuple(part for part in header.schema.fields if part.name not in parts)
    return evolve(header, schema=evolve(header.schema, fields=kept))


def can_be_encrypted(schema: Schema) -> bool:
    """Texts and bytes, and lists of them."""
    if schema.kind in (Kind.ARRAY, Kind.MAP) and schema.value_schema is not None:
        return can_be_encrypted(schema.value_schema)
    return schema.kind in (Kind.STRING, Kind.BYTES) and schema.name is None


def _otherwise(name: str, contract: Contract | None) -> str:
    if contract is None:
        return "fail"
    own = contract.fields[name].otherwise if name in contract.fields else None
    return own or contract.otherwise


def _payload_rule(rule: EncryptRule) -> RuleDocument:
    name = f"{rule.name[:248]}_payload"
    return {
        "name": name,
        "type": "ENCRYPT_PAYLOAD",
        "kind": "TRANSFORM",
        "mode": "WRITEREAD",
        "params": dict(rule.params),
    }


def _unfit(column: Field, rule: EncryptRule, parts: tuple[str, ...]) -> Exception:
    type_ = column.schema.name.rpartition(".")[2].lower() if column.schema.name else column.schema.kind.value
    if column.schema.kind is Kind.STRUCT:
        type_ = f"a record with {', '.join(parts)}" if parts else "a record"
    return fatal(
        f"field {column.name} is {type_} and met by the rule {rule.name}, and only texts and bytes can be encrypted: "
        "say in the contract what to do otherwise (string, drop or payload), or untag the field there"
    )
