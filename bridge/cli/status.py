"""How a run shows what it does: one line on a terminal, rewritten; a log line a minute elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TYPE_CHECKING, Any

from attrs import define

if TYPE_CHECKING:
    from bridge.pipeline.connector import Connector

EVERY_LINE = 0.5  # seconds
EVERY_LOG = 60.0
CLEAR = "\r\x1b[2K"


class AboveStatus:
    """A stream for log lines that takes the status line away first."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text where the status line stood."""
        return int(self._stream.write(CLEAR + text if text.strip() else text))

    def flush(self) -> None:
        """Flush the stream below."""
        self._stream.flush()


@define
class Progress:
    """Counts of one connector since the last look."""

    at: float
    events: int


class Status:
    """Says that connectors are RUNNING, and then how they are doing."""

    def __init__(self, connectors: list[Connector], *, interactive: bool) -> None:
        now = time.monotonic()
        self._connectors = connectors
        self._since = now
        self._interactive = interactive
        self._every = EVERY_LINE if interactive else EVERY_LOG
        self._shown = now
        self._announced: set[str] = set()
        self._progress: dict[str, Progress] = {}

    def tick(self) -> None:
        """Call often; shows something when it is time to."""
        self._announce()
        if time.monotonic() - self._shown >= self._every:
            self._shown = time.monotonic()
            if self._interactive:
                room = shutil.get_terminal_size().columns - 1  # a line that wraps cannot be taken back
                text = " · ".join(self._line(one) for one in self._connectors)
                print(CLEAR + text[:room], end="", flush=True)
            else:
                self._log()

    def end(self) -> None:
        """The last word: what was carried."""
        self._announce()  # one that was done between two looks, too
        self._clear()
        self._log()

    def _announce(self) -> None:
        for connector in self._connectors:
            if connector.stats.has_run and connector.name not in self._announced:
                self._announced.add(connector.name)
                self._clear()
                print(f"{connector.name} is RUNNING", flush=True)

    def _log(self) -> None:
        from bridge.log import for_connector

        for connector in self._connectors:
            stats = connector.stats
            facts = {
                "state": stats.state,
                "committed": stats.carried(),
                "dead_letters": stats.dead_letters,
                "waiting": stats.buffered(),
                "lag_seconds": round(stats.lag_seconds(time.time()) or 0.0, 1),
            }
            if stats.last_replay_id >= 0:
                facts["replay_id"] = stats.last_replay_id
            for_connector(connector.name).info("%s", self._line(connector), extra=facts)

    def _line(self, connector: Connector) -> str:
        stats, now = connector.stats, time.monotonic()
        before = self._progress.setdefault(connector.name, Progress(self._since, 0))
        rate = (stats.events_delivered - before.events) / max(now - before.at, 0.001)
        if now - before.at >= 2:
            self._progress[connector.name] = Progress(now, stats.events_delivered)
        text = f"{connector.name} {stats.state}: {stats.carried()} committed, {rate:.0f}/s"
        if stats.dead_letters:
            text += f", {stats.dead_letters} dead letters"
        if (over := stats.skipped - stats.dead_letters) > 0:
            text += f", {over} passed over"
        lag = stats.lag_seconds(time.time())
        text += f", {stats.buffered()} waiting"
        return text if lag is None else f"{text}, lag {lag:.1f} s"

    def _clear(self) -> None:
        if self._interactive:
            sys.stdout.write(CLEAR)
            sys.stdout.flush()
