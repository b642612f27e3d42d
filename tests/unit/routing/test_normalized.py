"""``normalize.schemas=true``: what is equal to a registered version is that version, in every format."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.formats import FORMATS
from bridge.model.registered import Registered
from bridge.model.schema import Field, Kind, Schema
from bridge.registry.client import Registry
from bridge.registry.http import http_of
from bridge.routing.registration import Registration
from bridge.sandbox.registry import Registry as Embedded

TEXT = Schema(Kind.STRING, optional=True)
PII = frozenset({"PII"})
NARROW = Schema(Kind.STRUCT, name="a.R", fields=(Field("x", TEXT, PII), Field("b", TEXT)))
WIDE = Schema(Kind.STRUCT, name="a.R", fields=(*NARROW.fields, Field("a", TEXT)))
NUMBERS_OUT_OF_ORDER = 'syntax = "proto3"; message R { int32 b = 2; int32 a = 1; }'
IN_ORDER = 'syntax = "proto3"; message R { int32 a = 1; int32 b = 2; }'
AVRO = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string"}]}
EQUAL = {
    "AVRO": [json.dumps(AVRO | {"doc": ""}), json.dumps(AVRO)],
    "JSON": ['{"type":"object","title":"T"}', '{"title":"T","type":"object"}'],
    "PROTOBUF": [NUMBERS_OUT_OF_ORDER, IN_ORDER],
}
FORMS = ["AVRO", "JSON_SR", "PROTOBUF"]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Embedded() as embedded:
        yield Registry(http_of({"url": embedded.url}, retry_seconds=2, longest_wait=0.2))


@pytest.mark.parametrize("type_", EQUAL)
def test_equal_texts_are_one_version(registry: Registry, type_: str) -> None:
    one, other = EQUAL[type_]
    first = registry.register("s", one, type_=type_, normalize=True)
    assert registry.register("s", other, type_=type_, normalize=True) == first
    assert registry.lookup("s", one, type_, normalize=True) == first
    assert registry.lookup("s", other, type_, normalize=True) == first
    assert registry.versions("s") == [1]


@pytest.mark.parametrize("type_", EQUAL)
def test_without_it_a_text_stays_as_it_is_written(registry: Registry, type_: str) -> None:
    one, other = EQUAL[type_]
    plain = registry.register("s", one, type_=type_)
    assert plain.text != registry.register("t", one, type_=type_, normalize=True).text
    if type_ != "AVRO":  # for the registry these two are equal in Avro either way
        assert registry.lookup("s", other, type_) is None
        assert registry.register("s", other, type_=type_).version == 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("normalize", ["true", "TRUE", "false", ""])
def test_the_connector_registers_so(
    registry: Registry, form: str, normalize: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    register = registry.register

    def recording(*args: Any, normalize: bool, **more: Any) -> Registered:
        asked.append(normalize)
        return register(*args, normalize=normalize, **more)

    monkeypatch.setattr(registry, "register", recording)
    settings = {"normalize.schemas": normalize}
    registering = Registration(registry, FORMATS[form], settings, {}, logging.getLogger("normalized"))
    for schema, version in ((NARROW, 1), (NARROW, 1), (WIDE, 2), (WIDE, 2), (NARROW, 2)):
        stored = registering.written(schema, "orders").registered
        assert stored.version == version
        assert not FORMATS[form].missing_fields(schema, stored.text, settings)
    wanted = normalize.lower() == "true"
    assert asked == [wanted, wanted]
    if wanted:
        type_ = REGISTRY_TYPES[form]
        assert registry.lookup("orders-value", stored.text, type_, normalize=True) == stored
        assert registry.lookup("orders-value", stored.text, type_) == stored
