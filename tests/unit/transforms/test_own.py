"""Transforms of somebody else's package: what they declare is what they are given, and what they may give back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BadRecord, ConfigurationError
from bridge.inspection.configuration import connector_config
from bridge.model.schema import Field, Kind, Schema
from bridge.transforms.configuration import chain_of
from bridge.transforms.record import ConnectRecord
from tests.support.memory_worker import GOOD
from tests.support.toy_transforms import installed

TEXT = Schema(Kind.STRING, optional=True)
SCHEMA = Schema(
    Kind.STRUCT,
    name="E",
    fields=(
        Field("Status__c", TEXT),
        Field("Customer_Email__c", TEXT, frozenset({"PII"})),
        Field("Notes__c", TEXT),
    ),
)
VALUE = {"Status__c": "Paid", "Customer_Email__c": "alice@example.com", "Notes__c": None}


@pytest.fixture(autouse=True)
def _package(tmp_path: Path) -> Iterator[None]:
    with installed(tmp_path):
        yield


def applied(name: str, value: dict[str, Any] | None = None, **more: str) -> ConnectRecord | None:
    given = {"transforms": "x", "transforms.x.type": f"org.example.{name}"}
    chain = chain_of(given | {f"transforms.x.{key}": text for key, text in more.items()})
    record = ConnectRecord("orders", SCHEMA, value or VALUE)
    return record if chain.apply(record) else None


def test_a_field_is_added_with_its_declared_type_and_settings() -> None:
    record = applied("Shout", mark="?")
    assert record is not None
    assert record.value == {**VALUE, "Status_Loud__c": "PAID?"}
    added = record.value_schema.field_named("Status_Loud__c") if record.value_schema else None
    assert added is not None
    assert (added.schema.kind, added.schema.optional, added.tags) == (Kind.STRING, True, frozenset())
    plain = ConnectRecord("orders", None, {"Status__c": "Paid"})
    assert chain_of({"transforms": "x", "transforms.x.type": "org.example.Shout"}).apply(plain)
    assert plain.value == {"Status__c": "Paid", "Status_Loud__c": "PAID!"}


def test_it_is_handed_what_it_declares_and_gives_back_no_more() -> None:
    record = applied("Greedy")
    assert record is None or record.value["Seen__c"] == "Status__c"


def test_what_is_made_of_a_tagged_field_has_its_tags() -> None:
    record = applied("Domain")
    assert record is not None
    assert record.value_schema is not None
    made = record.value_schema.field_named("Domain__c")
    assert made is not None
    assert made.tags == frozenset({"PII"})


def test_what_is_made_of_a_list_has_the_tags_of_what_is_in_it() -> None:
    contact = Schema(Kind.STRUCT, fields=(Field("Email", TEXT, frozenset({"PII"})),))
    inside = Field("Customer_Email__c", Schema(Kind.ARRAY, value_schema=contact))
    chain = chain_of({"transforms": "x", "transforms.x.type": "org.example.Length"})
    state, _ = chain.trace(Schema(Kind.STRUCT, name="E", fields=(inside,)))
    made = state.value.field_named("Length__c") if state.value else None
    assert made is not None
    assert made.tags == frozenset({"PII"})


def test_one_that_gives_nothing_back_drops_the_record() -> None:
    assert applied("Dropping") is None
    assert applied("Dropping", {**VALUE, "Status__c": "Shipped"}) is not None


@pytest.mark.parametrize(
    ("name", "words"),
    [("Angry", "raised RuntimeError"), ("Wrong", "gave back a str as Number__c, which is no int32")],
)
def test_what_goes_wrong_puts_the_event_aside_and_quotes_no_value(name: str, words: str) -> None:
    with pytest.raises(BadRecord, match=words) as caught:
        applied(name)
    assert "alice" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Half", "declares reads or writes, and not both"),
        ("nothing", "is no subclass"),
        ("missing", "cannot be loaded"),
        ("Unheard", "could not be found"),
    ],
)
def test_a_class_that_cannot_be_used_is_named(name: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        applied(name)


def test_its_settings_are_judged_as_others_are() -> None:
    with pytest.raises(ConfigurationError, match=r"did you mean transforms\.x\.mark"):
        connector_config(
            {**GOOD, "transforms": "x", "transforms.x.type": "org.example.Shout", "transforms.x.marc": "!"},
            environ={},
        )


def test_with_encryption_it_has_to_declare(tmp_path: Path) -> None:
    given = {
        **GOOD,
        "output.data.format": "AVRO",
        "csfle.enabled": "true",
        "transforms": "x",
        "schema.registry.url": "http://r:1",
    }
    with pytest.raises(ConfigurationError, match="does not declare what it reads and writes"):
        connector_config({**given, "transforms.x.type": "org.example.Everything"}, environ={})
    connector_config({**GOOD, "transforms": "x", "transforms.x.type": "org.example.Everything"}, environ={})
