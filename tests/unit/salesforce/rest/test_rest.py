"""REST metadata against local servers over plain HTTP and TLS: what is asked, the session, the nearest name."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge import calls
from bridge.errors import BridgeError, Fatal, Retriable, Stage
from bridge.salesforce.nearest import nearest
from bridge.salesforce.rest import Rest
from tests.support.web_server import Answer, Request, Web, connect_proxy, web_server
from tests.unit.salesforce.rest.scripted import EVENT, EXPIRED, Org, data

# ---- what is asked -------------------------------------------------------------------------------------


def test_describe_over_plain_http_on_loopback(org: Org) -> None:
    org.answers[data(f"sobjects/{EVENT}/describe")] = Answer(
        {"name": EVENT, "fields": [{"name": "Amount__c"}]}
    )
    found = org.rest().describe(EVENT)
    assert found == {"name": EVENT, "fields": [{"name": "Amount__c"}]}
    assert type(found) is dict


def test_everything_over_tls_with_a_private_ca_and_a_proxy(tmp_path: Path) -> None:
    with web_server(tls_directory=tmp_path) as web, connect_proxy(("u", "p")) as proxy:
        org = Org(web)
        web.script = org.script
        org.answers[data(f"sobjects/{EVENT}/describe")] = Answer({"name": EVENT})
        rest = org.rest(
            bridge__salesforce__ca__file=str(web.ca_file),
            http__proxy=f"http://u:p@{proxy.address}",
        )
        assert rest.describe(EVENT)["name"] == EVENT
        assert proxy.asked == [f"localhost:{web.port}"] * 2


def test_an_unknown_ca_is_fatal(tmp_path: Path) -> None:
    with web_server(tls_directory=tmp_path) as web, web_server() as plain:
        login = Org(web)
        plain.script = login.script
        rest = Org(plain).rest()
        with pytest.raises(Fatal, match=r"bridge\.salesforce\.ca\.file") as refused:
            rest.describe(EVENT)
    assert refused.value.stage is Stage.METADATA


@pytest.mark.parametrize(
    ("setting", "version"), [("latest", "66.0"), ("61.0", "61.0"), ("v62.0", "62.0"), ("63", "63.0")]
)
def test_the_api_version(org: Org, setting: str, version: str) -> None:
    rest = org.rest(salesforce__version=setting)
    assert rest.api_version() == version
    assert rest.api_version() == version
    assert org.paths() == (["/services/data"] if setting == "latest" else [])


def test_latest_is_used_in_paths(org: Org) -> None:
    org.answers[data("limits")] = Answer({"DailyApiRequests": {"Max": 5, "Remaining": 4}})
    assert org.rest(salesforce__version="latest").limits()["DailyApiRequests"]["Remaining"] == 4
    assert org.paths() == ["/services/data", data("limits")]


@pytest.mark.parametrize("answer", [[], {}, [{"version": "soon"}], ["66.0"], {"versions": 1}])
def test_versions_that_are_none(org: Org, answer: Any) -> None:
    org.answers["/services/data"] = Answer(answer)
    with pytest.raises(Retriable, match="names none"):
        org.rest(salesforce__version="latest", request__max__retries__time__ms="1000").api_version()


def test_event_schemas(org: Org) -> None:
    schema = {"name": EVENT, "type": "record", "fields": []}
    org.answers[data("event/eventSchema/IeRuaY6cbI_HsV8Rv1Mc5g")] = Answer(schema)
    org.answers[data(f"sobjects/{EVENT}/eventSchema")] = Answer(schema)
    rest = org.rest()
    assert rest.event_schema("IeRuaY6cbI_HsV8Rv1Mc5g") == schema
    assert rest.event_schema_of(EVENT) == schema
    assert [r.query for r in org.web.requests if "eventSchema" in r.path] == [
        {"payloadFormat": "EXPANDED"}
    ] * 2
    assert rest.event_schema("unknown") is None
    assert rest.event_schema_of("Other__e") is None


def test_a_schema_id_cannot_leave_its_place_in_the_path(org: Org) -> None:
    assert org.rest().event_schema("../../sobjects?x=1") is None
    assert org.paths() == ["/services/data/v66.0/event/eventSchema/..%2F..%2Fsobjects%3Fx%3D1"]


def test_events_are_the_platform_events_of_the_org(org: Org) -> None:
    names = ["Account", "Zeta__e", "Event", "Order__c", EVENT, "LoginEventStream"]
    org.answers[data("sobjects")] = Answer({"sobjects": [{"name": name} for name in names] + [{}, None]})
    assert org.rest().events() == [EVENT, "Zeta__e"]


def test_field_classification_asks_the_tooling_api_page_by_page(org: Org) -> None:
    row = {
        "QualifiedApiName": "Customer_Email__c",
        "ComplianceGroup": "PII;GDPR",
        "SecurityClassification": None,
    }
    org.answers[data("tooling/query/")] = Answer(
        {"done": False, "nextRecordsUrl": "/services/data/v66.0/tooling/query/01g-2000", "records": [row]}
    )
    org.answers[data("tooling/query/01g-2000")] = Answer(
        {"done": True, "records": [{"QualifiedApiName": "B"}]}
    )
    assert org.rest().field_classification(EVENT) == [row, {"QualifiedApiName": "B"}]
    asked = next(request.query["q"] for request in org.web.requests if request.query)
    assert "FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'Order_Placed__e'" in asked
    assert "ComplianceGroup" in asked


def test_connectors_of_a_process_share_classification_and_api_version(org: Org) -> None:
    org.answers[data("tooling/query/")] = Answer({"done": True, "records": [{"QualifiedApiName": "A"}]})
    since = time.monotonic()
    org.answers["/services/data"] = Answer([{"version": "66.0"}, {"version": "65.0"}])
    rests = [org.rest(name=f"orders-{number}", salesforce__version="latest") for number in range(5)]
    asked = {rest.shared_classification("Mine__e", since)[0] for rest in rests}
    assert len(asked) == 1
    assert since < asked.pop() < time.monotonic()
    assert org.paths() == ["/services/data", data("tooling/query/")]
    org.rest().shared_classification("Mine__e", time.monotonic())
    assert org.paths()[2:] == [data("tooling/query/")]


def test_what_one_user_is_refused_is_not_the_answer_for_another(org: Org) -> None:
    """Who asks as somebody else does not wait for the first one either."""
    entered, go = threading.Event(), threading.Event()

    def classified(request: Request) -> Answer:
        if request.headers["authorization"] != "Bearer T1":
            return Answer({"done": True, "records": [{"QualifiedApiName": "A"}]})
        entered.set()
        go.wait(20)
        return Answer([{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}], 403)

    org.answers[data("tooling/query/")] = classified
    since, refused = time.monotonic(), list[str]()

    def ask(rest: Rest) -> None:
        try:
            rest.shared_classification("Theirs__e", since)
        except BridgeError as error:
            refused.append(error.message)

    one, other = org.rest(salesforce__consumer__secret="one"), org.rest(salesforce__consumer__secret="other")
    first = threading.Thread(target=ask, args=(one,))
    first.start()
    assert entered.wait(20)
    try:
        assert other.shared_classification("Theirs__e", since)[1] == [{"QualifiedApiName": "A"}]
        assert not refused
    finally:
        go.set()
    first.join(20)
    assert len(refused) == 1


def test_requests_are_counted_by_what_they_are_for(org: Org) -> None:
    before = {one: calls.SALESFORCE.count("ok", one) for one in ("versions", "describe", "classification")}
    org.answers[data("tooling/query/")] = Answer({"done": True, "records": []})
    org.rest().field_classification(EVENT)
    assert {one: calls.SALESFORCE.count("ok", one) - count for one, count in before.items()} == {
        "versions": 0,
        "describe": 0,
        "classification": 1,
    }


@pytest.mark.parametrize("status", [404, 307])
def test_a_query_path_without_its_slash(org: Org, status: int) -> None:
    org.answers[data("tooling/query/")] = Answer(status=status, headers={"Location": "/elsewhere"})
    org.answers[data("tooling/query")] = Answer({"done": True, "records": [{"QualifiedApiName": "A"}]})
    assert org.rest().field_classification(EVENT) == [{"QualifiedApiName": "A"}]


def test_pages_that_do_not_end(org: Org) -> None:
    org.answers[data("tooling/query/")] = Answer({"done": False, "nextRecordsUrl": "/x/", "records": []})
    with pytest.raises(Retriable, match="does not end"):
        org.rest().field_classification(EVENT)


@pytest.mark.parametrize("event", ["", "a b", "X'--", "../x", "/event/X__e", "é", "X" * 300])
def test_a_name_that_is_none_is_never_sent(org: Org, event: str) -> None:
    rest = org.rest()
    for method in (rest.describe, rest.event_schema_of, rest.field_classification):
        with pytest.raises(Fatal, match="is not an API name"):
            method(event)
    assert org.web.requests == []


# ---- the session ---------------------------------------------------------------------------------------


def test_an_expired_session_is_renewed_once_and_the_question_repeated(org: Org) -> None:
    org.answers[data("limits")] = Answer({"x": {}})
    rest = org.rest()
    rest.limits()
    org.tokens += 1  # what Salesforce does when it ends a session
    assert rest.limits() == {"x": {}}
    assert org.tokens == 3
    assert [r.headers["authorization"] for r in org.web.requests if r.path.endswith("limits")] == [
        "Bearer T1",
        "Bearer T1",
        "Bearer T3",
    ]


def test_a_session_that_is_never_accepted_is_fatal_after_one_renewal(org: Org) -> None:
    org.answers[data("limits")] = EXPIRED
    with pytest.raises(Fatal, match=r"INVALID_SESSION_ID .* though the session is new"):
        org.rest(request__max__retries__time__ms="30000").limits()
    assert org.tokens == 2


@pytest.mark.parametrize("body", ["<html>401</html>", "", [], {"errorCode": "INVALID_AUTH_HEADER"}, [None]])
def test_a_401_of_any_shape_renews(org: Org, body: Any) -> None:
    answers = iter([Answer(body, 401)])
    org.answers[data("limits")] = lambda request: next(answers, Answer({"x": {}}))
    assert org.rest().limits() == {"x": {}}
    assert org.tokens == 2


def test_threads_may_ask_at_once_and_renew_once(org: Org) -> None:
    org.answers[data("limits")] = Answer({"x": {}})
    rest = org.rest()
    rest.limits()
    org.tokens += 1
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(rest.limits())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [{"x": {}}] * 8
    assert org.tokens == 3


# ---- the nearest name ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("Order_placed__e", f"the event is called {EVENT}, not Order_placed__e; upper and lower case count"),
        ("Order_Place__e", f"did you mean {EVENT}?"),
        ("order_placed", f"its API name is {EVENT}"),
        ("Nothing_Like_It__e", "the org has Order_Placed__e, Zeta__e, LoginEventStream"),
    ],
)
def test_an_unknown_event_names_the_nearest(org: Org, wrong: str, said: str) -> None:
    names = ["Account", "Zeta__e", EVENT, "LoginEventStream"]
    org.answers[data("sobjects")] = Answer({"sobjects": [{"name": name} for name in names]})
    with pytest.raises(Fatal) as refused:
        org.rest().describe(wrong)
    assert said in refused.value.message
    assert refused.value.message.startswith("salesforce.platform.event.name: ")


def test_describe_that_does_not_mind_the_case(org: Org) -> None:
    org.answers[data("sobjects/order_placed__e/describe")] = Answer({"name": EVENT})
    with pytest.raises(Fatal, match="the event is called Order_Placed__e, not order_placed__e"):
        org.rest().describe("order_placed__e")


def test_an_event_that_may_not_be_read(org: Org) -> None:
    org.answers[data("sobjects")] = Answer({"sobjects": [{"name": EVENT}]})
    with pytest.raises(Fatal, match="exists, but the user may not read it"):
        org.rest().describe(EVENT)


def test_a_version_that_the_org_does_not_know(org: Org) -> None:
    with pytest.raises(Fatal, match=r"salesforce\.version=66\.0 is not known to this org"):
        org.rest().describe(EVENT)


def test_an_org_without_events() -> None:
    assert nearest("X__e", ["Account"]) == "there is no event X__e, nor any other that the user may read"


@given(st.text(), st.lists(st.text() | st.text().map(lambda text: f"{text}__e")))
def test_nearest_always_answers(event: str, names: list[str]) -> None:
    assert event in nearest(event, names)


# ---- another hand's simulator --------------------------------------------------------------------------


def test_the_sandbox_answers_every_question(tmp_path: Path) -> None:
    from bridge.sandbox.definition import EventDefinition, FieldDefinition
    from bridge.sandbox.org import Org as Sandbox

    event = EventDefinition(EVENT, (FieldDefinition("Amount__c", "double"),))
    with Sandbox([event], directory=tmp_path) as sandbox:
        rest = Org(Web(sandbox.url, sandbox.ca_file)).rest(
            salesforce__consumer__key=sandbox.credentials.client_id,
            salesforce__consumer__secret=sandbox.credentials.client_secret,
            salesforce__version="latest",
            bridge__salesforce__ca__file=str(sandbox.ca_file),
        )
        assert rest.events() == [EVENT]
        assert "Amount__c" in [field["name"] for field in rest.describe(EVENT)["fields"]]
        schema = rest.event_schema_of(EVENT)
        assert schema is not None
        assert "Amount__c" in [row["QualifiedApiName"] for row in rest.field_classification(EVENT)]
        assert rest.event_schema(sandbox.bus.schema_id(EVENT)) == schema
        sandbox.revoke_tokens()
        assert rest.event_schema("AAAAAAAAAAAAAAAAAAAAAA") is None
        with pytest.raises(Fatal, match=f"did you mean {EVENT}"):
            rest.describe("Order_Plced__e")


# ---- change events: their object is what is asked about ----------------------------------------------------


def test_a_change_event_is_described_by_its_object(org: Org) -> None:
    described = {"name": "Employee__c", "fields": []}
    org.answers[data("sobjects/Employee__c/describe")] = Answer(described)
    assert org.rest().describe("Employee__ChangeEvent") == described


def test_the_change_event_itself_is_described_where_its_object_may_not_be_read(org: Org) -> None:
    described = {"name": "AccountChangeEvent", "fields": []}
    org.answers[data("sobjects/AccountChangeEvent/describe")] = Answer(described)
    assert org.rest().describe("AccountChangeEvent") == described


def test_an_object_that_is_not_there(org: Org) -> None:
    with pytest.raises(Fatal, match=r"salesforce\.cdc\.name: Could not find the specified CDC channel"):
        org.rest().describe("NopeChangeEvent")


def test_the_classification_of_a_change_event_is_its_objects(org: Org) -> None:
    org.answers[data("tooling/query/")] = Answer({"records": [{"QualifiedApiName": "Email"}], "done": True})
    assert org.rest().field_classification("ContactChangeEvent") == [{"QualifiedApiName": "Email"}]
    (query,) = (request.query["q"] for request in org.web.requests if "tooling" in request.path)
    assert query.endswith("EntityDefinition.QualifiedApiName = 'Contact'")
