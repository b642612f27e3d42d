"""Registered tags at every depth and by every pattern: followed through transforms, guarded and masked alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve

from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.errors import Fatal
from bridge.formats import FORMATS
from bridge.inspection.masking import MASK, Protected, masked, shown
from bridge.languages.tagging import every_field, tags_in
from bridge.model.registered import Registered
from bridge.model.schema import Schema
from bridge.routing.exposure import Exposure
from bridge.routing.following import follow, marked
from bridge.transforms.chain import Chain
from bridge.transforms.configuration import chain_of
from bridge.transforms.record import ConnectRecord
from tests.unit.formats.events import FULL, ORDER, data, rows

APACHE = "org.apache.kafka.connect.transforms."
EMAIL = "Customer_Email__c"
FORMS = list(REGISTRY_TYPES)
RULES = {"domainRules": [{"name": "pii", "type": "ENCRYPT", "tags": ["PII"]}]}
BEFORE = rows(ORDER).schema
KEY = {"type": APACHE + "ValueToKey", "fields": EMAIL}
HEADER = {"type": APACHE + "HeaderFrom$Value", "fields": EMAIL, "headers": "h", "operation": "copy"}
HOIST = {"type": APACHE + "HoistField$Value", "field": "all"}
RENAME = {"type": APACHE + "ReplaceField$Value", "renames": f"{EMAIL}:mail"}
PATTERNS = [
    "**.Customer_Email__c",
    "**.[C]ustomer_Email__c",
    r"**.Customer\_Email__c",
    "**.Customer_?mail__c",
]


def chain(*links: Mapping[str, str], **more: str) -> Chain:
    names = [f"t{number}" for number in range(len(links))]
    given = {"transforms": ",".join(names), **{key.replace("__", "."): value for key, value in more.items()}}
    for name, link in zip(names, links, strict=True):
        given |= {f"transforms.{name}.{key}": value for key, value in link.items()}
    return chain_of(given)


def after(links: Chain) -> Schema:
    schema = links.trace(BEFORE)[0].value
    assert schema is not None
    return schema


def registered(form: str, schema: Schema, **more: Any) -> Registered:
    return Registered(
        "s", 1, 7, FORMATS[form].render(schema, {}), REGISTRY_TYPES[form], rule_set=RULES, **more
    )


def inline(schema: Schema, name: str = EMAIL) -> Schema:
    """The tag PII on the field of that name, wherever it is."""
    fields = (
        evolve(f, schema=inline(f.schema, name), tags=frozenset({"PII"} if f.name == name else ()))
        for f in schema.fields
    )
    return evolve(schema, fields=tuple(fields))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("first", [KEY, HEADER], ids=["key", "header"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_reaches_a_field_that_is_hoisted_afterwards(
    form: str, first: dict[str, str], pattern: str
) -> None:
    links = chain(first, HOIST)
    written = registered(form, after(links), metadata={"tags": {pattern: ["PII"]}})
    (leak,) = Exposure(links, {}).faults(BEFORE, written)
    assert leak.startswith(f"transforms.t0 puts the field {EMAIL} (tagged PII) into ")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("first", [KEY, HEADER], ids=["key", "header"])
def test_so_does_a_tag_on_the_nested_field_itself(form: str, first: dict[str, str]) -> None:
    links = chain(first, RENAME, HOIST)
    written = registered(form, inline(after(links), "mail"))
    (leak,) = Exposure(links, {}).faults(BEFORE, written)
    assert leak.startswith(f"transforms.t0 puts the field {EMAIL} (tagged PII) into ")
    assert Exposure(links, {}).faults(BEFORE, registered(form, after(links))) == []


@pytest.mark.parametrize("form", FORMS)
def test_fields_beside_it_may_go_where_they_like(form: str) -> None:
    links = chain(KEY | {"fields": "Order_Number__c"}, HOIST)
    assert Exposure(links, {}).faults(BEFORE, registered(form, inline(after(links)))) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_name_that_had_to_be_spelled_otherwise_is_the_same_field(form: str) -> None:
    links = chain(KEY, HOIST, {"type": APACHE + "Flatten$Value", "delimiter": "-"})
    text = FORMATS[form].render(inline(after(links), f"all-{EMAIL}"), {"scrub.invalid.names": "true"})
    written = Registered("s", 1, 7, text, REGISTRY_TYPES[form], rule_set=RULES)
    assert len(Exposure(links, {}).faults(BEFORE, written)) == 1


def test_a_record_that_a_predicate_keeps_from_one_transform_is_followed_too() -> None:
    """HoistField for some records only: the others are written as they are, with the tag at the top."""
    some = {"predicates__p__type": APACHE + "predicates.HasHeaderKey", "predicates__p__name": "x"}
    links = chain(KEY, HOIST | {"predicate": "p"}, predicates="p", **some)
    assert len(Exposure(links, {}).faults(BEFORE, registered("AVRO", inline(BEFORE)))) == 1
    assert len(Exposure(links, {}).faults(BEFORE, registered("AVRO", inline(after(links))))) == 1
    assert Exposure(links, {}).faults(BEFORE, registered("AVRO", BEFORE)) == []


def test_a_value_that_is_only_in_the_key_any_more_keeps_the_tag_of_its_name() -> None:
    links = chain(KEY, {"type": APACHE + "ReplaceField$Value", "exclude": EMAIL}, HOIST)
    earlier = chain(HOIST)
    assert len(Exposure(links, {}).faults(BEFORE, registered("AVRO", inline(after(earlier))))) == 1


def test_more_ways_than_can_be_followed_are_refused() -> None:
    some = {"predicates__p__type": APACHE + "predicates.HasHeaderKey", "predicates__p__name": "x"}
    insert = {"type": APACHE + "InsertField$Value", "static.value": "v", "predicate": "p"}
    many = [insert | {"static.field": f"f{number}"} for number in range(11)]
    with pytest.raises(Fatal, match=r"transforms\.t10: .*more than 1024 ways"):
        Exposure(chain(*many, predicates="p", **some), {}).faults(BEFORE, registered("AVRO", BEFORE))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_is_masked_after_every_step(form: str, pattern: str) -> None:
    links = chain(RENAME, HOIST)
    pattern = pattern.replace("Customer_Email__c", "mail").replace(r"Customer\_Email__c", r"\mail")
    pattern = pattern.replace("[C]ustomer_Email__c", "[m]ail").replace("Customer_?mail__c", "m?il")
    reach = tags_in(
        FORMATS[form].render(after(links), {}), REGISTRY_TYPES[form], {"tags": {pattern: ["PII"]}}
    )
    protected = Protected(lambda tags: "PII" in tags, reach, anything=True)
    followed = follow(links, BEFORE, reach, protected.protects)
    assert followed.origins == {(EMAIL,)}
    values = {f.name: FULL.get(f.name) for f in BEFORE.fields}
    record = ConnectRecord("orders", marked(BEFORE, followed.origins), values)
    steps = [record, *(step for _, step in links.explain(record) if step is not None)]
    seen = [shown("s", each, evolve(protected, reach=None), leaky=False).value for each in steps]
    assert [seen[0][EMAIL], seen[1]["mail"], seen[2]["all"]["mail"]] == [MASK] * 3
    assert seen[2]["all"]["Order_Number__c"] == FULL["Order_Number__c"]
    assert masked(steps[2].value_schema, protected) == ["all.mail"]
    assert masked(after(links), protected) == ["all.mail"], "by the written schema alone, too"


def test_a_mark_changes_no_schema_that_is_written() -> None:
    own = marked(inline(BEFORE), frozenset({(EMAIL,)}))
    assert {f.name: f.schema for f in own.fields} == {f.name: f.schema for f in BEFORE.fields}
    assert len(dict(every_field(own))[(EMAIL,)].tags) == 2
    assert data(FULL).schema
