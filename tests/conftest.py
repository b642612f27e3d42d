"""Fixtures for every test: real brokers (shared, secured, one's own, three), topics, certificates.

A broker that cannot start fails the test; it is never a reason to skip.
"""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from bridge import log
from bridge.sandbox import samples
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support import brokers
from tests.support.certs import Authority
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic, unique
from tests.support.kafka_config import MORTAL, PLAIN, SECURED, Layout
from tests.support.quick import SLOW

# Deadlines measure the machine. In CI the same examples every time: new ones are for developers to find.
settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.register_profile("quick", deadline=None, max_examples=10)
settings.load_profile("ci" if os.environ.get("CI") else "developer")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--long``: run the tests marked so, too; ``--quick``: few random examples, and nothing that waits."""
    parser.addoption("--long", action="store_true", help="run the long form of the chaos tests")
    parser.addoption("--ship", action="store_true", help="run the checks of image, chart, unit and rules")
    parser.addoption(
        "--golden", action="store_true", help="write what the chart renders to as what is expected"
    )
    parser.addoption("--quick", action="store_true", help="few random examples, and no test that takes long")


def pytest_configure(config: pytest.Config) -> None:
    """Let the workers, which inherit the environment, find the run's folder, but no width of a terminal: readline,
    which pytest loads, leaves one there, and tables would be folded to it."""
    brokers.run_folder()
    os.environ.pop("COLUMNS", None)
    os.unsetenv("COLUMNS")
    if config.getoption("--quick"):
        settings.load_profile("quick")


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the shared brokers."""
    if brokers.is_controller():
        brokers.end_run()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long form belongs to ``make chaos``: without ``--long`` it is deselected, not skipped. So is, with
    ``--quick``, what takes long (``support/quick.py``)."""
    without: list[pytest.Item] = []
    if not config.getoption("--long"):
        without += [item for item in items if item.get_closest_marker("long")]
    if not config.getoption("--ship"):  # make ship has the tools
        without += [item for item in items if item.get_closest_marker("ship")]
    if config.getoption("--quick"):
        without += [item for item in items if item.nodeid.startswith(SLOW)]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]


@pytest.fixture(scope="session")
def broker() -> Broker:
    """A broker that all tests share: use names of your own (``topic``, ``unique``), do not stop it."""
    return brokers.shared(PLAIN)


@pytest.fixture(scope="session")
def secured_broker() -> Broker:
    """A shared broker with SASL_SSL and ACLs; ``bridge`` may do nothing until ``kafka_client.allow``."""
    return brokers.shared(SECURED)


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """``own_broker()``, ``own_broker(SECURED)``: a started broker that the test may stop, kill, freeze."""
    made: list[Broker] = []

    def make(layout: Layout = PLAIN, **extra: str) -> Broker:
        properties = MORTAL | {key.replace("_", "."): value for key, value in extra.items()}
        made.append(Broker(tmp_path / f"broker-{len(made)}", layout, extra=properties))
        return made[-1].start()

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[brokers.Cluster]:
    """Three brokers, one's own."""
    three = brokers.Cluster.start(tmp_path / "cluster")
    yield three
    three.stop()


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    """The sandbox's org with the sample events, empty; tests with events of their own have a fixture of their own."""
    with Org(samples.EVENTS, directory=tmp_path / "org") as org:
        yield org


@pytest.fixture
def registry() -> Iterator[Registry]:
    """The embedded registry, empty."""
    with Registry() as registry:
        yield registry


@pytest.fixture
def make_topic(broker: Broker, request: pytest.FixtureRequest) -> Callable[..., str]:
    """Creates a topic on the shared broker, named after the test; options as ``create_topic``."""
    base = re.sub(r"[^a-zA-Z0-9._-]+", "-", request.node.name)[:80]

    def make(**options: Any) -> str:
        return create_topic(broker, unique(base), **options)

    return make


@pytest.fixture
def topic(make_topic: Callable[..., str]) -> str:
    """A fresh topic of one partition on the shared broker."""
    return make_topic()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A certificate authority made for the test."""
    return Authority.create(tmp_path / "ca")


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """What is logged during the test, as text from INFO on."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    stream = io.StringIO()
    log.configure("text", "INFO", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
