"""The embedded registry beyond what is recorded: other types, odd bodies, tags, lookups, reserved fields."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.sandbox.registry import Registry

AVRO = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "string", "x": 1, "w": 2}]}
JSON_SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": "string"},
        "b": {"type": "object", "properties": {"c": {"type": "string"}}},
        "l": {"type": "array", "items": {"type": "object", "properties": {"d": {"type": "string"}}}},
    },
}
PROTO = """syntax = "proto3"; package p;
message A { string a = 1; oneof o { string b = 2; } message B { string c = 1; } }"""


class Client:
    def __init__(self, registry: Registry) -> None:
        self._connection = http.client.HTTPConnection(registry.url.removeprefix("http://"), timeout=10)

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def register(self, subject: str, schema: Any, kind: str = "AVRO", query: str = "", **more: Any) -> Any:
        text = schema if isinstance(schema, str) else json.dumps(schema)
        body = {"schema": text, "schemaType": kind, **more}
        return self("POST", f"/subjects/{subject}/versions{query}", body)


@pytest.fixture
def ask() -> Iterator[Client]:
    with Registry() as registry:
        yield Client(registry)


def entity(path: str, kind: str = "sr_field", *tags: str) -> dict[str, Any]:
    return {"schemaEntity": {"entityPath": path, "entityType": kind}, "tags": list(tags or ("T",))}


@pytest.mark.parametrize(
    ("kind", "schema", "paths"),
    [
        ("AVRO", AVRO, ["R.a"]),
        ("JSON", JSON_SCHEMA, ["object.a", "object.b.object.c", "object.l.array.object.d"]),
        ("PROTOBUF", PROTO, ["A.b", "A.a", "A.B.c"]),
    ],
)
def test_tags_are_added_found_and_removed(ask: Client, kind: str, schema: Any, paths: list[str]) -> None:
    ask.register("s", schema, kind)
    status, _ = ask("POST", "/subjects/s/versions/1/tags", {"tagsToAdd": [entity(p) for p in paths]})
    assert status == 200
    _, found = ask("GET", "/subjects/s/versions/latest?findTags=*")
    assert found["version"] == 2
    assert [t["schemaEntity"]["entityPath"] for t in found["schemaTags"]] == paths
    status, made = ask.register("s", schema, kind, propagateSchemaTags=True)
    assert (status, made["version"]) == (200, 1)  # what is sent is found before tags are carried over
    ask("POST", "/subjects/s/versions/2/tags", {"tagsToRemove": [entity(p) for p in paths]})
    _, found = ask("GET", "/subjects/s/versions/latest?findTags=*")
    assert "schemaTags" not in found
    status, refused = ask("POST", "/subjects/s/versions/1/tags", {"tagsToAdd": [entity("no.such.thing")]})
    assert (status, refused["error_code"]) == (422, 42201)


def test_a_new_schema_can_take_over_the_tags(ask: Client) -> None:
    tagged = json.loads(json.dumps(JSON_SCHEMA))
    tagged["properties"]["a"]["confluent:tags"] = ["PII"]
    ask.register("s", {**tagged, "additionalProperties": False}, "JSON")
    wider = {**JSON_SCHEMA, "properties": {**JSON_SCHEMA["properties"], "z": {"type": "string"}}}  # type: ignore[dict-item]
    ask.register("s", {**wider, "additionalProperties": False}, "JSON", propagateSchemaTags=True)
    _, found = ask("GET", "/subjects/s/versions/2")
    assert json.loads(found["schema"])["properties"]["a"]["confluent:tags"] == ["PII"]


def test_what_is_spelled_otherwise_is_the_same(ask: Client) -> None:
    ask.register("s", AVRO)
    turned = {**AVRO, "fields": [{"w": 2, "x": 1, "type": "string", "name": "a"}]}
    status, found = ask.register("s", turned)
    assert (status, found["version"]) == (200, 1)
    other = {**AVRO, "fields": [{"w": 3, "x": 1, "type": "string", "name": "a"}]}
    assert ask.register("s", other)[1]["version"] == 2


def test_references_may_come_spelled_out(ask: Client) -> None:
    inner = {"type": "record", "name": "I", "fields": [{"name": "i", "type": "int"}]}
    ask.register("inner", inner)
    outer = {"type": "record", "name": "O", "fields": [{"name": "o", "type": "I"}]}
    reference = {"name": "I", "subject": "inner", "version": 1}
    ask.register("outer", outer, references=[reference])
    whole = {**outer, "fields": [{"name": "o", "type": inner}]}
    status, found = ask("POST", "/subjects/outer", {"schema": json.dumps(whole)})
    assert (status, found["version"], found["references"]) == (200, 1, [reference])


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("AVRO", AVRO, {**AVRO, "fields": [{"name": "a", "type": "string", "w": 2, "x": 1}]}),
        ("JSON", {"title": "T", "type": "object"}, {"type": "object", "title": "T"}),
        (
            "PROTOBUF",
            'syntax = "proto3"; message A { int32 b = 2; int32 a = 1; }',
            'syntax = "proto3"; message A { int32 a = 1; int32 b = 2; }',
        ),
    ],
)
def test_normalized_schemas_are_one(ask: Client, kind: str, one: Any, other: Any) -> None:
    first = ask.register("s", one, kind, "?normalize=true")[1]
    assert ask.register("s", other, kind, "?normalize=true")[1]["version"] == first["version"] == 1


def test_reserved_fields_stay_reserved(ask: Client) -> None:
    ask("PUT", "/config/s", {"validateFields": True, "compatibility": "BACKWARD"})
    reserving = {"properties": {"confluent:reserved": "b, c"}}
    ask.register("s", AVRO, metadata=reserving)
    grown = {**AVRO, "fields": [*AVRO["fields"], {"name": "b", "type": "int", "default": 0}]}
    status, refused = ask.register("s", grown)
    assert status == 409
    assert "The new schema has field that conflicts with the reserved field b." in refused["message"]
    status, refused = ask.register("s", grown, metadata={"properties": {"confluent:reserved": "c"}})
    assert status == 409
    assert "has reserved field b removed from its metadata" in refused["message"]


def test_rules_are_merged_and_taken_out_with_the_tags(ask: Client) -> None:
    def rule(name: str) -> dict[str, Any]:
        return {"name": name, "type": "CEL", "expr": "true"}

    ask.register(
        "s", AVRO, ruleSet={"domainRules": [rule("a"), rule("b")]}, metadata={"properties": {"k": "v"}}
    )
    change = {"rulesToMerge": {"domainRules": [rule("c")]}, "rulesToRemove": ["a"]}
    status, made = ask("POST", "/subjects/s/versions/1/tags", {**change, "tagsToAdd": [entity("R.a")]})
    assert status == 200
    assert [r["name"] for r in made["ruleSet"]["domainRules"]] == ["b", "c"]
    assert made["metadata"]["properties"] == {"confluent:version": "2", "k": "v"}


def test_fields_of_the_registry_itself(ask: Client) -> None:
    schema = {"type": "object", "properties": {"$$x": {"type": "string"}}}
    assert ask.register("free", schema, "JSON")[0] == 200
    ask("PUT", "/config/s", {"validateFields": True})
    status, refused = ask.register("s", schema, "JSON")
    assert (status, refused["error_code"]) == (422, 42201)
    assert refused["message"].endswith("details: #: Field names cannot start with $$ prefix")


def test_a_form_may_be_asked_for_wherever_a_schema_is_answered(ask: Client) -> None:
    inner = {"type": "record", "name": "I", "fields": []}
    ask.register("inner", inner)
    outer = {"type": "record", "name": "O", "fields": [{"name": "o", "type": "I"}]}
    body = {"schema": json.dumps(outer), "references": [{"name": "I", "subject": "inner", "version": 1}]}
    _, made = ask("POST", "/subjects/s/versions?format=resolved", body)
    form = json.loads(made["schema"])["fields"][0]["type"]
    assert form == inner
    for path in (f"/schemas/ids/{made['id']}", f"/schemas/guids/{made['guid']}", "/subjects/s/versions/1"):
        assert json.loads(ask("GET", f"{path}?format=resolved")[1]["schema"])["fields"][0]["type"] == inner
        assert json.loads(ask("GET", path)[1]["schema"])["fields"][0]["type"] == "I"
    for path in (f"/schemas/ids/{made['id']}/schema", "/subjects/s/versions/1/schema"):
        assert ask("GET", f"{path}?format=resolved")[1]["fields"][0]["type"] == inner
    assert (
        json.loads(ask("POST", "/subjects/s?format=resolved", body)[1]["schema"])["fields"][0]["type"]
        == inner
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", 3), ("?limit=0", 3), ("?limit=-5", 3), ("?offset=1&limit=1", 1), ("?offset=2", 1)],
)
def test_pages(ask: Client, query: str, expected: int) -> None:
    for subject in "abc":
        ask.register(subject, AVRO)
    assert len(ask("GET", f"/subjects{query}")[1]) == expected


def deletes(ask: Client, path: str) -> tuple[int, Any]:
    status, answer = ask("DELETE", path)
    return status, answer if status == 200 else answer["error_code"]


def test_what_is_referred_to_stays_until_the_referring_schema_is_gone_for_good(ask: Client) -> None:
    ask.register("inner", {"type": "record", "name": "I", "fields": []})
    outer = {"type": "record", "name": "O", "fields": [{"name": "o", "type": "I"}]}
    ask.register("outer", outer, references=[{"name": "I", "subject": "inner", "version": 1}])
    assert deletes(ask, "/subjects/inner/versions/1") == (422, 42206)
    assert deletes(ask, "/subjects/outer") == (200, [1])
    assert deletes(ask, "/subjects/inner") == (200, [1])
    assert deletes(ask, "/subjects/inner?permanent=true") == (422, 42206)
    assert ask("PUT", "/mode/inner", {"mode": "IMPORT"})[1]["error_code"] == 42206
    assert deletes(ask, "/subjects/outer?permanent=true") == (200, [1])
    assert deletes(ask, "/subjects/inner/versions/1?permanent=true") == (200, 1)


def test_imports_need_room_and_may_be_deleted(ask: Client) -> None:
    ask.register("s", AVRO)
    assert ask("PUT", "/mode/s", {"mode": "IMPORT"})[1]["error_code"] == 42205
    deletes(ask, "/subjects/s")
    assert ask("PUT", "/mode/s", {"mode": "IMPORT"})[0] == 200
    assert ask("GET", "/subjects?deleted=true")[1] == []
    assert ask.register("s", AVRO, id=77, version=3)[1]["id"] == 77
    assert ask("PUT", "/mode/s", {"mode": "IMPORT"})[0] == 200  # it is in that mode already
    assert deletes(ask, "/subjects/s/versions/3") == (200, 3)
    assert deletes(ask, "/subjects/s/versions/3?permanent=true") == (200, 3)
    assert ask("GET", "/mode/s")[0] == 404  # went with the last version


def test_modes_of_a_context_are_removed_at_once(ask: Client) -> None:
    for name in (":.c:", ":.c:a", ":.d:a"):
        ask("PUT", f"/mode/{name}", {"mode": "READONLY"})
    assert deletes(ask, "/mode/:.c:?recursive=true") == (200, {"mode": "READONLY"})
    assert [ask("GET", f"/mode/{name}")[0] for name in (":.c:", ":.c:a", ":.d:a")] == [404, 404, 200]


def test_an_invalid_candidate_is_a_message_only_where_messages_are_asked_for(ask: Client) -> None:
    ask.register("s", AVRO)
    body = {"schema": "{"}
    assert ask("POST", "/compatibility/subjects/s/versions/latest", body)[1]["error_code"] == 42201
    status, found = ask("POST", "/compatibility/subjects/s/versions/latest?verbose=true", body)
    assert (status, found["is_compatible"], len(found["messages"])) == (200, False, 1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/subjects/s/versions", {"schema": {}}),
        ("/subjects/s/versions", {"metadata": []}),
        ("/subjects/s/versions", {"metadata": {"tags": {"a": "PII"}}}),
        ("/subjects/s/versions", {"ruleSet": {"domainRules": {}}}),
        ("/subjects/s/versions", {"ruleSet": {"domainRules": ["x"]}}),
        ("/subjects/s/versions", {"references": "x"}),
        ("/subjects/s/versions", {"version": "one"}),
        ("/subjects/s", {"references": [{"version": []}]}),
        ("/compatibility/subjects/s/versions", {"schemaType": ["AVRO"]}),
    ],
)
def test_wrong_types_are_refused(ask: Client, path: str, body: Any) -> None:
    status, refused = ask("POST", path, body)
    assert (status, refused["error_code"]) == (400, 400)
    assert refused["message"].startswith("Cannot ")


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 3),
    st.sampled_from(
        ["", "x", "AVRO", "JSON", "PROTOBUF", '"string"', '{"type":"object"}', PROTO, "BACKWARD"]
    ),
    st.just([{"name": "a", "subject": "s", "version": 1}]),
    st.just([entity("object.a")]),
    st.just({"properties": {"a": 1}, "tags": {"**.a": ["T"]}}),
    st.just({"domainRules": [{"name": "r", "type": "ENCRYPT", "tags": ["T"]}]}),
    st.recursive(
        st.none() | st.text(max_size=3),
        lambda i: st.lists(i, max_size=2) | st.dictionaries(st.just("a"), i),
        max_leaves=3,
    ),
)
KEYS = [
    "schema",
    "schemaType",
    "references",
    "metadata",
    "ruleSet",
    "version",
    "id",
    "schemaTagsToAdd",
    "tagsToAdd",
    "newVersion",
    "compatibility",
    "name",
    "kmsType",
    "kmsKeyId",
    "kmsProps",
    "algorithm",
    "defaultMetadata",
    "overrideRuleSet",
    "normalize",
    "alias",
    "propagateSchemaTags",
    "shared",
]
PATHS = [
    "/subjects/s/versions",
    "/subjects/s",
    "/compatibility/subjects/s/versions/latest?verbose=true",
    "/config/s",
    "/config",
    "/subjects/s/versions/latest/tags",
    "/dek-registry/v1/keks",
    "/dek-registry/v1/keks/k/deks/s",
    "/contexts/c/subjects/s/versions",
    "/subjects/s/versions/1?format=serialized&findTags=*",
    "/schemas?limit=-1&offset=x",
    "/schemas/ids/1?findTags=*",
    "/subjects",
]


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    with Registry() as registry:
        yield Client(registry)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["GET", "POST", "POST", "POST", "PUT", "DELETE"]),
    st.sampled_from(PATHS),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5) | VALUES,
)
def test_no_request_breaks_it(shared: Client, method: str, path: str, body: Any) -> None:
    status, _ = shared(method, path, body if method in ("POST", "PUT") else None)
    assert status < 500
