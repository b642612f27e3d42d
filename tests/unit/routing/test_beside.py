"""Routes looked up beside the data path, with real resolvers: nothing weakens, nothing holds the events up."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bridge.errors import Fatal
from bridge.model.registered import Registered
from bridge.registry.http import http_of
from bridge.routing.resolver import Writers
from bridge.routing.routes import Route, Routes
from bridge.sandbox.registry import Registry
from tests.support.bridge_run import wait_until
from tests.support.encryption import EMAIL, EVENT, loaded, writers
from tests.unit.routing.test_coverage import LIES, Lying
from tests.unit.routing.test_ledger import MAIL, SAMPLE, Kept, prepared, started
from tests.unit.routing.test_resolver import Org as Events
from tests.unit.routing.test_resolver import event as event_of
from tests.unit.routing.test_upkeep import org_of


def used(routes: Routes) -> Route:
    """As the data path uses it."""
    return routes.by_schema.get(SAMPLE.schema) or routes.serving(SAMPLE) or routes.resolve(SAMPLE)


def test_what_is_sealed_is_stored_by_who_may_store_and_before_the_route_is_used(
    registry: Registry, tmp_path: Path
) -> None:
    prepared(registry, tmp_path, "AVRO")
    kept = Kept()
    made, _ = started(registry, "AVRO", kept)
    renewed = made.look_up(SAMPLE.schema, SAMPLE)
    assert kept.stored == []
    assert renewed.settle is not None
    renewed.settle()
    assert kept.memory.fields == {EVENT: {MAIL}}
    assert made.look_up(SAMPLE.schema, SAMPLE).settle is None
    assert EMAIL.encode() not in renewed.route.convert(SAMPLE)


def test_what_a_look_up_that_nobody_took_over_found_is_stored_all_the_same(
    registry: Registry, tmp_path: Path
) -> None:
    prepared(registry, tmp_path, "AVRO")
    kept = Kept()
    made, _ = started(registry, "AVRO", kept)
    made.look_up(SAMPLE.schema, SAMPLE)
    assert kept.stored == []
    made.resolve(SAMPLE.schema, SAMPLE)
    assert kept.memory.fields == {EVENT: {MAIL}}


@pytest.mark.parametrize("lie", ["tags stripped", "disabled", "other tags", "for readers"])
def test_a_registry_that_protects_a_field_no_more_ends_the_connector(
    registry: Registry, tmp_path: Path, lie: str
) -> None:
    prepared(registry, tmp_path, "AVRO")
    made, lying = started(registry, "AVRO", Kept())
    routes = Routes(made, 0.2)
    assert EMAIL.encode() not in used(routes).convert(SAMPLE)
    lying.lie = staticmethod(LIES[lie])
    until = time.monotonic() + 30

    def carry() -> None:
        while time.monotonic() < until:
            routes.tend()
            assert EMAIL.encode() not in used(routes).convert(SAMPLE)
            time.sleep(0.005)

    with pytest.raises(Fatal):
        carry()


def test_a_tag_that_the_registry_adds_takes_effect_while_events_flow(
    registry: Registry, tmp_path: Path
) -> None:
    prepared(registry, tmp_path, "AVRO", "Phone__c: {tags: [PII]}")
    made, _ = started(registry, "AVRO", Kept())
    routes, ttl = Routes(made, 0.3), 0.3
    assert EMAIL.encode() in used(routes).convert(SAMPLE)
    prepared(registry, tmp_path, "AVRO", f"Phone__c: {{tags: [PII]}}, {MAIL}: {{tags: [PII]}}")
    told, sealed = time.monotonic(), False
    while not sealed:
        routes.tend()
        sealed = EMAIL.encode() not in used(routes).convert(SAMPLE)
        assert time.monotonic() - told < ttl + 30
        time.sleep(0.005)


class Slow(Lying):
    """A registry that takes its time."""

    seconds = 0.0
    asked = 0

    def _version(self, *args: object) -> Registered | None:
        type(self).asked += 1
        time.sleep(type(self).seconds)
        return super()._version(*args)


def test_a_slow_registry_does_not_hold_up_the_events(registry: Registry) -> None:
    slow = type("OfThisTest", (Slow,), {})
    org: Events = org_of(20)
    given = loaded(registry.url, csfle__enabled="false")
    made = Writers(given, org, slow(http_of({"url": registry.url}, retry_seconds=2, longest_wait=0.2)))
    routes = Routes(made, 2.0)
    samples = [event_of(schema, Amount__c=1.5) for schema in org.schemas]
    for sample in samples:
        routes.resolve(sample)
    asked, slow.seconds = slow.asked, 0.1
    until = time.monotonic() + 3.0  # all of them take two seconds, from the second one on
    while time.monotonic() < until:
        routes.tend()
        for sample in samples:
            route = routes.by_schema.get(sample.schema) or routes.serving(sample)
            assert route is not None, "the data path would have to ask, and to wait"
            route.convert(sample)
        time.sleep(0.001)
    assert slow.asked - asked >= 10
    wait_until(lambda: routes._looks._thread is None or not routes._looks._waiting, 30)
    routes.close()


def test_closing_ends_what_is_looked_up(registry: Registry, tmp_path: Path) -> None:
    prepared(registry, tmp_path, "AVRO")
    made = writers(registry.url, bridge__csfle__allow__plaintext="true")
    routes = Routes(made, 300)
    used(routes)
    routes.close()
    made.close()
    assert routes._looks._thread is None
