"""REST metadata, publishing, and the control endpoint."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from bridge.sandbox import samples
from bridge.sandbox.definition import FieldDefinition
from bridge.sandbox.org import Org, schemas
from tests.support.sandbox_client import Client, replay_ids

EVENT = "Order_Placed__e"
CHANNEL = f"/event/{EVENT}"


def query(client: Client, text: str) -> Any:
    from urllib.parse import quote

    return client.get(f"/tooling/query?q={quote(text)}")


def test_versions_need_no_login(another: Callable[..., Client]) -> None:
    import json

    versions = json.loads(another(login=False).request("GET", "/services/data"))
    assert versions[-1]["version"] == "66.0"
    assert versions[-1]["url"] == "/services/data/v66.0"


def test_the_token_is_checked(org: Org, client: Client) -> None:
    org.revoke_tokens()
    assert client.get("/sobjects") == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]
    assert client.last
    assert client.last.status == 401


@pytest.mark.parametrize("path", ["/sobjects/Nope__e/describe", "/event/eventSchema/none", "/nothing/here"])
def test_what_is_not_there(client: Client, path: str) -> None:
    assert client.get(path) == [
        {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}
    ]
    assert client.last
    assert client.last.status == 404


def test_an_unknown_version_is_not_found(another: Callable[..., Client]) -> None:
    assert another(version="12.0").get("/sobjects")[0]["errorCode"] == "NOT_FOUND"


def test_global_describe_and_describe(client: Client) -> None:
    names = [sobject["name"] for sobject in client.get("/sobjects")["sobjects"]]
    assert names == [event.name for event in samples.EVENTS]
    described = client.get(f"/sobjects/{EVENT}/describe")
    assert described["name"] == EVENT
    fields = {field["name"]: field for field in described["fields"]}
    assert fields["Amount__c"]["type"] == "double"
    assert (fields["Amount__c"]["precision"], fields["Amount__c"]["scale"]) == (18, 2)
    assert fields["Order_Number__c"]["nillable"] is False
    assert fields["Is_Gift__c"]["soapType"] == "xsd:boolean"


def test_event_schema_by_event_and_by_id_and_format(org: Org, client: Client) -> None:
    schema_id = org.bus.schema_id(EVENT)
    expanded = client.get(f"/sobjects/{EVENT}/eventSchema")
    assert expanded == schemas.expanded(samples.ORDER_PLACED)
    assert client.get(f"/event/eventSchema/{schema_id}") == expanded
    assert client.get(f"/event/eventSchema/{schema_id}?payloadFormat=EXPANDED") == expanded
    compact = client.get(f"/event/eventSchema/{schema_id}?payloadFormat=COMPACT")
    assert compact["uuid"] == schema_id


def test_an_old_schema_stays_resolvable_while_describe_shows_the_present(org: Org, client: Client) -> None:
    old = org.bus.schema_id(EVENT)
    new = org.define(samples.ORDER_PLACED.with_field(FieldDefinition("Coupon__c")))

    def names(schema_id: str) -> list[str]:
        compact = client.get(f"/event/eventSchema/{schema_id}?payloadFormat=COMPACT")
        return [field["name"] for field in compact["fields"]]

    assert "Coupon__c" not in names(old)
    assert "Coupon__c" in names(new)
    assert "Coupon__c" in [field["name"] for field in client.get(f"/sobjects/{EVENT}/describe")["fields"]]


def test_classification_by_tooling_query(client: Client) -> None:
    answer = query(
        client,
        "SELECT QualifiedApiName, SecurityClassification, ComplianceGroup FROM FieldDefinition "
        f"WHERE EntityDefinition.QualifiedApiName = '{EVENT}'",
    )
    assert answer["done"]
    assert answer["totalSize"] == len(answer["records"]) == len(samples.ORDER_PLACED.fields) + 4
    record = next(r for r in answer["records"] if r["QualifiedApiName"] == "Customer_Email__c")
    assert record["ComplianceGroup"] == "PII;GDPR"
    assert record["SecurityClassification"] == "Confidential"
    assert record["attributes"]["type"] == "FieldDefinition"


def test_a_query_without_its_filter_or_with_an_unknown_column_is_refused(client: Client) -> None:
    assert query(client, "SELECT QualifiedApiName FROM FieldDefinition")[0]["errorCode"] == "MALFORMED_QUERY"
    text = f"SELECT Nope FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = '{EVENT}'"
    assert query(client, text)[0]["errorCode"] == "INVALID_FIELD"


def test_publish_over_rest(org: Org, client: Client) -> None:
    path = f"/services/data/v66.0/sobjects/{EVENT}"
    answer = client.post(path, {"Order_Number__c": "O-1", "Amount__c": 2.5})
    assert client.last
    assert client.last.status == 201
    assert answer["success"]
    assert answer["errors"][0]["statusCode"] == "OPERATION_ENQUEUED"
    uuid.UUID(answer["errors"][0]["message"])
    client.started(CHANNEL, -2)
    (event,) = client.connect()[1]
    assert event["data"]["payload"]["Amount__c"] == 2.5


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"Nope__c": 1}, "INVALID_FIELD"),
        ({"Amount__c": 1}, "REQUIRED_FIELD_MISSING"),
        ([1], "JSON_PARSER_ERROR"),
    ],
)
def test_publish_refusals(client: Client, payload: Any, code: str) -> None:
    assert client.post(f"/services/data/v66.0/sobjects/{EVENT}", payload)[0]["errorCode"] == code


def test_limits(client: Client) -> None:
    assert client.get("/limits")["DailyApiRequests"]["Max"] > 0


def test_the_control_endpoint_drives_the_org(org: Org, client: Client) -> None:
    client.started(CHANNEL, -2)
    made = client.post("/_sandbox/publish", {"event": EVENT, "count": 3})
    assert made["count"] == 3
    one = client.post("/_sandbox/publish", {"event": EVENT, "payload": {"Notes__c": "lone \ud800"}})
    events = client.connect()[1]
    assert replay_ids(events)[0] == made["first"]
    assert replay_ids(events)[2:] == [made["last"], *one["replayIds"]]
    assert events[-1]["data"]["payload"]["Notes__c"] == "lone \ud800"
    assert client.post("/_sandbox/faults", {"kind": "busy", "times": 2})["armed"][0]["kind"] == "busy"
    assert client.connect()[0]["successful"] is False
    assert client.post("/_sandbox/faults", {"clear": True})["armed"] == []
    state = client.post("/_sandbox/actions", {"action": "forget_sessions"})
    assert state == {}
    assert client.connect()[0]["error"] == "403::Unknown client"


def test_the_control_endpoint_changes_definitions_and_expires(org: Org, client: Client) -> None:
    before = org.bus.schema_id(EVENT)
    field = {"name": "Coupon__c", "type": "string", "length": 20}
    body = {"action": "add_field", "event": EVENT, "field": field}
    assert client.post("/_sandbox/actions", body)["schema"] != before
    body = {"action": "remove_field", "event": EVENT, "field": "Coupon__c"}
    assert client.post("/_sandbox/actions", body)["schema"] == before
    org.publish_many(EVENT, 5)
    assert client.post("/_sandbox/actions", {"action": "expire"}) == {"expired": 5}
    assert client.post("/_sandbox/actions", {"action": "refresh"})["org_id"] == org.org_id
    assert client.post("/_sandbox/actions", {"action": "revoke_tokens"}) == {}


def test_the_control_endpoint_lets_the_classification_lag_behind(org: Org, client: Client) -> None:
    def named() -> set[str]:
        where = f"WHERE EntityDefinition.QualifiedApiName = '{EVENT}'"
        answer = query(client, f"SELECT QualifiedApiName FROM FieldDefinition {where}")
        return {record["QualifiedApiName"] for record in answer["records"]}

    body = {"event": EVENT, "fields": ["Notes__c", "Status__c"]}
    complete = named()
    assert client.post("/_sandbox/actions", {"action": "hide_classification", **body}) == {}
    assert complete - named() == {"Notes__c", "Status__c"}
    body["fields"] = ["Notes__c"]
    assert client.post("/_sandbox/actions", {"action": "show_classification", **body}) == {}
    assert complete - named() == {"Status__c"}


def test_the_control_endpoint_adds_a_channel(org: Org, client: Client) -> None:
    body = {"action": "define_channel", "channel": "Some__chn", "events": [EVENT]}
    assert client.post("/_sandbox/actions", body) == {}
    client.started("/event/Some__chn", -2)
    published = org.publish(EVENT, {"Notes__c": "x"})
    assert replay_ids(client.connect()[1]) == [published]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("publish", {"event": "Nope__e", "count": 1}),
        ("publish", {}),
        ("faults", {"kind": "nope"}),
        ("actions", {"action": "nope"}),
    ],
)
def test_the_control_endpoint_says_what_is_wrong(client: Client, path: str, body: Any) -> None:
    assert "error" in client.post(f"/_sandbox/{path}", body)
    assert client.last
    assert client.last.status == 400


def test_state(org: Org, client: Client) -> None:
    import json

    org.publish_many(EVENT, 7)
    client.started(CHANNEL, -2)
    client.connect()
    state = json.loads(client.request("GET", "/_sandbox/state"))
    assert state["org_id"] == org.org_id
    assert state["channels"][CHANNEL]["retained"] == 7
    assert state["counters"] == {"handshake": 1, "connect": 2, "subscribe": 1, "delivered": 7}
    assert state["sessions"] == [{"clientId": client.client_id, "subscriptions": [CHANNEL], "polling": False}]
