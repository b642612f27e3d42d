"""An org for the tests of REST metadata."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.web_server import Answer, web_server
from tests.unit.salesforce.rest.scripted import Org

VERSIONS = [
    {"label": "x", "url": "/services/data/v9.0", "version": version} for version in ("9.0", "66.0", "61.0")
]


@pytest.fixture
def org() -> Iterator[Org]:
    with web_server() as web:
        org = Org(web)
        web.script = org.script
        org.answers["/services/data"] = Answer(VERSIONS)
        yield org
