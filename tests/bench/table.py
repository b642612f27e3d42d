"""The rows that ``make bench`` prints: what was measured, what was promised, whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import asdict, frozen


@frozen
class Row:
    """One line. ``promise`` in words; ``ok`` is None where nothing was promised; ``noise`` in percent."""

    name: str
    rate: float | None = None
    micros: float | None = None
    ratio: float | None = None
    peak_mb: float | None = None
    value: str = ""
    promise: str = ""
    ok: bool | None = None
    noise: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The row for a file."""
        return asdict(self)


_HEAD = ("what", "events/s", "µs CPU/event", "× floor", "peak MB", "measured", "promise", "kept", "noise")


def print_rows(rows: Sequence[Row]) -> None:
    """A table on standard output."""
    lines = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    for line in lines:
        # Names and words to the left, numbers to the right.
        cells = [
            text.ljust(width) if column in (0, 5, 6, 7) else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        _number(row.rate, ",.0f"),
        _number(row.micros, ".2f"),
        _number(row.ratio, ".2f"),
        _number(row.peak_mb, ".0f"),
        row.value,
        row.promise,
        {None: "", True: "yes", False: "NO"}[row.ok],
        "" if row.noise is None else f"±{row.noise / 2:.0f} %",
    )


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
