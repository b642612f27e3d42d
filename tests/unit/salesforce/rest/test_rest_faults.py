"""REST metadata when something goes wrong: what is fatal, what may pass, and that nothing else is raised."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import BridgeError, Fatal, Retriable, Stage
from tests.support.web_server import Answer
from tests.unit.salesforce.rest.scripted import EVENT, Org, data


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Answer([{"errorCode": "API_DISABLED_FOR_ORG", "message": "The REST API is off"}], 403),
            "API access",
        ),
        (
            Answer([{"errorCode": "INVALID_TYPE", "message": "sObject type 'X'"}], 400),
            "INVALID_TYPE (sObject type",
        ),
        (Answer("<html>blocked</html>", 403), "with status 403 (a web page)"),
        (Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}), "redirects elsewhere"),
        (Answer({"error": "x", "error_description": "y"}, 400), "x (y)"),
        (Answer([], 418), "with status 418"),
    ],
)
def test_errors_that_are_fatal(org: Org, answer: Answer, said: str) -> None:
    org.answers[data("limits")] = answer
    with pytest.raises(Fatal) as refused:
        org.rest(request__max__retries__time__ms="30000").limits()
    assert said in refused.value.message
    assert len(org.paths()) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer([{"errorCode": "SERVER_UNAVAILABLE", "message": "busy"}], 503), "SERVER_UNAVAILABLE (busy)"),
        (Answer("<html>oops</html>", 500), "with status 500 (a web page)"),
        (Answer([{"errorCode": "QUERY_TIMEOUT", "message": "slow"}], 400), "QUERY_TIMEOUT"),
        (Answer("<html>captive portal</html>"), "not the JSON expected, or only half of it"),
        (Answer(b'{"x":'), "not the JSON expected, or only half of it"),
        (Answer({"x": "y" * 100}, cut=30), "broke off in the middle"),
        (Answer(b"\xff\xfe\x00"), "not the JSON expected, or only half of it"),
        (Answer([1, 2]), "not the JSON object expected"),
        (Answer(b'"text"'), "not the JSON object expected"),
        (Answer(b"7"), "not the JSON expected, or only half of it"),
        (Answer(b"null"), "not the JSON expected, or only half of it"),
        (Answer(b"[" * 100_000), "not the JSON expected, or only half of it"),
    ],
)
def test_errors_that_may_pass(org: Org, answer: Answer, said: str) -> None:
    org.answers[data("limits")] = answer
    with pytest.raises(Retriable) as failed:
        org.rest().limits()
    assert said in failed.value.message
    assert failed.value.stage is Stage.METADATA
    assert len(org.paths()) > 1


def test_the_tooling_api_answering_html(org: Org) -> None:
    org.answers[data("tooling/query/")] = Answer("<html>maintenance</html>")
    with pytest.raises(Retriable, match="not the JSON object expected"):
        org.rest().field_classification(EVENT)


@pytest.mark.parametrize("body", [{}, []])
def test_an_empty_answer_is_an_empty_object(org: Org, body: Any) -> None:
    org.answers[data("limits")] = Answer(body)
    assert org.rest().limits() == {}


def test_used_up_requests_are_a_long_wait_and_not_tried_again(org: Org) -> None:
    said = "TotalRequests Limit exceeded."
    org.answers[data("limits")] = Answer([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": said}], 403)
    with pytest.raises(Retriable, match="used up") as failed:
        org.rest(request__max__retries__time__ms="30000").limits()
    assert failed.value.retry_after == 900
    assert len(org.paths()) == 1


def test_an_outage_is_waited_for_and_retries_are_bounded(org: Org) -> None:
    answers = iter([Answer(b"", 503), Answer(b"", 502)])
    org.answers[data("limits")] = lambda request: next(answers, Answer({"x": {}}))
    rest = org.rest(request__max__retries__time__ms="20000")
    assert rest.limits() == {"x": {}}
    org.answers[data("limits")] = Answer(b"", 503)
    started = time.monotonic()
    with pytest.raises(Retriable, match=r"\(tried for 1 s, request\.max\.retries\.time\.ms\)"):
        org.rest(request__max__retries__time__ms="1000").limits()
    assert time.monotonic() - started < 5


def test_a_kept_connection_that_the_server_has_closed_is_replaced(org: Org) -> None:
    org.answers[data("limits")] = lambda request: Answer({"x": {}}, headers={"Connection": "close"})
    rest = org.rest()
    assert rest.limits() == rest.limits() == {"x": {}}


def test_no_token_in_errors_or_logs(org: Org, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    org.answers[data("limits")] = lambda request: Answer(b"", 503)
    with pytest.raises(Retriable) as failed:
        org.rest().limits()
    assert "Bearer" not in caplog.text + str(failed.value)
    assert failed.value.__cause__ is None


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=100)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "sobjects", "records", "done", "errorCode", "version"]), inner
            )
        ),
        max_leaves=6,
    ),
    st.sampled_from([200, 201, 204, 300, 400, 403, 404, 500]),
)
def test_no_answer_raises_anything_but_ours(org: Org, body: Any, status: int) -> None:
    answer = Answer(b"" if status == 204 else body, status)
    for path in ("limits", "sobjects", f"sobjects/{EVENT}/describe", "event/eventSchema/x", "tooling/query/"):
        org.answers[data(path)] = answer
    org.answers["/services/data"] = answer
    rest, newest = org.rest(), org.rest(salesforce__version="latest")
    rest._seconds = newest._seconds = 0
    questions: list[Callable[[], Any]] = [
        rest.limits,
        rest.events,
        newest.api_version,
        lambda: rest.describe(EVENT),
        lambda: rest.event_schema("x"),
        lambda: rest.field_classification(EVENT),
    ]
    for question in questions:
        try:
            question()
        except BridgeError as error:
            assert "\n" not in error.message  # noqa: PT017
    org.web.requests.clear()
