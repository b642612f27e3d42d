"""The bridge's own topics: compacted, and cleaned every few hours.

What is in a topic's last segment is never cleaned, and a segment lasts a week unless the topic says otherwise: a week
of commits to read at a start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bridge.errors import Fatal
from bridge.kafka.cluster import Cluster
from bridge.log import Once

SEGMENT_MS: Final = 4 * 3600 * 1000
"""Confluent Cloud's least for most kinds of clusters."""
_LONG_MS: Final = 24 * 3600 * 1000
_REFUSED: Final = frozenset({"POLICY_VIOLATION", "INVALID_CONFIG"})
_told: Final = Once()


def create_compacted(
    cluster: Cluster, name: str, partitions: int, replicas: int, notice: Callable[[str], None]
) -> None:
    """With short segments, where the cluster lets one set them. Raises Fatal, Retriable."""
    compact = {"cleanup.policy": "compact"}
    try:
        cluster.create(name, partitions, replicas, {**compact, "segment.ms": str(SEGMENT_MS)})
    except Fatal as error:
        code = getattr(error.__cause__, "args", [None])[0]
        if code is None or code.name() not in _REFUSED:
            raise
        cluster.create(name, partitions, replicas, compact)
        notice(f"topic {name} is created without segment.ms={SEGMENT_MS}, which the cluster does not allow")


def say_segments(name: str, configs: Mapping[str, str], notice: Callable[[str], None]) -> None:
    """Once, that a topic which is there already keeps too much to read."""
    lasts = configs.get("segment.ms", "")
    if lasts.isdigit() and int(lasts) > _LONG_MS and _told.due(name) is not None:
        notice(
            f"topic {name} is cleaned after {int(lasts) / 3_600_000:.0f} h at the earliest (segment.ms={lasts}), and a "
            f"start reads all that was written since; 'kafka-configs.sh --alter --entity-type topics --entity-name "
            f"{name} --add-config segment.ms={SEGMENT_MS}' makes that {SEGMENT_MS // 3_600_000} h"
        )
