"""The embedded registry under the official Python client: its serializer, contexts, compatibility, deletion."""

import io
import struct
from typing import Any

import fastavro
import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, topic_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.common.schema_registry_client import (
    Metadata,
    MetadataProperties,
    Rule,
    RuleKind,
    RuleMode,
    RuleParams,
    RuleSet,
)
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

from bridge.sandbox.registry import Registry

ORDER = """{"type":"record","name":"Order","namespace":"shop","fields":[
  {"name":"number","type":"string"},
  {"name":"email","type":["null","string"],"default":null,"confluent:tags":["PII"]}]}"""
WIDER = ORDER.removesuffix("]}") + ',{"name":"amount","type":"double","default":0}]}'
BROKEN = """{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"number","type":"long"}]}"""


@pytest.fixture
def client(registry: Registry) -> SchemaRegistryClient:
    return SchemaRegistryClient({"url": registry.url, "timeout": 10})


def options(**more: Any) -> dict[str, Any]:
    return {"subject.name.strategy": topic_subject_name_strategy, **more}


def test_the_official_serializer_and_deserializer(client: SchemaRegistryClient) -> None:
    context = SerializationContext("orders", MessageField.VALUE)
    write = AvroSerializer(client, ORDER, conf=options())
    value = {"number": "O-1", "email": "ada@example.com"}
    data = write(value, context)
    assert data
    magic, schema_id = struct.unpack_from(">bI", data)
    assert magic == 0
    text = client.get_schema(schema_id).schema_str
    assert (
        fastavro.schemaless_reader(io.BytesIO(data[5:]), fastavro.schema.parse_schema(_json(text)), None)
        == value
    )
    assert AvroDeserializer(client, conf=options())(data, context) == value
    assert client.get_subjects() == ["orders-value"]


def test_versions_ids_and_lookup(client: SchemaRegistryClient) -> None:
    first = client.register_schema("s", Schema(ORDER, "AVRO"))
    second = client.register_schema("s", Schema(WIDER, "AVRO"))
    assert client.register_schema("other", Schema(ORDER, "AVRO")) == first
    assert second == first + 1
    assert client.get_versions("s") == [1, 2]
    assert client.get_latest_version("s").schema_id == second
    assert client.get_version("s", 1).schema_id == first
    found = client.lookup_schema("s", Schema(ORDER, "AVRO"))
    assert (found.version, found.schema_id) == (1, first)


def test_an_incompatible_schema_is_refused_with_409(client: SchemaRegistryClient) -> None:
    client.register_schema("s", Schema(ORDER, "AVRO"))
    assert client.test_compatibility("s", Schema(WIDER, "AVRO"))
    assert not client.test_compatibility("s", Schema(BROKEN, "AVRO"))
    with pytest.raises(SchemaRegistryError) as refused:
        client.register_schema("s", Schema(BROKEN, "AVRO"))
    assert (refused.value.http_status_code, refused.value.error_code) == (409, 40901)
    client.set_compatibility("s", "NONE")
    assert client.register_schema("s", Schema(BROKEN, "AVRO"))


def test_contexts_have_id_spaces_of_their_own(registry: Registry, client: SchemaRegistryClient) -> None:
    assert client.register_schema("a", Schema('"string"', "AVRO")) == 1
    assert client.register_schema(":.eu:a", Schema('"long"', "AVRO")) == 1
    assert client.get_schema(1).schema_str == '"string"'
    assert client.get_schema(1, subject_name=":.eu:a").schema_str == '"long"'
    assert sorted(client.get_subjects()) == [":.eu:a", "a"]
    inside = SchemaRegistryClient({"url": f"{registry.url}/contexts/.eu", "timeout": 10})
    assert inside.get_latest_version("a").schema.schema_str == '"long"'


def test_metadata_and_rules_come_back(client: SchemaRegistryClient) -> None:
    rule = Rule(
        "pii",
        "",
        RuleKind.TRANSFORM,
        RuleMode.WRITEREAD,
        "ENCRYPT",
        ["PII"],
        RuleParams({"encrypt.kek.name": "sales", "encrypt.kms.type": "local-kms", "encrypt.kms.key.id": "k"}),
        None,
        None,
        "ERROR,NONE",
        False,
    )
    # No tags here: the client's release 2.16.0 cannot hash them.
    metadata = Metadata(None, MetadataProperties({"owner": "sales"}), None)
    schema = Schema(ORDER, "AVRO", [], metadata, RuleSet(None, [rule]))
    client.register_schema("s", schema)
    client.clear_caches()
    found = client.get_latest_version("s").schema
    assert found.metadata.properties.properties == {"owner": "sales"}
    assert found.rule_set.domain_rules[0].type == "ENCRYPT"
    assert found.rule_set.domain_rules[0].params.params["encrypt.kek.name"] == "sales"


def test_deletion(client: SchemaRegistryClient) -> None:
    client.register_schema("s", Schema(ORDER, "AVRO"))
    assert client.delete_subject("s") == [1]
    with pytest.raises(SchemaRegistryError):
        client.get_latest_version("s")
    assert client.delete_subject("s", permanent=True) == [1]
    assert client.get_subjects() == []


def _json(text: str) -> Any:
    import json

    return json.loads(text)
