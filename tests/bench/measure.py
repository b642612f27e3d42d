"""What a process costs: CPU of all its threads, memory, records in a topic; and what repeated runs amount to.

CPU comes from the kernel's clock of the process, which counts user and system time of all its threads in nanoseconds
(``clock_getcpuclockid(3)``), memory from ``/proc``: the measured process does nothing for either.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen


@frozen
class Mark:
    """A moment of a process: wall clock, CPU of all threads (both in seconds)."""

    wall: float
    cpu: float


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


def mark(pid: int) -> Mark:
    """The process as it is now."""
    return Mark(time.monotonic(), cpu_seconds(pid))


def between(first: Mark, last: Mark, pid: int, events: int, ended: float) -> Cost:
    """The cost of so many events between two marks, of which the last was there at ``ended``; the process must still
    be there."""
    return Cost(events, ended - first.wall, last.cpu - first.cpu, peak_mb(pid))


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of the process, ended ones included."""
    return time.clock_gettime(~pid << 3 | 2)  # CPUCLOCK_SCHED of a process, as glibc makes the id


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
    """How uncertain the median of repeated runs is, in percent of it: the range in which the true one lies with some
    90 % of probability, by their order alone (for 7 runs the second to the sixth)."""
    if len(values) < 3:
        return 0.0
    ordered = sorted(values)
    out = int(len(ordered) / 2 - 0.82 * len(ordered) ** 0.5)
    return (ordered[-1 - max(out, 0)] - ordered[max(out, 0)]) / median(values) * 100


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` (0–1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
