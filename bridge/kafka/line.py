"""How much one transaction may hold: what the line to Kafka did lately, and not what the buffer happens to hold.

A transaction has to be over within its timeout, and its records acknowledged before that. What a slow line, or a
quota of the broker, does not take in that time is lost with the whole transaction, and would be tried again for ever.
So the open bytes are bounded: few at first, twice as many after each full transaction that was quick, as many as the
line takes in ``SHARE`` of the timeout after one that was not, an eighth after one that failed, from which on they grow
with care. A single record that does not get through gets more time instead.
"""

from __future__ import annotations

from typing import Final

from attrs import define

from bridge.errors import Retriable, Stage

FIRST: Final = 256 * 1024
MOST: Final = 8 * 1024 * 1024
"""Bytes; a line that takes them in ten seconds need not be felt first."""
QUICK: Final = 0.25
"""Seconds; what a line took in less than that may be one transaction, however much it is: unless it is set, no
stream's lasts longer, and each commit costs some milliseconds."""
MOST_OF_ALL: Final = 4 * MOST
SHARE: Final = 0.2
"""Of the timeout, that a transaction should take: a line that gets slower is noticed before one fails."""
LONGEST_TIMEOUT: Final = 600.0
"""Seconds; below the ``transaction.max.timeout.ms`` of a broker that says nothing else (15 min)."""
_MB: Final = 1_000_000


class NotInTime(Retriable):
    """The line did not take a transaction's records within its timeout."""


@define(eq=False)
class Line:
    """``timeout``: seconds in which records have to be acknowledged; ``fixed`` where somebody set it, by the property
    ``key``."""

    timeout: float
    key: str
    fixed: bool = False
    longest: float = LONGEST_TIMEOUT
    open_bytes: int = FIRST
    careful: int = MOST
    """Bytes from which on they grow slowly: half of what failed last. A quota lets a burst pass now and then."""
    grown: float = 0.0
    """The time in force where a single record needed more than ``timeout``; 0: it did not."""

    @property
    def timeout_in_force(self) -> float:
        """Seconds; for the next producer."""
        return self.grown or self.timeout

    def passed(self, size: int, seconds: float) -> None:
        """A transaction of so many bytes was committed so long after it was opened."""
        wanted = self.timeout_in_force * SHARE
        if self.grown and seconds < self.timeout / 2:
            self.grown = 0.0
        if seconds > wanted:
            self.open_bytes = max(1, min(self.open_bytes, int(size / seconds * wanted)))
        elif size * 2 >= self.open_bytes and seconds * 2 < wanted:
            more = self.open_bytes if self.open_bytes * 2 <= self.careful else self.open_bytes // 16 + 1
            quick = min(int(size / max(seconds, 0.001) * QUICK), MOST_OF_ALL)
            self.open_bytes = min(self.open_bytes + more, max(MOST, quick))

    def failed(self, why: Retriable, size: int, records: int, acknowledged: int, seconds: float) -> NotInTime:
        """A transaction of so many bytes and records did not get through, but for ``acknowledged`` of them; the
        error to raise instead of ``why``."""
        in_force = self.timeout_in_force
        self.careful = max(1, size // 2)
        said = (
            f"{why.message}: {records} records of {size / _MB:.2f} MB did not get through in the {in_force:g} s that "
            f"{self.key} allows; "
        )
        if records > 1:
            rate = size * acknowledged / records / max(seconds, 0.001)
            most = size // 8 if not acknowledged else int(rate * in_force * SHARE)
            self.open_bytes = max(1, min(self.open_bytes, most))
            said += f"the next transactions hold {self.open_bytes / _MB:.2f} MB, or one record"
        elif self.fixed or in_force >= self.longest:
            said += "they are one record: raise it"
        else:
            self.grown = min(in_force * 2, self.longest)
            said += f"one record gets {self.grown:g} s next time"
        return NotInTime(said, stage=Stage.PRODUCE, position=why.position)
