"""Which event was meant: the nearest of the names there are."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

STANDARD = ("Event", "EventStream")


def nearest(event: str, names: Iterable[str]) -> str:
    """A clause that says there is no such event, and which one comes closest, if any."""
    events = [name for name in names if name.endswith(("__e", *STANDARD)) and name != "Event"]
    by_case = {name.lower(): name for name in events}
    if actual := by_case.get(event.lower()):
        return f"the event is called {actual}, not {event}; upper and lower case count"
    if actual := by_case.get(f"{event.lower()}__e"):
        return f"there is no event {event}; its API name is {actual}"
    if close := get_close_matches(event.lower(), by_case, n=1, cutoff=0.6):
        return f"there is no event {event}; did you mean {by_case[close[0]]}?"
    if not events:
        return f"there is no event {event}, nor any other that the user may read"
    return f"there is no event {event}; the org has {_some(events)}"


def _some(events: list[str]) -> str:
    shown = sorted(events, key=lambda name: (not name.endswith("__e"), name))[:5]
    return ", ".join(shown) + (f" and {len(events) - 5} more" if len(events) > 5 else "")
