"""How a subject grows: LENIENT in JSON Schema and said so where it cannot be, numbers for ever in Protobuf."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from bridge.errors import Fatal, Stage
from bridge.formats import FORMATS
from bridge.model.schema import Field, Kind, Schema
from bridge.registry.client import Incompatible, Registry
from bridge.registry.http import Http, http_of
from bridge.routing.registration import Registration
from bridge.sandbox.registry import Registry as Embedded

TEXT = Schema(Kind.STRING, optional=True)
NARROW = Schema(Kind.STRUCT, name="a.R", fields=(Field("x", TEXT),))
WIDE = Schema(Kind.STRUCT, name="a.R", fields=(Field("x", TEXT), Field("y", TEXT)))
SUBJECT = "orders-value"
Log = pytest.LogCaptureFixture


@pytest.fixture
def http() -> Iterator[Http]:
    with Embedded() as embedded:
        yield http_of({"url": embedded.url}, retry_seconds=2, longest_wait=0.2)


def registration(registry: Registry, form: str) -> Registration:
    return Registration(registry, FORMATS[form], {}, {}, logging.getLogger("lenient"))


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_a_field_can_be_added(http: Http, form: str, caplog: Log) -> None:
    registry = Registry(http)
    registering = registration(registry, form)
    assert registering.written(NARROW, "orders").registered.version == 1
    assert registering.written(WIDE, "orders").registered.version == 2
    assert registering.written(NARROW, "orders").registered.version == 2
    assert (registry.config(SUBJECT) == {}) is (form != "JSON_SR")
    assert "LENIENT" not in caplog.text


class Strict(Registry):
    """A registry that does not know the policy, or does not allow it to be set."""

    refuses = False

    def set_config(self, subject: str, config: Mapping[str, Any]) -> None:
        if self.refuses:
            raise Fatal("the registry does not allow this (403)", stage=Stage.SCHEMA)


@pytest.mark.parametrize(("refuses", "reason"), [(False, "does not know it"), (True, "403")])
def test_one_warning_where_it_cannot_be(http: Http, refuses: bool, reason: str, caplog: Log) -> None:
    registry = Strict(http)
    registry.refuses = refuses
    registering = registration(registry, "JSON_SR")
    with caplog.at_level("WARNING"):
        registering.written(NARROW, "orders")
        (warning,) = caplog.messages
        assert SUBJECT in warning
        assert reason in warning
        with pytest.raises(Incompatible):
            registering.written(WIDE, "orders")
        assert caplog.messages == [warning]


def test_a_subject_that_is_there_is_left_alone(http: Http) -> None:
    registry = Registry(http)
    registry.register(SUBJECT, FORMATS["JSON_SR"].render(NARROW, {}), type_="JSON")
    registration(registry, "JSON_SR").written(NARROW, "orders")
    assert registry.config(SUBJECT) == {}


def test_a_number_that_an_earlier_version_used_is_never_used_again(http: Http) -> None:
    registry = Registry(http)
    head = 'syntax = "proto3"; package a; message R'
    for body in ("{ string x = 1; int32 lost = 2; }", "{ string x = 1; }"):
        registry.register(SUBJECT, f"{head} {body}", type_="PROTOBUF")
    stored = registration(registry, "PROTOBUF").written(WIDE, "orders").registered
    assert stored.version == 3
    assert "string y = 3;" in stored.text
    assert "reserved 2;" in stored.text
    assert 'reserved "lost";' in stored.text
