"""The embedded registry at odd requests: bodies, paths, queries and names, answered as the server answers them."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.sandbox.registry import Registry

KEKS = "/dek-registry/v1/keks"
KEK = {"name": "k", "kmsType": "local-kms", "kmsKeyId": "i"}
AVRO = '{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"string"}]}'
INVALID_VERSION = 'is not a valid version id. Allowed values are between [1, 2^31-1] and the string "latest"'


class Client:
    def __init__(self, registry: Registry) -> None:
        self._connection = http.client.HTTPConnection(registry.url.removeprefix("http://"), timeout=20)

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = body if isinstance(body, str) or body is None else json.dumps(body)
        self._connection.request(method, path, data, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def register(self, subject: str, schema: str = AVRO, **more: Any) -> Any:
        return self("POST", f"/subjects/{subject}/versions", {"schema": schema, **more})


@pytest.fixture
def ask() -> Iterator[Client]:
    with Registry() as registry:
        yield Client(registry)


def made_dek(ask: Client, subject: str = "s", **body: Any) -> tuple[int, Any]:
    return ask("POST", f"{KEKS}/k/deks/{subject}", {"encryptedKeyMaterial": "QQ==", **body})


# ---------------------------------------------------------------- DEKs and KEKs


@pytest.mark.parametrize(("given", "version"), [("5", 5), (" +7 ", 7), (None, 1), (2.9, 2), ("", 1)])
def test_a_dek_version_may_be_a_text_of_digits(ask: Client, given: Any, version: int) -> None:
    ask("POST", KEKS, KEK)
    assert made_dek(ask, version=given)[1]["version"] == version
    assert made_dek(ask, version=9)[0] == 200
    assert ask("GET", f"{KEKS}/k/deks/s/versions") == (200, [version, 9])
    assert ask("GET", f"{KEKS}/k/deks/s/versions/latest")[1]["version"] == 9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "latest",
            'Cannot deserialize value of type `Integer` from String "latest": not a valid `java.lang.Integer` value',
        ),
        (2**31, "Numeric value (2147483648) out of range of int (-2147483648 - 2147483647)"),
        ([], "Cannot deserialize value of type `Integer` from Array value (token `JsonToken.START_ARRAY`)"),
        (
            True,
            "Cannot deserialize value of type `Integer` from Boolean value (token `JsonToken.VALUE_TRUE`)",
        ),
    ],
)
def test_a_dek_version_that_is_no_number_is_refused_and_the_subject_stays_whole(
    ask: Client, given: Any, message: str
) -> None:
    ask("POST", KEKS, KEK)
    made_dek(ask)
    assert made_dek(ask, version=given) == (400, {"error_code": 400, "message": message})
    assert ask("GET", f"{KEKS}/k/deks/s/versions") == (200, [1])


def test_versions_below_one_are_neither_listed_nor_the_latest(ask: Client) -> None:
    ask("POST", KEKS, KEK)
    assert [made_dek(ask, version=version)[0] for version in (0, -1)] == [200, 200]
    assert ask("GET", f"{KEKS}/k/deks/s/versions") == (200, [])
    assert ask("GET", f"{KEKS}/k/deks/s/versions/-1")[1]["error_code"] == 40470


def test_a_dek_is_made_anew_after_a_soft_delete_only_from_the_same_material(ask: Client) -> None:
    ask("POST", KEKS, KEK)
    made_dek(ask)
    assert ask("DELETE", f"{KEKS}/k/deks/s") == (204, None)
    assert made_dek(ask, encryptedKeyMaterial="Qg==")[1]["error_code"] == 40971
    assert ask("POST", f"{KEKS}/k/deks/s", {})[1]["error_code"] == 40971
    assert made_dek(ask, deleted=True)[1]["error_code"] == 40971  # it is deleted already
    assert "deleted" not in made_dek(ask)[1]
    assert made_dek(ask, deleted=True)[1]["deleted"] is True  # and so a create can delete
    assert ask("GET", f"{KEKS}/k/deks/s")[0] == 404


def test_a_shared_dek_is_never_made_anew(ask: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_SECRET", "x")
    ask("POST", KEKS, {**KEK, "shared": "True"})
    _, made = ask("POST", f"{KEKS}/k/deks/s", {})
    assert made["keyMaterial"]
    ask("DELETE", f"{KEKS}/k/deks/s")
    for body in ({}, {"encryptedKeyMaterial": made["encryptedKeyMaterial"]}):
        assert ask("POST", f"{KEKS}/k/deks/s", body)[1]["error_code"] == 40971
    wrapped = {"encryptedKeyMaterial": made["encryptedKeyMaterial"]}
    assert ask("POST", f"{KEKS}/k/deks/s?rewrap=true", wrapped)[1]["error_code"] == 40971
    _, rewrapped = ask("POST", f"{KEKS}/k/deks/s?rewrap=true", {})
    assert rewrapped["keyMaterial"] == made["keyMaterial"]


def test_deleting_the_latest_dek_by_that_word_changes_nothing(ask: Client) -> None:
    ask("POST", KEKS, KEK)
    made_dek(ask)
    assert ask("DELETE", f"{KEKS}/k/deks/s/versions/latest") == (204, None)
    assert ask("GET", f"{KEKS}/k/deks/s/versions") == (200, [1])
    assert ask("DELETE", f"{KEKS}/k/deks/other/versions/latest")[1]["error_code"] == 40470


def test_keks_are_read_field_by_field(ask: Client) -> None:
    words = 'only "true"/"True"/"TRUE" or "false"/"False"/"FALSE" recognized'
    refused = f'Cannot deserialize value of type `boolean` from String "maybe": {words}'
    assert ask("POST", KEKS, {**KEK, "shared": "maybe"}) == (400, {"error_code": 400, "message": refused})
    _, made = ask("POST", KEKS, {**KEK, "kmsType": "AWS-KMS", "kmsProps": {"b": 1, "a": None}, "doc": ""})
    made.pop("ts")
    expected = {"kmsType": "aws-kms", "kmsProps": {"a": None, "b": "1"}, "doc": "", "shared": False}
    assert made == {**KEK, **expected}
    assert ask("PUT", f"{KEKS}/k", {"shared": "maybe"})[0] == 400
    assert ask("PUT", f"{KEKS}/k", {"doc": 7, "shared": 1})[1]["doc"] == "7"
    assert ask("GET", f"{KEKS}/k")[1]["shared"] is True


def test_a_kek_created_as_deleted_deletes_the_equal_one(ask: Client) -> None:
    ask("POST", KEKS, KEK)
    assert ask("POST", KEKS, {**KEK, "deleted": True})[1]["deleted"] is True
    assert ask("POST", KEKS, {**KEK, "deleted": True})[1]["error_code"] == 40971
    assert ask("GET", f"{KEKS}/k")[0] == 404


# ---------------------------------------------------------------- bodies


def test_nan_is_read_as_the_server_reads_it(ask: Client) -> None:
    assert ask("POST", "/subjects/s/versions", '{"schema": "\\"int\\"", "version": NaN}')[1]["version"] == 1
    status, refused = ask("POST", "/subjects/s/versions", '{"schema": "\\"int\\"", "id": Infinity}')
    assert (status, refused["message"]) == (
        400,
        "Numeric value (Infinity) out of range of int (-2147483648 - 2147483647)",
    )
    assert ask("PUT", "/config/s", '{"alias": NaN, "normalize": NaN}')[0] == 400
    assert ask("PUT", "/config/s", '{"alias": NaN}')[1] == {"alias": "NaN"}


def test_a_body_of_too_many_levels_is_refused(ask: Client) -> None:
    assert ask("POST", "/subjects/s/versions", '{"a":' + "[" * 100_000)[0] == 400


def test_a_null_in_metadata_is_the_servers_fault_and_nothing_is_registered(ask: Client) -> None:
    fault = (500, {"error_code": 500, "message": "Internal Server Error"})
    assert ask.register("s", metadata={"properties": {"a": None}}) == fault
    rule = {"name": "r", "type": "CEL", "params": {"a": None}}
    assert ask.register("s", ruleSet={"domainRules": [rule]}) == fault
    assert ask("GET", "/subjects") == (200, [])
    assert ask.register("s", metadata={"tags": {"a": None}})[0] == 400
    assert ask.register("s", metadata={"tags": {"a": [None]}})[0] == 400


def test_a_null_mode_takes_the_mode_away(ask: Client) -> None:
    ask("PUT", "/mode/s", {"mode": "READONLY"})
    assert ask("PUT", "/mode/s", {"mode": None}) == (200, {"mode": None})
    assert ask("GET", "/mode/s")[1]["error_code"] == 40409
    assert ask("PUT", "/mode/s", {})[0] == 500  # recorded


@pytest.mark.parametrize(
    ("entity", "status"),
    [
        ({"entityPath": "n.R.a", "entityType": "sr_column"}, 400),
        ({"entityPath": "n.R.a", "entityType": "SR_FIELD"}, 400),
        ({"entityType": "sr_field"}, 400),
        ({"entityPath": "n.R.a", "entityType": "sr_record"}, 422),
        ({"entityPath": "a", "entityType": "sr_field"}, 422),
        ({"entityPath": "R.a", "entityType": "sr_field"}, 200),
        ({"entityPath": ".n.R", "entityType": "sr_record"}, 200),
    ],
)
def test_tags_are_for_records_and_fields_that_are_there(ask: Client, entity: Any, status: int) -> None:
    ask.register("s")
    body = {"tagsToAdd": [{"schemaEntity": entity, "tags": ["T"]}]}
    assert ask("POST", "/subjects/s/versions/1/tags", body)[0] == status


# ---------------------------------------------------------------- settings


def test_a_mode_is_deleted_with_those_under_it(ask: Client) -> None:
    for name in (":.c:a", "b", ":.d:a"):
        ask("PUT", f"/mode/{name}", {"mode": "READONLY"})
    assert ask("DELETE", "/mode/:.c:")[1]["message"] == "Subject ':.c:' not found."
    assert ask("DELETE", "/mode/:.c:?recursive=true") == (200, {})
    assert ask("DELETE", "/mode/none?recursive=true") == (200, {})
    assert ask("DELETE", "/mode?recursive=true") == (200, {"mode": "READWRITE"})
    assert [ask("GET", f"/mode/{name}")[0] for name in (":.c:a", "b", ":.d:a")] == [404, 404, 200]


def test_settings_of_everything_always_are_there(ask: Client) -> None:
    for name in ("", "/:.:", "/:.__GLOBAL:", "/:.__GLOBAL:x"):
        for method in ("GET", "DELETE"):
            assert ask(method, f"/config{name}") == (200, {"compatibilityLevel": "BACKWARD"})
            assert ask(method, f"/mode{name}") == (200, {"mode": "READWRITE"})


def test_texts_of_a_configuration_have_their_types(ask: Client) -> None:
    words = {"normalize": "True", "validateFields": 1, "validateRules": "", "compatibilityGroup": 5}
    body = {**words, "compatibilityPolicy": "lenient", "alias": ""}
    shown = {"normalize": True, "validateFields": True, "compatibilityPolicy": "LENIENT"}
    _, answer = ask("PUT", "/config/s", body)
    assert answer == {"alias": "", **shown, "compatibilityGroup": "5"}
    expected = {**shown, "compatibilityLevel": "BACKWARD", "compatibilityGroup": "5"}
    assert ask("GET", "/config/s") == (200, expected)
    refused = (
        'Cannot deserialize value of type `Boolean` from String "yes": only "true" or "false" recognized'
    )
    assert ask("PUT", "/config/s", {"normalize": "yes"})[1]["message"] == refused
    schema = '{"type":"record","name":"R","fields":[],"z":1,"a":2}'
    assert ask.register("s", schema)[1]["schema"].endswith('"a":2,"z":1}')


def test_the_nearest_configuration_holds_as_a_whole(ask: Client) -> None:
    ask("PUT", "/config", {"compatibility": "NONE", "normalize": True})
    ask("PUT", "/config/s", {"validateFields": True})
    expected = {"validateFields": True, "compatibilityLevel": "BACKWARD"}
    assert ask("GET", "/config/s?defaultToGlobal=true") == (200, expected)


# ---------------------------------------------------------------- paths and queries


@pytest.mark.parametrize("version", ["LATEST", "Latest", "%20latest", "+1", "01", "-1", "-01", "%D9%A1"])
def test_versions_are_read_as_java_reads_them(ask: Client, version: str) -> None:
    ask.register("s")
    assert ask("GET", f"/subjects/s/versions/{version}")[1]["version"] == 1


@pytest.mark.parametrize(
    ("version", "shown"),
    [("+0", "0"), ("-2", "-2"), ("1.0", "1.0"), ("2147483648", "2147483648"), ("_", "_")],
)
def test_what_is_no_version_is_shown(ask: Client, version: str, shown: str) -> None:
    ask.register("s")
    status, refused = ask("GET", f"/subjects/s/versions/{version}")
    assert (status, refused["error_code"]) == (422, 42202)
    assert refused["message"] == f"The specified version '{shown}' {INVALID_VERSION}"


def test_a_guid_needs_no_dashes(ask: Client) -> None:
    guid = ask.register("s")[1]["guid"]
    for text in (guid, guid.upper(), guid.replace("-", ""), uuid.UUID(guid).hex.upper()):
        assert ask("GET", f"/schemas/guids/{text}")[1]["guid"] == guid
        assert ask("GET", f"/schemas/guids/{text}/ids")[1] == [{"context": ".", "id": 1}]
    for text in (guid.replace("-", "")[:-1], guid.replace("-", "", 1), f"{{{guid}}}"):
        assert ask("GET", f"/schemas/guids/{text}")[1]["error_code"] == 40403


def test_of_repeated_keys_the_first_counts(ask: Client) -> None:
    ask.register("a")
    ask.register("b")
    assert ask("GET", "/subjects?limit=1&limit=2")[1] == ["a"]
    assert ask("GET", "/subjects?subjectPrefix=b&subjectPrefix=a")[1] == ["b"]
    assert ask("DELETE", "/subjects/a?permanent=false&permanent=true") == (200, [1])
    assert ask("GET", "/subjects?deleted=true&deleted=false")[1] == ["a", "b"]


def test_deleted_versions_are_shown_negative_among_all(ask: Client) -> None:
    for number in range(3):
        ask.register("s", f'{{"type":"fixed","name":"F","size":8,"x":{number}}}')
    ask("DELETE", "/subjects/s/versions/2")
    for more in ("", "&deleted=true", "&deletedOnly=true"):
        assert ask("GET", f"/subjects/s/versions?deletedAsNegative=true{more}") == (200, [1, -2, 3])
    assert ask("GET", "/subjects/s/versions?deletedOnly=true&deleted=true") == (200, [2])
    ask("DELETE", "/subjects/s")
    assert ask("GET", "/subjects/s/versions?deletedAsNegative=true")[1]["error_code"] == 40401
    assert ask("GET", "/subjects/s/versions?deletedAsNegative=true&deletedOnly=true")[1] == [-1, -2, -3]


# ---------------------------------------------------------------- names


def test_a_context_is_a_subject_with_an_empty_name(ask: Client) -> None:
    assert ask.register(":.eu")[0] == 200
    assert ask("GET", "/subjects") == (200, [":.eu:"])
    assert ask("GET", "/subjects/:.eu:/versions/1")[1]["subject"] == ":.eu:"
    assert ask("GET", "/contexts") == (200, [".", ".eu"])


def test_the_wildcard_context_holds_subjects_of_its_own(ask: Client) -> None:
    ask.register("x", '"int"')
    assert ask.register(":*:x")[1]["id"] == 1
    assert ask("GET", "/subjects/:*:x/versions/1")[1]["subject"] == ":*:x"
    assert json.loads(ask("GET", "/schemas/ids/1")[1]["schema"]) == "int"
    assert ask("GET", "/subjects?subjectPrefix=:*:x")[1] == [":*:x", "x"]


def test_nothing_is_registered_above_all_contexts(ask: Client) -> None:
    status, refused = ask.register(":.__GLOBAL:x")
    assert (status, refused["error_code"]) == (422, 42208)
    assert ask("PUT", "/config/:.__GLOBAL:x", {"compatibility": "FULL"})[0] == 200
    assert ask("PUT", "/mode/:.__GLOBAL:x", {"mode": "READONLY"})[0] == 200
    assert ask("PUT", "/config/__EMPTY", {"compatibility": "FULL"})[1]["error_code"] == 42208


def test_an_alias_is_in_the_context_of_what_it_is_set_for(ask: Client) -> None:
    ask.register(":.c:real")
    ask("PUT", "/config/:.c:short", {"alias": "real"})
    assert ask("GET", "/subjects/:.c:short/versions/1")[1]["subject"] == ":.c:real"
    assert ask("GET", "/schemas/ids/1?subject=:.c:short")[1]["subject"] == ":.c:real"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('"x"', "`RegisterSchemaRequest` (although at least one Creator exists): no String-argument"),
        ("5", "`RegisterSchemaRequest` (although at least one Creator exists): no int/Int-argument"),
        (
            "true",
            "`RegisterSchemaRequest` (although at least one Creator exists): no boolean/Boolean-argument",
        ),
        ('{"references": "x"}', "`ArrayList` (although at least one Creator exists): no String-argument"),
        ('{"schema": {}}', "type `String` from Object value (token `JsonToken.START_OBJECT`)"),
        (
            '{"metadata": {"properties": 5}}',
            "`LinkedHashMap` from Integer value (token `JsonToken.VALUE_NUMBER_INT`)",
        ),
        (
            '{"propagateSchemaTags": 0.5}',
            "`Boolean` from Floating-point value (token `JsonToken.VALUE_NUMBER_FLOAT`)",
        ),
        (
            '{"version": "99999999999"}',
            "Overflow: numeric value (99999999999) out of range of `java.lang.Integer`",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_the_readers_words(ask: Client, body: str, message: str) -> None:
    status, refused = ask("POST", "/subjects/s/versions", body)
    assert (status, refused["error_code"]) == (400, 400)
    assert message in refused["message"]


@pytest.mark.parametrize("text", ["1_0", "%201", "1.0", "2147483648", "x"])
def test_a_number_in_a_path_or_query_has_digits_only(ask: Client, text: str) -> None:
    assert ask("GET", f"/schemas/ids/{text}")[1]["error_code"] == 404
    assert ask("GET", f"/subjects?limit={text}")[1]["error_code"] == 404


def test_an_update_to_a_shared_kek_can_be_tried_first(ask: Client) -> None:
    ask("POST", KEKS, {**KEK, "kmsType": "none"})
    message = "Could not generate encrypted dek for __TEST: No KMS driver supports: none://i"
    refused = (500, {"error_code": 500, "message": f"Error while updating key: {message}"})
    assert ask("PUT", f"{KEKS}/k?testSharing=true", {"shared": True}) == refused
    assert ask("GET", f"{KEKS}/k")[1]["shared"] is False
    assert ask("PUT", f"{KEKS}/k?testSharing=true", {"doc": "d"})[1]["doc"] == "d"
