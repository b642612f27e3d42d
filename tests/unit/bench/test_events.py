"""The benchmark's events are hard where an org's are, and a measurement's noise is what it claims to be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.bench import events, measure
from tests.bench.events import KINDS, USUAL, Replies


def payloads(kind: str, count: int = 400) -> list[dict[str, Any]]:
    found = [json.loads(message) for message in events.messages(KINDS[kind], "schema", count)]
    return [one["data"]["payload"] for one in found]


def test_usual_events_are_those_of_a_foreign_org() -> None:
    given = payloads(USUAL)
    years = {one["Ordered_At__c"][:4] for one in given if one["Ordered_At__c"] is not None}
    assert len(years) >= 10
    assert 20 < sum(one["Notes__c"] is None for one in given) < 90
    assert all(one["Customer_Email__c"].endswith("@example.com") for one in given)
    assert any(not one["Notes__c"].isascii() for one in given if one["Notes__c"])


def test_numbers_stand_there_as_java_writes_them() -> None:
    texts = [message.decode() for message in events.messages(KINDS[USUAL], "schema", 400)]
    amounts = [text.partition('"Amount__c":')[2].partition(",")[0] for text in texts]
    assert any("E7" in amount or "E8" in amount for amount in amounts)
    assert any(amount.endswith(".0") for amount in amounts)


def test_long_texts_are_long() -> None:
    lengths = [len(one["Notes__c"]) for one in payloads("texts") if one["Notes__c"] is not None]
    assert min(lengths) < 100
    assert 15_000 < max(lengths) <= 20_000


@pytest.mark.parametrize(("kind", "fields"), [(USUAL, 12), ("fields-100", 100), ("fields-500", 500)])
def test_replies_count_on_and_differ(kind: str, fields: int) -> None:
    replies = Replies(KINDS[kind], "schema", size=20)
    bodies = [json.loads(b"[" + replies.body(first, 20) + b"]") for first in (1, 21)]
    assert [one["data"]["event"]["replayId"] for body in bodies for one in body] == list(range(1, 41))
    assert bodies[0][0]["data"]["payload"] != bodies[1][0]["data"]["payload"]
    assert len(bodies[0][0]["data"]["payload"]) == fields + 2


def test_a_live_event_says_when_it_was_written() -> None:
    message = Replies(KINDS[USUAL], "schema", size=1).stamped(7, 123_456_789)
    assert events.stamp(message) == 123_456_789
    assert json.loads(message)["data"]["event"]["replayId"] == 7


@pytest.mark.parametrize(
    ("values", "percent"),
    [([5.0], 0), ([9, 10, 12], 30), ([1, 9, 10, 10, 10, 11, 99], 20)],
    ids=["nothing to compare", "all of few", "without the outliers of many"],
)
def test_noise_is_the_range_of_the_median(values: list[float], percent: float) -> None:
    assert measure.noise(values) == pytest.approx(percent)
