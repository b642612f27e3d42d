"""Schemas by their ids: asked for once in a process, whichever connector of the org needs them first. What an id means
never changes (Pub/Sub API guide, *GetSchema*).

Who needs one that another connector is asking for waits for that answer, but not for long: the other's login or
connection may be slow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from attrs import define, field

from bridge.languages.avro.wire import Wire
from bridge.salesforce.failures import SessionOver, Verdict

_PERMANENT: Final = (Verdict.FATAL, Verdict.UNKNOWN)
PATIENCE: Final = 2.0
"""Seconds after which whoever waits for another's answer asks, too."""
_LOOK: Final = 0.1  # seconds after which whoever waits looks whether it is still wanted


class NoSchema(Exception):
    """Salesforce does not give the schema out, or it is none; the text goes on after its id."""


@define
class Schemas:
    """Of every org."""

    _known: dict[tuple[str, str], Wire] = field(factory=dict)
    _asked: dict[tuple[str, str], threading.Event] = field(factory=dict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def of(self, org_id: str, schema_id: str, ask: Callable[[str], str], stopped: Callable[[], bool]) -> Wire:
        """The schema, by ``GetSchema`` where nobody has asked yet. ``stopped``: ``ask`` will end at once, and so does a
        wait for another's answer. Raises NoSchema, and what ``ask`` raises where that may pass."""
        key, mine, until = (org_id, schema_id), threading.Event(), time.monotonic() + PATIENCE
        while True:
            with self._lock:
                known = self._known.get(key)
                if known is not None:
                    return known
                under_way = self._asked.setdefault(key, mine)
            if under_way is mine or stopped() or time.monotonic() >= until:
                break
            under_way.wait(_LOOK)
        try:
            wire = self._known[key] = _asked(schema_id, ask)
            return wire
        finally:
            if under_way is mine:
                with self._lock:
                    del self._asked[key]
                mine.set()


SCHEMAS: Final = Schemas()


def _asked(schema_id: str, ask: Callable[[str], str]) -> Wire:
    try:
        return Wire.of(schema_id, ask(schema_id))
    except SessionOver as over:
        if over.failure.verdict in _PERMANENT:
            raise NoSchema(f"is not given out ({over.failure.text})") from None
        raise
    except ValueError as wrong:
        raise NoSchema(str(wrong)) from None
