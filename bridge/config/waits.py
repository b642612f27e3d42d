"""The table of waits in docs/operations.md, made from ``bridge.waits``: ``python -m bridge.config.waits [--check]``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from bridge import waits
from bridge.config.declarations import CONNECTOR, WORKER
from bridge.config.page import keep
from bridge.waits import Wait

TARGET: Final = Path(__file__).parents[2] / "docs" / "operations.md"
_BEGIN: Final = (
    "<!-- waits: made by python -m bridge.config.waits from bridge/waits.py; a test keeps it in step -->\n"
)
_END: Final = "<!-- waits: end -->\n"


def table() -> str:
    """Each wait: what for, how long at most, what is said, which property."""
    rows = ["| what is waited for | how long at most | what is said | property |", "|---|---|---|---|"]
    for wait in waits.EVERY:
        keys = ", ".join(f"`{key}`" for key in wait.keys)
        rows.append(f"| {wait.what} | {longest(wait)} | {wait.said} | {keys} |")
    return "\n".join(rows) + "\n"


def longest(wait: Wait) -> str:
    """In words: a fixed time, or the default of the property."""
    parts = []
    if wait.seconds is not None:
        parts.append(f"{wait.seconds:g} s" if wait.seconds < 600 else f"{wait.seconds / 60:g} min")
    for key in wait.keys:
        declared = next(
            (one for catalogue in (CONNECTOR, WORKER) for one in catalogue if one.key == key), None
        )
        if declared is not None and declared.default:
            parts.append(f"{int(declared.default) / 1000:g} s")
    return "; ".join([*parts, *([wait.limit] if wait.limit else [])])


def page(text: str) -> str:
    """The page with the table of now."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table()}{_END}{after}"


if __name__ == "__main__":
    sys.exit(keep(TARGET, page(TARGET.read_text("utf-8")), "bridge.config.waits", sys.argv[1:]))
