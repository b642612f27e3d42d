"""What a run says of itself."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define, field

from bridge.cli.status import Status
from bridge.metrics import Stats


@define
class Connector:
    """As much of one as is looked at."""

    name: str = "orders"
    stats: Stats = field(factory=lambda: Stats("orders", state="STOPPED"))


def test_dead_letters_are_not_what_is_committed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    connector: Any = Connector()
    stats = connector.stats
    stats.events_delivered, stats.bad_records, stats.dead_letters, stats.skipped = 20, 24, 20, 23
    Status([connector], interactive=False).end()
    assert "orders STOPPED: 0 committed, " in caplog.text
    assert "/s, 20 dead letters, 3 passed over, 0 waiting" in caplog.text
    caplog.clear()
    stats.bad_records, stats.dead_letters, stats.skipped = 1, 0, 0  # it ended the connector
    Status([connector], interactive=False).end()
    assert "orders STOPPED: 20 committed, " in caplog.text
    assert "dead letters" not in caplog.text
    assert "passed over" not in caplog.text
