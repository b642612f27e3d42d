"""What the other end of a stream can show: colours, lines that are rewritten, how many columns, which characters."""

from __future__ import annotations

import os
import shutil
import textwrap
from typing import Final, TextIO

_DUMB: Final = ("", "dumb", "unknown")
_STYLES: Final = {"red": "31", "green": "32", "yellow": "33", "faint": "2", "bold": "1"}
_STATES: Final = {
    "RUNNING": "green", "ok": "green", "PAUSED": "yellow", "STOPPED": "yellow", "UNASSIGNED": "yellow",
    "RESTARTING": "yellow", "PROVISIONING": "yellow", "FAILED": "red", "failed": "red",
}  # fmt: skip


def speaks_unicode(stream: TextIO) -> bool:
    """Whether every character arrives."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").startswith("utf")


def rewrites(stream: TextIO) -> bool:
    """Whether a line can be taken back and written anew."""
    return stream.isatty() and os.environ.get("TERM", "") not in _DUMB


def colours(stream: TextIO) -> bool:
    """Whether colours are wanted (https://no-color.org) and can be shown."""
    return rewrites(stream) and not os.environ.get("NO_COLOR")


def columns(stream: TextIO) -> int | None:
    """How wide a line may be; None where nobody looks at it, so that a line is a line for programs."""
    if not (stream.isatty() or os.environ.get("COLUMNS", "").isdigit()):
        return None
    return max(20, shutil.get_terminal_size().columns)


def painted(text: str, style: str, stream: TextIO) -> str:
    """The text in a style, where that can be shown."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if colours(stream) else text


def state(text: str, stream: TextIO) -> str:
    """A cell of a table, in the colour of what it says where that is a state."""
    word = text.strip()
    return painted(text, _STATES[word], stream) if word in _STATES else text


def width(text: str) -> int:
    """How many columns a text takes: Chinese characters two, combining ones none."""
    if text.isascii():
        return len(text)
    # here: only where there is more than ASCII
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def folded(text: str, room: int) -> list[str]:
    """The text in lines of so many columns, broken between words; a word that is longer stays whole."""
    lines = []
    for line in text.splitlines() or [""]:
        lines += textwrap.wrap(line, max(1, room), break_long_words=False, break_on_hyphens=False) or [""]
    return lines


def folded_command(line: str, room: int) -> str:
    """A line of a shell, in lines of so many columns that can be pasted as they are."""
    if width(line) <= room:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    parts = textwrap.wrap(
        line.strip(),
        max(1, room - len(indent) - 2),
        break_long_words=False,
        break_on_hyphens=False,
        subsequent_indent="  ",
    )
    return f" \\\n{indent}".join([indent + parts[0], *parts[1:]])
