"""A token endpoint for the tests of the login."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge import log
from tests.support.web_server import Answer, Web, web_server
from tests.unit.salesforce.auth.endpoint import reply


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as web:
        web.script = lambda request: Answer(reply(web))
        yield web


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    yield
    log.forget_secrets()
