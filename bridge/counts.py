"""Counters of the whole process, each by one label: plain integers, read at scrape time (``metrics/families.py``)."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final


class Counts:
    """How often something happened since the process started, by a label. For all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_label: dict[str, int] = {}

    def add(self, label: str, times: int = 1) -> None:
        """It happened again."""
        with self._lock:
            self._by_label[label] = self._by_label.get(label, 0) + times

    def by_label(self) -> Mapping[str, int]:
        """A copy, as of now."""
        with self._lock:
            return dict(self._by_label)


FOREIGN_RECORDS: Final = Counts()
"""Records that were passed over because they are none of ours or broken, by topic."""

CAREFUL_CONVERSIONS: Final = Counts()
"""Conversions that a generated function left to the complete, slow way, by the class of the exception."""

LIFECYCLE_DROPPED: Final = Counts()
"""Lifecycle events that Kafka did not take, by topic."""
