"""The end of a transaction: what was produced so far and one record of the offsets topic, together."""

from __future__ import annotations

import time

from attrs import define

from bridge.event import Arguments
from bridge.kafka.producer import Producer
from bridge.metrics import Stats
from bridge.pipeline.records import OffsetRecords
from bridge.progress import Progress


@define
class Commits:
    """Made before the pipeline, because what is kept beside positions (seals, counts of keys) is stored here, too."""

    producer: Producer
    records: OffsetRecords
    stats: Stats
    last_at: float = float("-inf")
    """When the last commit ended (monotonic)."""

    def position(self, progress: Progress) -> None:
        """Everything produced so far, and how far it is."""
        last = progress.last.data if progress.last is not None else None
        created = last.created_ms() if last is not None else None
        self.end(self.records.position(progress, created))
        if created is not None:  # of the newest event; nothing is measured for each
            self.stats.latency.add(time.time() - created / 1000)
        if progress.newest >= 0:
            self.stats.last_replay_id = progress.newest
        self.stats.last_created_ms = created or self.stats.last_created_ms

    def start(self, since_ms: int, *, instead: bool) -> None:
        """The moment since when a connector listens, durably. ``instead``: its position has expired, and must not come
        back after a restart."""
        if instead:
            self.producer.begin()
            self.producer.send(self.records.no_position())
        self.end(self.records.start(since_ms))
        self.producer.flush()  # without transactions it is only on its way

    def store(self, key: bytes, value: bytes) -> None:
        """Any record of the offsets topic, durably; called between transactions only."""
        self.end(self.records.record(key, value, []))
        if self.producer.transactional_id is None:
            self.producer.flush()

    def end(self, record: Arguments | None) -> None:
        """Commit, with a record of the offsets topic where there is one."""
        started = time.monotonic()
        self.producer.commit(record)
        self.stats.commit_seconds += time.monotonic() - started
        self.stats.transactions += 1
        self.stats.last_committed_at, self.last_at = time.time(), time.monotonic()
