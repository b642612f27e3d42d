"""WHAT MAY BE QUOTED: the one place that decides how a sentence of ours speaks of events and of others' words.
(What stands elsewhere, such as a reference's secret: ``quoting.py``.)

* **An event's value** is never quoted, whatever connector, tag or log level: it may be a protected one, and nobody can
  tell from the value. An exception of somebody else, whose text may hold one, is called by its class
  (``exception_words``, ``traceback_words``).
* **A name in an event** is quoted where it is an API name (``name_words``); anything else may be a value in the wrong
  place.
* **Words of others** (registry, KMS, Salesforce, broker) are quoted as one line without control characters, which could
  forge lines of a log or drive a terminal (``printable``), and not at length (``words``). Errors, logs and tables
  call it themselves, so that nobody has to remember it. Where somebody else may have typed the address that answers,
  nothing of it is quoted (``unquoted``).
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Final

LONGEST: Final = 200
UNSAID: Final = "[not quoted]"
"""What stands for others' words where none may be quoted."""
_quoting: ContextVar[bool] = ContextVar("quoting", default=True)
SHOWN_PREFIX: Final = 12
"""So many characters of a secret, and no more, may happen to stand in a text."""
_API_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}", re.ASCII)
_SHOWN_FRAMES: Final = 25

# The modules that hold events: an exception that passed through one of them may carry a value in its text.
_HOLD_EVENTS: Final = (
    "buffer", "encryption", "event", "formats", "inspection", "java", "kafka.dead_letter", "kafka.producer",
    "languages.avro", "letters",
    "pipeline.loop", "pipeline.policy", "reading", "routing", "salesforce.cometd", "salesforce.intake",
    "salesforce.replies", "transforms",
)  # fmt: skip


def printable(text: str) -> str:
    """One line without control characters; each of them, and each line's end, is a blank."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


@contextmanager
def unquoted() -> Iterator[None]:
    """Whoever asks may have typed the address that answers: nothing of its words is to come back to them.

    For this thread, and what runs in its context.
    """
    token = _quoting.set(False)
    try:
        yield
    finally:
        _quoting.reset(token)


def quoting() -> bool:
    """Whether others' words may stand in a sentence of ours here."""
    return _quoting.get()


def quoted(text: str) -> str:
    """Others' words as they are, where they may be quoted."""
    return text if _quoting.get() or not text.strip() else UNSAID


def words(text: object, hidden: Collection[str] = (), longest: int = LONGEST) -> str:
    """Somebody else's text, fit for a sentence of ours: one line, not long, none of ``hidden`` in it."""
    said = str(text)
    if quoted(said) != said:
        return UNSAID
    for value in sorted(filter(None, hidden), key=len, reverse=True):
        said = said.replace(value, "****")
        # Somebody may have cut the text in the middle of it.
        if len(value) > SHOWN_PREFIX:
            said = re.sub(re.escape(value[:SHOWN_PREFIX]) + r"\S*", "****", said)
    line = " ".join(printable(said).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def name_words(name: str) -> str:
    """A field's name as it stands in an event: itself where it is one, else that it is none."""
    return (
        name
        if all(_API_NAME.fullmatch(part) for part in name.split("."))
        else "of a name that is no API name"
    )


def exception_words(error: BaseException) -> str:
    """The class of an exception that nobody expected; its text, too, where it cannot hold an event's value."""
    name = type(error).__name__
    text = words(error) if _speaks(error) else ""
    return f"{name}: {text}" if text else name


def traceback_words(error: BaseException, *, of_event: bool = False) -> str:
    """The exception and those it came of: classes, places and lines of code, with texts as ``exception_words``.

    ``of_event``: it came of an event's conversion, so that no text is quoted.
    """
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in links and len(links) < 5:
        links.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    quotes = not of_event and all(_speaks(one) for one in links)
    lines = []
    for one in reversed(links):
        lines.append("Traceback (most recent call last):\n")
        lines += traceback.format_list(traceback.extract_tb(one.__traceback__, limit=-_SHOWN_FRAMES))
        text = words(one, longest=2000) if quotes or _is_ours(one) else ""
        lines.append(f"{type(one).__module__}.{type(one).__qualname__}{f': {text}' if text else ''}\n")
    return "".join(lines).rstrip()


def _speaks(error: BaseException) -> bool:
    """Whether the text is known to hold no value: it is an error of ours, or passed no module that holds events."""
    return _is_ours(error) or not any(map(_holds_events, _modules(error.__traceback__)))


def _is_ours(error: BaseException) -> bool:
    return hasattr(error, "stage")  # a ``BridgeError``, which this module stands below


def _modules(trace: TracebackType | None) -> list[str]:
    names = []
    while trace is not None:
        frame = trace.tb_frame
        # a generated encoder is a function of a file that is none
        generated = frame.f_code.co_filename.startswith("<")
        names.append("bridge.formats" if generated else str(frame.f_globals.get("__name__", "")))
        trace = trace.tb_next
    return names


def _holds_events(module: str) -> bool:
    return any(f"{module}.".startswith(f"bridge.{room}.") for room in _HOLD_EVENTS)


def installed_by(extra: str) -> str:
    """How an optional part is installed; a clone needs no release."""
    return f"pip install 'salesforce-kafka-bridge[{extra}]' (in a clone: pip install '.[{extra}]')"
