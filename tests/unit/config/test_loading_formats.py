"""Loading: formats, their options, and the converters that they come from."""

from __future__ import annotations

import pytest

from bridge.config.declarations import CONNECTOR
from tests.unit.config.samples import REGISTRY, Faults, Load, told
from tests.unit.config.samples import WORKER as WORKER_FILE

AVRO = "io.confluent.connect.avro.AvroConverter"
JSON = "org.apache.kafka.connect.json.JsonConverter"


def test_avro_needs_a_registry(faults: Faults, loading: Load) -> None:
    assert set(faults({"output.data.format": "AVRO"})) == {"schema.registry.url"}
    url = "http://registry:8081"
    for key in ("schema.registry.url", "value.converter.schema.registry.url"):
        assert faults({"output.data.format": "AVRO", key: url}) == {}
        assert faults({"output.data.format": "AVRO"}, worker=WORKER_FILE | {key: url}) == {}


def test_a_converter_must_not_contradict_the_format(faults: Faults) -> None:
    assert "contradicts" in faults({"value.converter": AVRO})["value.converter"]
    assert faults({"value.converter": JSON}) == {}
    assert faults({"value.converter": "AvroConverter", "output.data.format": "avro"}, worker=REGISTRY) == {}


def test_a_converter_decides_where_no_format_is_given(loading: Load, faults: Faults) -> None:
    no = {"output.data.format": None}
    assert loading({**no, "value.converter": AVRO}, worker=REGISTRY).connector["output.data.format"] == "AVRO"
    assert loading(no, worker=REGISTRY | {"value.converter": AVRO}).connector["output.data.format"] == "AVRO"
    assert loading(no).connector["output.data.format"] == "JSON"
    assert faults({**no, "value.converter": JSON, "value.converter.schemas.enable": "false"}) == {}
    assert "JSON_SR" in str(
        faults({**no, "value.converter": "io.confluent.connect.json.JsonSchemaConverter"})
    )
    assert set(faults({**no, "value.converter": "com.acme.Mine"})) == {"value.converter"}


def test_a_workers_converter_never_contradicts_a_connector(loading: Load) -> None:
    stock = {"key.converter": JSON, "value.converter": JSON, "key.converter.schemas.enable": "true",
             "value.converter.schemas.enable": "true"}  # fmt: skip
    loaded = loading({"output.data.format": "AVRO"}, worker=REGISTRY | stock)
    assert loaded.connector["output.data.format"] == "AVRO"
    assert loaded.connector["value.converter.schemas.enable"] is False
    string = {"value.converter": "org.apache.kafka.connect.storage.StringConverter"}
    (notice,) = told(loading({"output.data.format": None}, worker=WORKER_FILE | string))
    assert "JSON is written" in notice


@pytest.mark.parametrize(
    ("connector", "worker", "wrapped"),
    [
        ({"output.data.format": "JSON"}, {}, False),
        ({"output.data.format": "JSON", "value.converter.schemas.enable": "true"}, {}, True),
        ({"output.data.format": "JSON"}, {"value.converter": JSON}, False),
        ({"output.data.format": None, "value.converter": JSON}, {}, True),
        (
            {"output.data.format": None, "value.converter": JSON, "value.converter.schemas.enable": "false"},
            {},
            False,
        ),
        ({"output.data.format": None}, {"value.converter": JSON}, True),
        (
            {"output.data.format": None},
            {"value.converter": JSON, "value.converter.schemas.enable": "false"},
            False,
        ),
        ({"output.data.format": None}, {}, False),
    ],
)
def test_json_is_wrapped_as_the_converter_that_was_meant_does(
    loading: Load, connector: dict[str, str | None], worker: dict[str, str], wrapped: bool
) -> None:
    """JsonConverter's default is true, the managed connector's false."""
    config = loading(connector, worker=WORKER_FILE | worker).connector
    assert config["value.converter.schemas.enable"] is wrapped
    assert config.prefixed("value.converter.").get("schemas.enable", "false") == str(wrapped).lower()


@pytest.mark.parametrize("name", ["AVRO", "JSON_SR", "PROTOBUF"])
def test_every_format_with_a_schema_needs_a_registry(name: str, faults: Faults, loading: Load) -> None:
    assert loading({"output.data.format": name}, worker=REGISTRY).connector["output.data.format"] == name
    assert "schema.registry.url" in faults({"output.data.format": name})


@pytest.mark.parametrize(
    ("name", "option", "value", "outcome"),
    [
        ("PROTOBUF", "wrapper.for.nullables", "true", ""),
        ("PROTOBUF", "optional.for.nullables", "true", ""),
        ("PROTOBUF", "scrub.invalid.names", "true", ""),
        ("PROTOBUF", "object.additional.properties", "false", "without effect for PROTOBUF"),
        ("PROTOBUF", "flatten.unions", "true", "without effect for PROTOBUF"),
        ("JSON_SR", "object.additional.properties", "false", ""),
        ("JSON_SR", "decimal.format", "NUMERIC", ""),
        ("JSON_SR", "json.schema.spec.version", "draft_2020_12", "without effect for JSON_SR"),
        ("JSON_SR", "wrapper.for.nullables", "true", "without effect for JSON_SR"),
    ],
)
def test_options_of_the_formats(name: str, option: str, value: str, outcome: str, loading: Load) -> None:
    key = f"value.converter.{option}"
    found = loading({"output.data.format": name, key: value}, worker=REGISTRY)
    assert [notice for notice in found.notices if key in notice] == ([f"{outcome}: {key}"] if outcome else [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("csfle.enabled", "true"),
        ("transaction.boundary", "interval"),
        ("offsets.storage.topic", "mine"),
        ("topic.creation.groups", "g"),
        ("http.proxy.auth.scheme", "NTLM"),
    ],
)
def test_what_is_not_supported_is_refused_unless_at_its_default(key: str, value: str, faults: Faults) -> None:
    assert list(faults({key: value})) == [key]
    assert faults({key: CONNECTOR.properties[key].default}) == {}


def test_options_of_converters(faults: Faults, loading: Load) -> None:
    avro = {"output.data.format": "AVRO"}
    honoured = {"value.converter.connect.meta.data": "false", "value.converter.use.latest.version": "true",
                "value.converter.value.schema.id.serializer": "HeaderSchemaIdSerializer"}  # fmt: skip
    assert faults({**avro, **honoured}, worker=REGISTRY) == {}
    protobuf = {"value.converter.optional.for.nullables": "true"}
    (notice,) = told(loading({**avro, **protobuf}, worker=REGISTRY))
    assert "without effect for AVRO: value.converter.optional.for.nullables" in notice


@pytest.mark.parametrize("form", ["AVRO", "JSON_SR", "PROTOBUF", "JSON"])
def test_normalized_schemas_are_honoured_with_a_registry(faults: Faults, loading: Load, form: str) -> None:
    given = {"output.data.format": form, "value.converter.normalize.schemas": "true"}
    assert faults(given, worker=REGISTRY) == {}
    ignored = any("normalize.schemas" in notice for notice in loading(given, worker=REGISTRY).notices)
    assert ignored is (form == "JSON")
