"""Calls beside the data path: counted and timed by outcome, and exposed as histograms that name nobody."""

from __future__ import annotations

import socket

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge import calls
from bridge.calls import BOUNDS, FAILED, OK, REFUSED, Calls
from bridge.errors import Fatal, Retriable, Stage
from bridge.metrics import Metrics
from bridge.registry.client import Registry
from bridge.registry.http import http_of
from tests.support.registry_server import RegistryServer

Samples = dict[tuple[str, frozenset[str]], float]


@pytest.fixture
def made() -> Calls:
    return Calls("sfbridge_test_call_seconds", "Calls of the tests.", ("operation",))


def samples(made: Calls) -> Samples:
    text = Metrics(calls=(made,)).text()
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, OK),
        (Fatal("denied", stage=Stage.ENCRYPT), REFUSED),
        (Retriable("away", stage=Stage.ENCRYPT), FAILED),
        (KeyError("a bug"), FAILED),
    ],
)
def test_the_outcome_is_what_was_raised_and_it_passes_through(
    made: Calls, error: Exception | None, outcome: str
) -> None:
    caught = None
    try:
        with made.timed("wrap"):
            if error is not None:
                raise error
    except Exception as passed:
        caught = passed
    assert caught is error
    assert {one: made.count(one, "wrap") for one in calls.OUTCOMES} == {
        one: int(one == outcome) for one in calls.OUTCOMES
    }


def test_an_answer_sets_the_outcome(made: Calls) -> None:
    with made.timed("get") as call:
        call.outcome = REFUSED
    assert (made.count(OK, "get"), made.count(REFUSED, "get")) == (0, 1)


def test_durations_fall_into_cumulative_buckets_of_seconds(made: Calls) -> None:
    for seconds in (0.001, BOUNDS[0], 0.2, 1000.0):
        made.add(seconds, OK, "get")
    found = samples(made)
    buckets = {
        bound: found["sfbridge_test_call_seconds_bucket", frozenset({"get", OK, bound})]
        for bound in ("0.005", "0.1", "0.25", "30.0", "+Inf")
    }
    assert buckets == {"0.005": 2, "0.1": 2, "0.25": 3, "30.0": 3, "+Inf": 4}
    assert found["sfbridge_test_call_seconds_count", frozenset({"get", OK})] == 4
    assert found["sfbridge_test_call_seconds_sum", frozenset({"get", OK})] == pytest.approx(1000.206)


def test_outcomes_that_did_not_occur_are_there_as_zero(made: Calls) -> None:
    """Else the rate of the first failure would be none."""
    made.add(0.1, OK, "get")
    assert samples(made)["sfbridge_test_call_seconds_count", frozenset({"get", FAILED})] == 0


def test_a_metrics_page_has_the_calls_of_the_process() -> None:
    text = Metrics().text()
    assert "# TYPE sfbridge_registry_call_seconds histogram" in text
    assert "# TYPE sfbridge_kms_call_seconds histogram" in text


def counted(operation: str) -> tuple[int, ...]:
    return tuple(calls.REGISTRY.count(outcome, operation) for outcome in calls.OUTCOMES)


def test_each_request_to_a_registry_is_counted_by_what_it_is_for() -> None:
    server = RegistryServer()
    try:
        registry = Registry(http_of({"url": server.url}, retry_seconds=5, longest_wait=0.1))
        subject, register = counted("subject"), counted("register")
        assert registry.latest("t-value") is None
        registry.register("t-value", '{"type":"record","name":"R","fields":[]}')
        server.fail(500)
        server.fail(429)
        registry.latest("t-value")
    finally:
        server.close()
    # read: 404 and the version read back, then 500, 429 and the answer
    assert [now - before for now, before in zip(counted("subject"), subject, strict=True)] == [2, 1, 2]
    assert [now - before for now, before in zip(counted("register"), register, strict=True)] == [1, 0, 0]


def test_a_registry_that_is_away_is_a_failure_and_its_address_is_no_label() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://name:secret-word@127.0.0.1:{port}"
    http = http_of({"url": url}, retry_seconds=0, longest_wait=0.1)
    before = counted("dek"), counted("other")
    for path in ("/dek-registry/v1/keks/secret-kek", "/mode/secret-subject?x=/subjects/y/versions"):
        with pytest.raises(Retriable):
            http.call("GET", path)
    assert counted("dek")[2] == before[0][2] + 1
    assert counted("other")[2] == before[1][2] + 1
    text = Metrics().text()
    assert "secret-" not in text
    assert str(port) not in text
