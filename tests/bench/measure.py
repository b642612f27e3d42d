"""What a process costs: CPU of all its threads, memory, records in a topic; and what repeated runs amount to.

CPU and memory come from ``/proc``: the measured process does nothing for it. CPU is counted in ticks of 10 ms,
so a measurement should last some seconds.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen

_TICK = 1 / os.sysconf("SC_CLK_TCK")


@frozen
class Mark:
    """A moment of a process: wall clock, CPU of all threads (seconds), records written so far."""

    wall: float
    cpu: float
    records: int


@frozen
class Cost:
    """What happened between two marks."""

    events: int
    seconds: float
    cpu: float
    peak_mb: float

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def micros(self) -> float:
        """Microseconds of CPU an event."""
        return self.cpu / self.events * 1e6


def mark(pid: int, records: int) -> Mark:
    """The process as it is now."""
    return Mark(time.monotonic(), cpu_seconds(pid), records)


def between(first: Mark, last: Mark, pid: int) -> Cost:
    """The cost between two marks; the process must still be there."""
    return Cost(last.records - first.records, last.wall - first.wall, last.cpu - first.cpu, peak_mb(pid))


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of the process, ended ones included."""
    text = Path(f"/proc/{pid}/stat").read_text()
    parts = text.rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) * _TICK


def peak_mb(pid: int) -> float:
    """The largest resident size the process ever had, in MB."""
    return _status(pid, "VmHWM")


def resident_mb(pid: int) -> float:
    """The resident size now, in MB."""
    return _status(pid, "VmRSS")


def _status(pid: int, key: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def wait_for(what: Callable[[], bool], timeout: float, every: float = 0.01) -> None:
    """Wait until ``what()``; raises TimeoutError."""
    until = time.monotonic() + timeout
    while not what():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {timeout:.0f} s")
        time.sleep(every)


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def noise(values: Sequence[float]) -> float:
    """How far repeated runs lie apart, in percent of their median."""
    return (max(values) - min(values)) / median(values) * 100 if len(values) > 1 else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` (0–1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
