"""Keys and headers in every converter's bytes."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from bridge.errors import BadRecord, Fatal
from bridge.model.converter_classes import AVRO
from bridge.model.registered import Registered
from bridge.model.registry_documents import RuleDocument
from bridge.model.schema import DATE, TIMESTAMP, Field, Kind, Schema
from bridge.routing.java_text import header_text, to_string
from bridge.routing.key_converters import header_encoder, key_converter

TEXT, NUMBER = Schema(Kind.STRING, optional=True), Schema(Kind.INT64, optional=True)
STRUCT = Schema(Kind.STRUCT, fields=(Field("id", TEXT), Field("n", NUMBER)))
CONVERTERS = "org.apache.kafka.connect.converters."


class FakeRegistry:
    """Gives every text an id."""

    def __init__(self) -> None:
        self.subjects: dict[str, Registered] = {}
        self.normalized: list[bool] = []

    def latest(self, subject: str) -> Registered | None:
        return self.subjects.get(subject)

    def lookup(self, subject: str, text: str, *, normalize: bool) -> Registered | None:
        self.normalized.append(normalize)
        found = self.subjects.get(subject)
        return found if found and found.text == text else None

    def register(self, subject: str, text: str, *, normalize: bool) -> Registered:
        self.normalized.append(normalize)
        self.subjects[subject] = Registered(subject, 1, len(self.subjects) + 1, text)
        return self.subjects[subject]


def encoded(
    name: str, schema: Schema | None, value: Any, registry: Any = None, **settings: str
) -> bytes | None:
    options = {key.replace("__", "."): text for key, text in settings.items()}
    return key_converter(name, options, "default", lambda: registry)(schema, "orders")(value)


@pytest.mark.parametrize(
    ("schema", "value", "text"),
    [
        (TEXT, "O-1", b"O-1"),
        (NUMBER, 7, b"7"),
        (Schema(Kind.FLOAT64), 1e7, b"1.0E7"),
        (Schema(Kind.BOOLEAN), True, b"true"),
        (STRUCT, {"id": "a", "n": 1}, b"Struct{id=a,n=1}"),
        (STRUCT, {"id": "a", "n": None}, b"Struct{id=a}"),
        (Schema(Kind.ARRAY, value_schema=TEXT), ["a", "b"], b"[a, b]"),
        (Schema(Kind.MAP, key_schema=TEXT, value_schema=NUMBER), {"a": 1}, b"{a=1}"),
        (Schema(Kind.INT64, name=TIMESTAMP), 1_714_557_600_123, b"Wed May 01 10:00:00 UTC 2024"),
        (None, None, None),
    ],
)
def test_string_converter(schema: Schema | None, value: Any, text: bytes | None) -> None:
    assert encoded("org.apache.kafka.connect.storage.StringConverter", schema, value) == text
    assert encoded("StringConverter", schema, value) == text


def test_json_converter() -> None:
    value = {"id": "a", "n": 1}
    assert encoded("JsonConverter", STRUCT, value, schemas__enable="false") == b'{"id":"a","n":1}'
    wrapped = encoded("org.apache.kafka.connect.json.JsonConverter", STRUCT, value)
    assert wrapped is not None
    assert wrapped.startswith(b'{"schema":{"type":"struct"')
    assert wrapped.endswith(b'"payload":{"id":"a","n":1}}')
    assert encoded("JsonConverter", TEXT, "a", schemas__enable="false") == b'"a"'
    assert encoded("JsonConverter", None, None) is None


@pytest.mark.parametrize(
    ("name", "kind", "value", "raw"),
    [
        ("LongConverter", Kind.INT64, 1, b"\0\0\0\0\0\0\0\1"),
        ("IntegerConverter", Kind.INT32, -1, b"\xff\xff\xff\xff"),
        ("ShortConverter", Kind.INT16, 2, b"\0\2"),
        ("DoubleConverter", Kind.FLOAT64, 1.0, b"\x3f\xf0\0\0\0\0\0\0"),
        ("FloatConverter", Kind.FLOAT32, 1.0, b"\x3f\x80\0\0"),
        ("BooleanConverter", Kind.BOOLEAN, True, b"\1"),
        ("ByteArrayConverter", Kind.BYTES, b"ab", b"ab"),
    ],
)
def test_converters_of_one_kind(name: str, kind: Kind, value: Any, raw: bytes) -> None:
    assert encoded(CONVERTERS + name, Schema(kind), value) == raw
    assert encoded(CONVERTERS + name, Schema(kind, optional=True), None) is None
    with pytest.raises(BadRecord, match=r"key\.converter"):
        encoded(CONVERTERS + name, TEXT, "a")


def test_avro_keys_have_a_subject_of_their_own() -> None:
    registry: Any = FakeRegistry()
    name = "io.confluent.connect.avro.AvroConverter"
    assert encoded(name, Schema(Kind.STRING), "ab", registry) == b"\0\0\0\0\1\x04ab"
    assert registry.subjects["orders-key"].text == '"string"'
    assert encoded(name, NUMBER, None, registry) is None
    raw = encoded(name, STRUCT, {"id": "a", "n": None}, registry)
    assert raw is not None
    assert raw[5:] == b"\2\2a\0"
    with pytest.raises(Fatal, match="has no schema"):
        encoded(name, TEXT, "a", FakeRegistry(), auto__register__schemas="false")
    assert set(registry.normalized) == {False}


def test_avro_keys_are_looked_up_and_registered_normalized() -> None:
    registry: Any = FakeRegistry()
    name = "io.confluent.connect.avro.AvroConverter"
    encoded(name, TEXT, "a", registry, normalize__schemas="true")
    assert registry.normalized == [True, True]


def test_headers_in_connect_s_text() -> None:
    array = Schema(Kind.ARRAY, value_schema=TEXT)
    assert header_text("a", TEXT) == "a"
    assert header_text(["a", None, 'q"'], array) == '["a",null,"q\\""]'
    assert header_text({"id": "a", "n": 1}, STRUCT) == '{"id":"a","n":1}'
    assert header_text({"k": 1}, Schema(Kind.MAP, key_schema=TEXT, value_schema=NUMBER)) == '{"k":1}'
    assert header_text(19844, Schema(Kind.INT32, name=DATE)) == "2024-05-01"
    assert header_text(b"a", Schema(Kind.BYTES)) == "YQ=="
    assert header_text(Decimal("1.50"), None) == "1.50"
    encode = header_encoder("SimpleHeaderConverter", {})
    assert encode(NUMBER, 7) == b"7"
    assert encode(None, None) is None
    assert header_encoder("JsonConverter", {"schemas.enable": "false"})(TEXT, "a") == b'"a"'


def test_bytes_have_no_text() -> None:
    with pytest.raises(BadRecord):
        to_string(b"a", Schema(Kind.BYTES))


ENCRYPTS: RuleDocument = {"name": "r", "type": "ENCRYPT", "tags": ["PII"], "mode": "WRITEREAD"}
PAYLOAD: RuleDocument = {"name": "r", "type": "ENCRYPT_PAYLOAD"}


@pytest.mark.parametrize("auto", ["true", "false"])
@pytest.mark.parametrize(
    ("tag", "rule", "refused"),
    [
        ("PII", ENCRYPTS, True),
        ("OTHER", ENCRYPTS, False),
        ("PII", {**ENCRYPTS, "mode": "READ"}, False),
        ("PII", {**ENCRYPTS, "disabled": True}, False),
        ("OTHER", {**ENCRYPTS, "tags": []}, True),
        ("OTHER", PAYLOAD, True),
    ],
)
def test_rules_that_encrypt_keys_are_refused(tag: str, rule: RuleDocument, refused: bool, auto: str) -> None:
    registry: Any = FakeRegistry()
    encoded(AVRO, STRUCT, {"id": "a", "n": 1}, registry)
    plain = registry.subjects["orders-key"]
    registry.subjects["orders-key"] = evolve(
        plain, metadata={"tags": {"**.id": [tag]}}, rule_set={"domainRules": [rule]}
    )

    def write(*, acknowledged: bool) -> bytes | None:
        made = key_converter(
            AVRO, {"auto.register.schemas": auto}, "default", lambda: registry, acknowledged=acknowledged
        )
        return made(STRUCT, "orders")({"id": "a", "n": 1})

    if refused:
        with pytest.raises(Fatal, match="the rule r of orders-key encrypts keys"):
            write(acknowledged=False)
    else:
        assert write(acknowledged=False)
    assert write(acknowledged=True)
