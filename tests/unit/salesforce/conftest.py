"""A scripted org for the tests of the CometD source."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.scripted_org import ScriptedOrg


@pytest.fixture
def org() -> Iterator[ScriptedOrg]:
    with ScriptedOrg() as org:
        yield org
