"""What becomes of one event that cannot be carried: ``errors.tolerance`` and the dead-letter topic."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from attrs import define

from bridge.errors import BadRecord, Fatal, SetAside, Stage, Unexpected
from bridge.errors.words import name_words
from bridge.event import Data, Header, Produced, Unreadable
from bridge.kafka.dead_letter import came_with
from bridge.metrics import Stats
from bridge.routing.letters import Letters

SHOWN = 2000  # bytes of an event in the log, where its content is wanted there


def _raw(data: Data) -> bytes:
    """The event as CometD carries it, by whatever transport it came; as it came where that cannot be told."""
    try:
        return bytes(data.json())
    except (ValueError, RecursionError):
        return bytes(data.payload)


@define
class ErrorPolicy:
    """``errors.tolerance=none``: the first bad event ends the connector; ``all``: it is logged, counted, put aside."""

    tolerate: bool
    dead_letters: Letters | None
    stats: Stats
    log: Callable[[str], None] | None  # errors.log.enable
    show_events: bool = False  # errors.log.include.messages
    protected: bool = False  # the connector encrypts: names of fields, never their values

    def judge(
        self, error: BadRecord, data: Data, channel: str | None = None
    ) -> tuple[Produced | None, Fatal | None]:
        """The dead letter to produce, if any, or the reason to end. ``channel``: of the event's message."""
        if error.position is None:
            error.position = data.event.replayId
        return self._judge(error, _raw(data), came_with(data, channel))

    def judge_unreadable(self, unreadable: Unreadable) -> tuple[Produced | None, Fatal | None]:
        """The same for a message that could not be parsed at all."""
        error = BadRecord(
            f"a message could not be read: {unreadable.reason}",
            stage=Stage.PARSE,
            position=unreadable.replay_id,
        )
        return self._judge(error, unreadable.raw, ())

    def _judge(
        self, error: BadRecord, raw: bytes, came: Sequence[Header]
    ) -> tuple[Produced | None, Fatal | None]:
        """Raises Unreserved, and is then asked again: nothing is counted or said before the letter is made."""
        where = (
            "an event without a readable replay id" if error.position is None else f"event {error.position}"
        )
        letter: Produced | None = None
        if not (self.tolerate or isinstance(error, SetAside)):
            self._count(error)
            remedy = (
                "errors.tolerance=all passes over it (into errors.deadletterqueue.topic.name, if that is set)"
            )
            return None, Fatal(
                f"{where} cannot be carried ({error.stage}): {error.message}; {remedy}",
                stage=error.stage,
                position=error.position,
            )
        if self.dead_letters is not None:
            try:
                letter = self.dead_letters.record(raw, error, came)
            except Fatal as too_large:
                self._count(error)
                return None, too_large
        self._count(error)
        self.stats.dead_letters += letter is not None
        self.stats.skipped += 1
        if self.log is not None:
            shown = f"; {self._shown(raw)}" if self.show_events else ""
            self.log(f"{where} was passed over ({error.stage}): {error.message}{shown}")
        return letter, None

    def _count(self, error: BadRecord) -> None:
        self.stats.bad_records += 1
        self.stats.unexpected_records += isinstance(error, Unexpected)

    def _shown(self, raw: bytes) -> str:
        if not self.protected:
            return f"the event: {raw[:SHOWN]!r}"
        try:
            names = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        except (ValueError, RecursionError):  # msgspec's errors, and bytes that are no UTF-8
            return f"an event of {len(raw)} bytes, not shown because the connector encrypts"
        return f"the event's fields: {', '.join(map(name_words, names))[:SHOWN]}"
