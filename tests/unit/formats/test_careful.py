"""Conversions that go the complete, slow way are counted by reason; ordinary events do not go it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bridge.counts import CAREFUL_CONVERSIONS
from bridge.errors import BadRecord
from bridge.formats import FORMATS
from bridge.metadata.infer import record_schema
from bridge.metrics import Metrics
from tests.bench import encoders
from tests.bench.events import KINDS
from tests.support.formats import compile_route

from .events import FULL, ORDER, data


def counted_since(before: Mapping[str, int]) -> dict[str, int]:
    now = CAREFUL_CONVERSIONS.by_label()
    return {
        reason: count - before.get(reason, 0)
        for reason, count in now.items()
        if count != before.get(reason, 0)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_events_of_the_benchmark_go_the_quick_way(kind: str) -> None:
    data, before = encoders.deliveries(KINDS[kind]), CAREFUL_CONVERSIONS.by_label()
    for way in encoders.quick_ways(KINDS[kind]):
        for one in data:
            way.convert(one)
        assert counted_since(before) == {}, way.name


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "payload",
    [
        {"Comment__c": "x" * 4096},
        {"Comment__c": "ž" * 20_000},
        {"Promised_At__c": "1950-06-01T08:00:00.000Z", "Ship_Date__c": "1950-06-01"},
        {"Promised_At__c": "1970-01-01T00:00:00.000Z"},
    ],
    ids=["4,096 bytes", "20,000 characters", "1950", "1970"],
)
def test_what_an_org_may_well_hold_goes_the_quick_way(form: str, payload: dict[str, object]) -> None:
    convert = compile_route(ORDER, record_schema(ORDER), FORMATS[form], None, b"", {})
    before = CAREFUL_CONVERSIONS.by_label()
    convert(data({**FULL, **payload}))
    assert counted_since(before) == {}


@pytest.mark.parametrize("form", FORMATS)
def test_what_goes_the_slow_way_is_counted_by_reason(form: str) -> None:
    convert = compile_route(ORDER, record_schema(ORDER), FORMATS[form], None, b"", {})
    before = CAREFUL_CONVERSIONS.by_label()
    with pytest.raises(BadRecord):
        convert(data({"CreatedDate": "yesterday"}))
    assert sum(counted_since(before).values()) == 1
    text = Metrics().text()
    (reason,) = counted_since(before)
    assert f'sfbridge_careful_conversions_total{{reason="{reason}"}}' in text
