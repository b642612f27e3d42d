"""One room knows where a tag reaches: what the encoder seals, the leak check guards and a preview masks is the same,
over random schemas, tags, patterns, transforms and formats, and equal to what the official client says."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from confluent_kafka.schema_registry.wildcard_matcher import wildcard_match
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.encryption.rules import protects
from bridge.encryption.seals import seal_of
from bridge.errors import Fatal
from bridge.formats import FORMATS
from bridge.inspection.masking import Protected
from bridge.languages.tagging import Path, every_field, struct_in, tags_in
from bridge.model.protection import Protection
from bridge.model.registered import Registered
from bridge.model.schema import Field, Kind, Schema
from bridge.routing.following import follow
from bridge.routing.planning import Intent
from bridge.transforms.chain import Chain
from bridge.transforms.configuration import chain_of

APACHE = "org.apache.kafka.connect.transforms."
RULE: dict[str, Any] = {
    "name": "pii", "type": "ENCRYPT", "tags": ["PII"], "params": {"encrypt.kek.name": "k"},
}  # fmt: skip
NAMES = ("a", "ab", "mail", "name", "b_c")
TEXT = Schema(Kind.STRING, optional=True)
TAGS = st.sampled_from(
    [frozenset[str](), frozenset({"PII"}), frozenset({"OTHER"}), frozenset({"PII", "OTHER"})]
)


@st.composite
def records(draw: st.DrawFn, depth: int = 2, path: str = "r") -> Schema:
    """Records of texts, lists of texts and records, each of a name of its own; tags on texts and lists only."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    fields = []
    for name in names:
        kind = draw(st.sampled_from(("text", "text", "list", "record") if depth else ("text", "list")))
        if kind == "record":
            inner = draw(records(depth - 1, f"{path}_{name}"))
            fields.append(Field(name, evolve(inner, optional=draw(st.booleans()))))
        else:
            schema = TEXT if kind == "text" else Schema(Kind.ARRAY, optional=True, value_schema=TEXT)
            fields.append(Field(name, schema, draw(TAGS)))
    return Schema(Kind.STRUCT, name=f"io.acme.{path}", fields=tuple(fields))


CHAINS: tuple[dict[str, str], ...] = (
    {},
    {"transforms": "h", "transforms.h.type": f"{APACHE}HoistField$Value", "transforms.h.field": "all"},
    {"transforms": "f", "transforms.f.type": f"{APACHE}Flatten$Value", "transforms.f.delimiter": "_"},
    {"transforms": "r", "transforms.r.type": f"{APACHE}ReplaceField$Value", "transforms.r.renames": "mail:post"},
    {
        "transforms": "r,h", "transforms.r.type": f"{APACHE}ReplaceField$Value", "transforms.r.renames": "a:z",
        "transforms.h.type": f"{APACHE}HoistField$Value", "transforms.h.field": "x",
    },
)  # fmt: skip
PATTERNS = st.dictionaries(
    st.one_of(
        st.sampled_from(
            ("**.mail", "**.a*", "**.?", "$.mail", "io.acme.r.*", "**.all.**", "*", "**", "$.*.a")
        ),
        st.text("abmil.*?r$", min_size=1, max_size=6),
    ),
    st.sampled_from((["PII"], ["OTHER"])),
    max_size=2,
)


def keyed(chain: dict[str, str], name: str) -> Chain:
    """The chain behind a ValueToKey of one field."""
    aliases = ",".join(filter(None, ("k", chain.get("transforms", ""))))
    return chain_of(
        {
            **chain,
            "transforms": aliases,
            "transforms.k.type": f"{APACHE}ValueToKey",
            "transforms.k.fields": name,
        }
    )


def leaves(schema: Schema) -> dict[Path, Field]:
    return {path: field for path, field in every_field(schema) if struct_in(field.schema) is None}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    records(),
    st.sampled_from(CHAINS),
    st.sampled_from(sorted(REGISTRY_TYPES)),
    PATTERNS,
    st.sampled_from((["PII"], [])),
    st.booleans(),
)
def test_sealed_guarded_and_masked_are_the_same(
    before: Schema,
    chain: dict[str, str],
    form: str,
    patterns: dict[str, list[str]],
    aim: list[str],
    inline: bool,
) -> None:
    links = chain_of(chain) if chain else Chain(())
    after = links.trace(before)[0].value
    assert after is not None
    # tags are the registered schema's, or the contract's, whose fields are those before the chain
    written = after if inline else _without_tags(after)
    try:
        text = FORMATS[form].render(written, {})
    except Fatal:
        assume(False)  # two fields of one name after Flatten
    rule = {**RULE, "tags": aim}
    stored = Registered(
        "s", 1, 7, text, REGISTRY_TYPES[form], metadata={"tags": patterns}, rule_set={"domainRules": [rule]}
    )
    reach = tags_in(text, stored.type, stored.metadata)
    names = reach.follow(after)

    # what the official client would encrypt: inline tags, and patterns by its own matcher
    official: set[Path] = set()
    for path, field in leaves(after).items():
        tags = set(field.tags)  # inline, or by the contract
        for full in names[path]:
            tags |= {tag for pattern, its in patterns.items() if wildcard_match(full, pattern) for tag in its}
        if not aim or tags & set(aim):
            official.add(path)

    # a pattern may mean a record: official clients would encrypt nothing of it, and the bridge refuses it
    containers = [n for p, f in every_field(after) if struct_in(f.schema) is not None for n in names[p]]
    if aim and any(reach.tags([name]) & set(aim) for name in containers):
        with pytest.raises(Fatal, match="only texts and bytes can be"):
            Intent(after, stored).sealing(stored)
        return
    plan = Intent(after, stored).sealing(stored)
    watched, placed = Protection({name: seal_of([]) for name in plan.fields}).watched()
    FORMATS[form].compile_values(after, text, b"", {}, watched)
    assert placed == set(plan.fields), "every seal is built in"
    sealed = {path for path in leaves(after) if names[path] & placed}
    assert sealed == official

    def met(tags: frozenset[str]) -> bool:
        return protects(rule, tags)

    assert Protected(met, reach, anything=True).paths(after) == sealed, "masked"
    for name in {path[0] for path in leaves(before)}:
        guarded = follow(keyed(chain, name), before, reach, met)
        marks = follow(links, before, reach, met).origins
        assert guarded.origins == marks
        wanted = {path for path in marks if path[0] == name}
        assert bool(guarded.leaks) is bool(wanted), "guarded"
    assert len(follow(links, before, reach, met).origins) == len(sealed), (
        "each comes from one field of the event"
    )


def _without_tags(schema: Schema) -> Schema:
    fields = (
        evolve(f, tags=frozenset(), schema=_without_tags(f.schema) if f.schema.fields else f.schema)
        for f in schema.fields
    )
    return evolve(schema, fields=tuple(fields))
