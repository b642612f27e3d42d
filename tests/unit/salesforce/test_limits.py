"""What is left of an org's limits is asked once for all connectors, and forgotten with the last of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from bridge.errors import Fatal, Stage
from bridge.limits import Limit, OrgLimits
from bridge.metrics import Metrics
from bridge.salesforce.limits import LimitsWatch, chosen

ANSWER: Mapping[str, object] = {
    "DailyApiRequests": {"Max": 15000, "Remaining": 14998},
    "DailyDeliveredPlatformEvents": {"Max": 50000, "Remaining": 0},
    "DailyBulkApiBatches": {"Max": 1, "Remaining": 1},
    "DailyDurableStreamingApiEvents": "unheard of",
}


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.005)


def test_what_concerns_a_bridge_is_chosen_and_odd_answers_are_passed_over() -> None:
    assert chosen(ANSWER) == {
        "DailyApiRequests": Limit(15000, 14998),
        "DailyDeliveredPlatformEvents": Limit(50000, 0),
    }


def test_one_connector_asks_for_all_of_an_org_and_the_last_takes_it_along() -> None:
    asked: list[str] = []
    watch = LimitsWatch(OrgLimits(), every=0.02)

    def ask(name: str) -> Callable[[], Mapping[str, object]]:
        def answer() -> Mapping[str, object]:
            asked.append(name)
            return ANSWER

        return answer

    with watch.watching("00D1", ask("second")):
        with watch.watching("00D1", ask("third")):
            until(lambda: len(asked) > 3)
            assert ("00D1", "DailyApiRequests", Limit(15000, 14998)) in watch.table.every()
        assert set(asked) == {"second"}
        assert watch.table.every()
    assert watch.table.every() == []


def test_who_may_not_ask_knows_nothing_and_goes_on() -> None:
    asked = []
    watch = LimitsWatch(OrgLimits(), every=0.02)

    def refused() -> Mapping[str, object]:
        asked.append(1)
        raise Fatal("API_DISABLED_FOR_ORG", stage=Stage.METADATA)

    with watch.watching("00D1", refused):
        until(lambda: len(asked) > 2)
        assert watch.table.every() == []


def test_where_one_may_not_ask_another_one_of_the_org_does() -> None:
    watch = LimitsWatch(OrgLimits(), every=0.02)

    def refused() -> Mapping[str, object]:
        raise Fatal("API_DISABLED_FOR_ORG", stage=Stage.METADATA)

    with watch.watching("00D1", refused), watch.watching("00D1", lambda: ANSWER):
        until(lambda: len(watch.table.every()) == 2)


def test_a_second_org_is_asked_at_once() -> None:
    watch = LimitsWatch(OrgLimits(), every=60.0)
    with watch.watching("00D1", lambda: ANSWER):
        until(lambda: len(watch.table.every()) == 2)
        with watch.watching("00D2", lambda: ANSWER):
            until(lambda: len(watch.table.every()) == 4)


def test_both_numbers_are_exposed() -> None:
    names = {family.name for family in Metrics().collect()}
    assert {"sfbridge_org_limit_max", "sfbridge_org_limit_remaining"} <= names
