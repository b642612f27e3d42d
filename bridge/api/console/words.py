"""How numbers, times and states are said on a page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from attrs import frozen

NOTHING: Final = "–"
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@frozen
class Condition:
    """How a state is shown: a word, a shape (so that colour is never alone), a sentence about it."""

    word: str
    shape: str
    sentence: str


CONDITIONS: Final[Mapping[str, Condition]] = {
    "failed": Condition("Failed", "cross", "It does not start again by itself."),
    "unknown": Condition("Unknown", "dashed", "Its worker does not answer; what is shown was known last."),
    "restarting": Condition("Restarting", "arrow", "It starts again by itself."),
    "behind": Condition("Behind", "triangle", "Events come more than a minute late."),
    "provisioning": Condition("Provisioning", "ring", "It is being started."),
    "running": Condition("Running", "dot", "Events come."),
    "idle": Condition("Idle", "halfdot", "It runs, and no events came for five minutes."),
    "paused": Condition("Paused", "bars", "It was asked to pause."),
    "stopped": Condition("Stopped", "square", "It was asked to stop."),
}


def condition(name: str) -> Condition:
    """Of a name that the API gave."""
    return CONDITIONS.get(name, CONDITIONS["unknown"])


def quantity(value: float | None) -> str:
    """A number with three digits: ``12.4``, ``1,280``, ``0``; a dash where nothing is known."""
    if value is None:
        return NOTHING
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def duration(seconds: float | None) -> str:
    """``340 ms``, ``2.5 s``, ``4 min``, ``3 h``, ``2 d``."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    for size, unit in _UNITS:
        if seconds >= 2 * size or size == 1:
            return f"{seconds / size:.0f} {unit}"
    return NOTHING


def hours(value: float | None) -> str:
    """Hours that are left, as hours or days."""
    return NOTHING if value is None else duration(value * 3600)


def ago(ms: float | None) -> str:
    """``4 min ago``."""
    if ms is None:
        return "never"
    passed = time.time() - ms / 1000
    return "now" if passed < 1 else f"{duration(passed)} ago"


def at(ms: float | None) -> str:
    """A moment, absolutely: ``2026-11-30 08:12:04 UTC``."""
    return NOTHING if ms is None else f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(ms: float | None) -> str:
    """The same for ``<time datetime>``."""
    return "" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def size(count: int) -> str:
    """Bytes."""
    for limit, unit in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if count >= limit:
            return f"{count / limit:.1f} {unit}"
    return f"{count} B"


def spark(values: Sequence[float], width: int = 120, height: int = 24) -> str:
    """The points of a line: the newest at the right, the largest at the top."""
    if len(values) < 2:
        return ""
    top = max(values) or 1.0
    step = width / (len(values) - 1)
    return " ".join(f"{i * step:.0f},{height - 1 - (height - 2) * v / top:.1f}" for i, v in enumerate(values))


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 event``, ``2 events``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "ago": ago, "at": at, "condition": condition, "duration": duration, "hours": hours, "iso": iso,
    "plural": plural, "quantity": quantity, "size": size, "spark": spark,
}  # fmt: skip
