"""How long a gap is said to be: by when the last event was published, and never by when somebody wrote a position."""

from __future__ import annotations

import time

import pytest

from bridge.kafka.offsets import Position
from bridge.log import for_connector
from bridge.metrics import Stats
from bridge.pipeline.gaps import report_gap

HOUR = 3_600_000


def told(stored: Position, caplog: pytest.LogCaptureFixture) -> tuple[str, float]:
    """The line, and the metric."""
    stats = Stats(connector="orders")
    report_gap(for_connector("orders"), stats, 120572741, stored)
    return caplog.messages[-1], stats.gap_hours


def test_a_position_that_somebody_wrote_is_of_any_age(caplog: pytest.LogCaptureFixture) -> None:
    """Moved, imported, of a creation's offsets or of Kafka Connect: nothing says when its event was published."""
    stored = Position(120572741, committed_ms=int(time.time() * 1000))
    assert told(stored, caplog) == ("gap after replay id 120572741, of unknown length", 0.0)


@pytest.mark.parametrize(("created", "hours"), [(70, 70), (None, 60)])
def test_a_position_of_a_run_is_as_old_as_its_event(
    created: int | None, hours: int, caplog: pytest.LogCaptureFixture
) -> None:
    now = int(time.time() * 1000)
    event_ms = None if created is None else now - created * HOUR
    stored = Position(120572741, org_id="00D", created_ms=event_ms, committed_ms=now - 60 * HOUR)
    line, metric = told(stored, caplog)
    assert f"up to {hours}.0 hours of events" in line
    assert metric == pytest.approx(hours, abs=0.1)
