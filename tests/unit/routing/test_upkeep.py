"""What attempts and schema ids leave behind: nothing that grows with their number."""

from __future__ import annotations

import gc
import linecache
import tracemalloc

from bridge.routing.routes import MOST, Routes
from tests.support.registry_server import RegistryServer
from tests.unit.routing.test_resolver import EXPANDED, Org, event, writers


def generated() -> int:
    """Sources of generated functions that are kept for tracebacks."""
    return sum(file.startswith("<") for file in linecache.cache)


def org_of(count: int) -> Org:
    """An org whose event was declared so many times."""
    org = Org()
    org.schemas = {f"schema-{number:017}": EXPANDED for number in range(count)}
    return org


def test_the_source_of_a_generated_function_goes_with_it(server: RegistryServer) -> None:
    gc.collect()  # what other tests left
    before = generated()
    for _ in range(20):
        route = writers(Org(), server).resolve(next(iter(Org().schemas)), event())
        assert generated() > before
        del route
    gc.collect()
    assert generated() == before


def test_of_thousands_of_schema_ids_a_hundred_are_kept(server: RegistryServer) -> None:
    org = org_of(240)
    resolver = writers(org, server)
    routes = Routes(resolver, 300)
    names = list(org.schemas)
    tracemalloc.start()
    try:
        sizes = []
        for part in (names[:120], names[120:]):
            for name in part:
                routes.resolve(event(name))
            gc.collect()
            sizes.append((tracemalloc.get_traced_memory()[0], generated()))
    finally:
        tracemalloc.stop()
    assert len(routes.by_schema) == len(resolver._made) == len(resolver._types._known) == MOST
    assert list(routes.by_schema) == names[-MOST:]
    (memory, sources), (later, sources_later) = sizes
    assert sources_later == sources
    assert later - memory < 120 * 5_000  # bytes; each of the 120 that came took 40,000 before


def test_the_route_that_is_kept_is_the_one_that_was_made(server: RegistryServer) -> None:
    org = org_of(3)
    routes = Routes(writers(org, server), 300, most=2)
    first, second, third = org.schemas
    made = {name: routes.resolve(event(name)) for name in (first, second, third)}
    assert routes.resolve(event(third)) is made[third]
    assert routes.resolve(event(first)) is not made[first]
