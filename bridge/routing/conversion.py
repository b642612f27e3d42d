"""THE GUARD OF CONVERSION: what goes wrong while one event becomes a record concerns that event alone.

Contract. Conversion is everything between an event's bytes and its record: reading, transforms, encryption, encoding.
It asks nobody, so an exception out of it comes of the event or of a fault in the bridge, and comes again at every
restart. Whatever is no ``BridgeError`` becomes ``Unexpected``, a ``BadRecord``: ``errors.tolerance`` decides, and the
events before it are committed in any case. It says

* the stage, by the room whose code failed;
* the field, where there is one without which the event converts;
* the exception's class and line, never its text, which may quote a value.

The trace is logged once for each class and line, without the texts of the exceptions.

What happens between two conversions (asking Salesforce and the registry, committing) is not an event's fault:
``between`` makes it ``Fatal``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final

import msgspec
from attrs import field, frozen

from bridge.documents import innermost
from bridge.errors import BridgeError, Fatal, Stage, Unexpected
from bridge.errors.words import exception_words, traceback_words
from bridge.event import Data
from bridge.log import ConnectorLog, Once
from bridge.routing.route import Unprepared

_STAGES: Final = (
    ("bridge.transforms", Stage.TRANSFORMATION),
    ("bridge.java", Stage.TRANSFORMATION),
    ("bridge.encryption", Stage.ENCRYPT),
    ("bridge.formats.reader", Stage.PARSE),
    ("bridge.formats.wire", Stage.PARSE),
    ("bridge.languages.avro", Stage.PARSE),
    ("bridge.formats.rows", Stage.PARSE),
    ("bridge.formats.times", Stage.PARSE),
    ("bridge.formats", Stage.ENCODE),
)
_SEARCH: Final = 0.5  # seconds at most to find the field
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@frozen
class ConversionGuard:
    """Makes a ``BadRecord`` of any exception that conversion lets out."""

    log: ConnectorLog
    _once: Once = field(factory=Once)

    def refusal(self, error: Exception, convert: Callable[[Data], object], data: Data) -> Unexpected:
        """What is wrong with the event, given what ``convert`` raised for it. Never raises."""
        stage, place = _stage(error.__traceback__), innermost(error.__traceback__)
        name = _field(convert, data)
        what = f"field {name}: " if name is not None else ""
        fault = f"an unexpected {type(error).__name__} in {place}"
        if self._once.due((type(error), place)) is not None:
            self.log.error(
                "event %s: %s%s, a fault of the bridge; this trace is logged once:\n%s",
                data.event.replayId,
                what,
                fault,
                traceback_words(error, of_event=True),
                extra={"stage": str(stage), "replay_id": data.event.replayId},
            )
        refusal = Unexpected(
            f"{what}{fault}, which is a fault of the bridge (its trace was logged once)",
            stage=stage,
            position=data.event.replayId,
        )
        refusal.__cause__, refusal.__traceback__ = error, error.__traceback__
        return refusal

    @contextmanager
    def between(self) -> Iterator[None]:
        """Around what is done between two conversions: what is unexpected there is Fatal."""
        try:
            yield
        except BridgeError:
            raise
        except Exception as error:
            self.log.exception("unexpected error: this is a fault of the bridge")
            raise Fatal(f"unexpected {exception_words(error)}", stage=Stage.SCHEMA) from error


def _stage(trace: TracebackType | None) -> Stage:
    """That of the innermost room that has one."""
    stage = Stage.ENCODE
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        stage = next((its for room, its in _STAGES if f"{module}.".startswith(f"{room}.")), stage)
        trace = trace.tb_next
    return stage


def _field(convert: Callable[[Data], object], data: Data) -> str | None:
    """The field without which the event converts. None where no single one explains it."""
    ends = time.monotonic() + _SEARCH
    try:
        given = _fields(data.json())
    except Exception:  # not even the names can be read
        return None
    for name in given:
        if time.monotonic() > ends:
            return None
        try:
            convert(data.without(name))
        except Unprepared:
            return name
        except Exception:  # noqa: S112 - this field is not the reason, or not the only one
            continue
        return name
    return None
