"""A simulated org with short times, and clients for it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.sandbox import samples
from bridge.sandbox.org import Org, Settings
from tests.support.sandbox_client import Client


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    """Polls are held for two seconds, sessions live for one."""
    with Org(samples.EVENTS, directory=tmp_path, settings=Settings(hold=2, session=1, max_events=50)) as org:
        yield org


@pytest.fixture
def client(org: Org) -> Iterator[Client]:
    """Logged in."""
    client = Client(org)
    yield client
    client.close()


@pytest.fixture
def another(org: Org) -> Iterator[Callable[..., Client]]:
    """Further clients."""
    made: list[Client] = []

    def make(**options: object) -> Client:
        made.append(Client(org, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for client in made:
        client.close()
