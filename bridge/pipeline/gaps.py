"""What is said of events that Salesforce has let go before they were fetched."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from bridge.kafka.offsets import Position
from bridge.log import ConnectorLog
from bridge.metrics import Stats


def report_gap(log: ConnectorLog, stats: Stats, last: int, stored: Position) -> None:
    """The last position, since when, and how many hours of events may be missing. ``stored``: as of the start.

    When a position was written is about when its event was published only where a connector of ours committed it, which
    names the org; one that was moved, imported or taken over may be of any age.
    """
    created_ms = stats.last_replay_id == last and stats.last_created_ms
    since_ms = created_ms or stored.created_ms or (stored.committed_ms if stored.org_id else None)
    if not since_ms:
        log.warning("gap after replay id %s, of unknown length", last, extra={"replay_id": last})
        return
    stats.gap_hours = max(0.0, time.time() - since_ms / 1000) / 3600
    log.warning(
        "gap after replay id %s, published %s: up to %.1f hours of events that Salesforce has let go are missing",
        last,
        datetime.fromtimestamp(since_ms / 1000, UTC).isoformat(timespec="seconds"),
        stats.gap_hours,
        extra={"replay_id": last, "gap_hours": round(stats.gap_hours, 2)},
    )
