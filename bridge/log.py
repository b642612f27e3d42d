"""Structured logs: lines for people, or one JSON object a line for machines.

Every line says when, how grave, which connector and what; a line about an event also its replay id and stage.
Code logs through ``for_connector(name)`` and passes further facts as ``extra={"replay_id": …}``.

Secrets are kept out where messages are made. In case one slips through (in the text of somebody else's
exception, say), every value given to ``register_secrets`` is masked in what is written.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping, MutableMapping
from typing import IO, Any, Final

from attrs import define, field

from bridge.errors import BridgeError
from bridge.errors.words import printable, traceback_words
from bridge.quoting import MASK, spellings

LIBRDKAFKA: Final = "bridge.librdkafka"
"""The logger given to Kafka clients, which would write to stderr by themselves."""

SDKS: Final = (
    "boto",
    "boto3",
    "botocore",
    "s3transfer",
    "azure",
    "msal",
    "msal_extensions",
    "google",
    "grpc",
    "hvac",
    "urllib3",
    "requests",
    "requests_oauthlib",
    "oauthlib",
    "httplib2",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "http",
    "authlib",
    "zeep",
)
"""Libraries that speak to key management services, registries and Salesforce. At DEBUG some write requests and
answers as they are: botocore the plaintext DEK of KMS's Decrypt, others tokens. So they stay at WARNING."""

# Shorter values would mask ordinary words, and are no secrets.
_SHORTEST_SECRET: Final = 4
_LEFT_SECRETS: Final = 16  # of those that nobody uses any more, so many are masked still
_OWN: Final = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "taskName",
    "connector",
    "stage",
    "replay_id",
}


class _Secrets:
    """The values that must not be written, longest first, so that one inside another leaves no remainder.

    Some last; others are held while somebody uses them, as tokens are, and the last of those that are not held any
    more stay a while: what is said of them may be said late.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lasting: dict[str, str] = {}
        self._held: Counter[str] = Counter()
        self._gone: deque[str] = deque()
        self._left: deque[str] = deque(maxlen=_LEFT_SECRETS)
        self._values: dict[str, str] = {}

    def add(self, values: Iterable[str]) -> None:
        shown = dict(values) if isinstance(values, Mapping) else dict.fromkeys(values, MASK)
        with self._lock:
            news = {v: instead for v, instead in shown.items() if len(v) >= _SHORTEST_SECRET}
            if not news.items() <= self._lasting.items():
                self._lasting |= news
                self._arrange()

    def hold(self, value: str) -> None:
        with self._lock:
            self._held[value] += 1
            self._settle()
            self._arrange()

    def let_go(self, value: str) -> None:
        # Without the lock: a finalizer calls it, perhaps in a thread that has it. The next ``hold`` sees to it.
        self._gone.append(value)

    def _settle(self) -> None:
        while self._gone:
            value = self._gone.popleft()
            if value in self._held:
                self._held[value] -= 1
                if not self._held[value]:
                    del self._held[value]
                    self._left.append(value)

    def _arrange(self) -> None:
        spelled = {
            spelling: instead
            for value, instead in (dict.fromkeys((*self._left, *self._held), MASK) | self._lasting).items()
            for spelling in spellings(value)
        }
        self._values = dict(sorted(spelled.items(), key=lambda one: len(one[0]), reverse=True))

    def clear(self) -> None:
        with self._lock:
            self._lasting, self._values = {}, {}
            self._held.clear()
            self._left.clear()

    def mask(self, text: str) -> str:
        for value, instead in self._values.items():
            if value in text:
                text = text.replace(value, instead)
        return text


_secrets = _Secrets()


def register_secrets(values: Iterable[str]) -> None:
    """Mask these values from now on in all that is logged; those of under four characters are ignored.

    Of a mapping, the value is what is written instead of the key: a reference, say.
    """
    _secrets.add(values)


def hold_secret(value: str) -> None:
    """Mask this value until ``forget_secret`` was called as often, and a little longer."""
    if len(value) >= _SHORTEST_SECRET:
        _secrets.hold(value)


def forget_secret(value: str) -> None:
    """One less who uses a value that was given to ``hold_secret``."""
    _secrets.let_go(value)


def forget_secrets() -> None:
    """Mask nothing any more."""
    _secrets.clear()


def masked(text: str) -> str:
    """``text`` with every registered secret masked, for messages that go elsewhere than to the log."""
    return _secrets.mask(text)


def configure(format: str = "text", level: str = "INFO", stream: IO[str] | None = None) -> None:
    """Write the logs of the process to ``stream`` (stderr): ``format`` is ``text`` or ``json``."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    handler.addFilter(speaks)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in SDKS:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    quiet_sdks()
    # Its only warning: that many connectors asked at once, and that a connection is not kept.
    logging.getLogger("urllib3.connectionpool").setLevel(max(logging.ERROR, root.level))
    # Its worst lines are about being fenced and the like, which the error raised says in words.
    logging.getLogger(LIBRDKAFKA).disabled = root.level > logging.DEBUG


def is_sdk(name: str) -> bool:
    """Whether a logger is one of those that ``SDKS`` speaks of, or below one."""
    return name.split(".", 1)[0] in SDKS


def quiet_sdks() -> None:
    """Raise the loggers of SDKs, and all that are below them by now, to WARNING where they are lower.

    Called again when an SDK was loaded, because some set levels of their own on import.
    """
    # Google's SDK reads this when it is imported, and then writes every request by a handler of its own.
    os.environ.pop("GOOGLE_SDK_PYTHON_LOGGING_SCOPE", None)
    for name, one in [*((n, logging.getLogger(n)) for n in SDKS), *logging.Logger.manager.loggerDict.items()]:
        if isinstance(one, logging.Logger) and is_sdk(name) and (one.level or name in SDKS):
            one.setLevel(max(one.level, logging.WARNING))


class ConnectorLog(logging.LoggerAdapter[logging.Logger]):
    """A logger that says which connector it speaks for; ``extra`` of a call is kept."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Put the connector's name beside the extra fields of the call."""
        kwargs["extra"] = {**(self.extra or {}), **(kwargs.get("extra") or {})}
        return msg, kwargs


def for_connector(name: str, logger: str = "bridge") -> ConnectorLog:
    """The logger of one connector."""
    return ConnectorLog(logging.getLogger(logger), {"connector": name})


def facts(record: logging.LogRecord) -> dict[str, object]:
    """Connector, stage, replay id and the extra fields of a line; what its error knows included."""
    pairs: dict[str, object] = {}
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, BridgeError):
        pairs |= {"stage": str(error.stage), "replay_id": error.position}
    for name in ("connector", "stage", "replay_id"):
        if getattr(record, name, None) is not None:
            pairs[name] = getattr(record, name)
    pairs |= {name: value for name, value in vars(record).items() if name not in _OWN}
    return {name: value for name, value in pairs.items() if value is not None}


def exception_text(record: logging.LogRecord) -> str | None:
    """The traceback worth printing: none for an error of ours unless the log is at DEBUG."""
    if not record.exc_info or record.exc_info[1] is None:
        return None
    error = record.exc_info[1]
    if isinstance(error, BridgeError) and not logging.getLogger().isEnabledFor(logging.DEBUG):
        return None
    return traceback_words(error)


class TextFormatter(logging.Formatter):
    """``2026-01-31 10:15:02.123 INFO  orders  message  key=value …``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback under it where there is one."""
        now = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        told = facts(record)
        connector = told.pop("connector", "-")
        line = f"{now}.{int(record.msecs):03d} {record.levelname:<7} {connector}  {line_message(record)}"
        pairs = " ".join(f"{name}={_value(value)}" for name, value in told.items())
        trace = exception_text(record)
        return _secrets.mask(line + (f"  {pairs}" if pairs else "") + (f"\n{trace}" if trace else ""))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: ``ts`` (UTC), ``level``, ``logger``, ``connector``, ``message``, the rest."""

    def format(self, record: logging.LogRecord) -> str:
        """The object, secrets masked."""
        return json.dumps(document(record), ensure_ascii=False)


def document(record: logging.LogRecord) -> dict[str, object]:
    """What a line says, fit for JSON, secrets masked: ``ts``, ``level``, ``logger``, the facts, ``message``, and
    ``exception`` where a traceback is worth it."""
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    line: dict[str, object] = {
        "ts": f"{seconds}.{int(record.msecs):03d}Z",
        "level": record.levelname,
        "logger": record.name,
        **facts(record),
        "message": _message(record),
    }
    trace = exception_text(record)
    if trace:
        line["exception"] = trace
    return {name: _masked(value) for name, value in line.items()}


def _masked(value: object) -> object:
    """The same, fit for JSON, with secrets masked in every text; keys are ours and stay."""
    if isinstance(value, Mapping):
        return {str(key): _masked(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_masked(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (bool, int, float, type(None))) else _secrets.mask(str(value))


def _message(record: logging.LogRecord) -> str:
    """The message, and the sentence of the error it is about where it does not hold it already."""
    text = record.getMessage()
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, BridgeError) and error.message not in text:
        return f"{text}: {error.message}" if text else error.message
    return text


def line_message(record: logging.LogRecord) -> str:
    """The message as one line; secrets are not masked yet."""
    return _one_line(_message(record))


def speaks(record: logging.LogRecord) -> bool:
    """Below WARNING only the bridge itself does, whatever level somebody gives another's logger."""
    ours = record.name in ("root", "bridge", "__main__") or record.name.startswith("bridge.")
    return ours or record.levelno >= logging.WARNING


def _one_line(text: str) -> str:
    return printable(text.replace("\r", "").replace("\n", " | "))


def _value(value: object) -> str:
    # Before it is quoted, because quoting what was quoted makes spellings that nobody registered.
    text = f"{value:.3f}" if isinstance(value, float) else printable(_secrets.mask(str(value)))
    return json.dumps(text, ensure_ascii=False) if any(c in text for c in ' "=\n') or not text else text


@define
class Seldom:
    """Lets a message through once in ``every`` seconds for each key, and counts what it held back."""

    every: float = 60.0
    _last: dict[object, float] = field(factory=dict)
    _held: dict[object, int] = field(factory=dict)

    def due(self, key: object, now: float | None = None) -> int | None:
        """``None``: hold it back. Else say it; the number is how often it was held back since."""
        now = time.monotonic() if now is None else now
        last = self._last.get(key)
        if last is not None and now - last < self.every:
            self._held[key] = self._held.get(key, 0) + 1
            return None
        self._last[key] = now
        return self._held.pop(key, 0)

    def warn(self, log: logging.Logger | ConnectorLog, key: object, message: str, **extra: object) -> None:
        """Log ``message`` as a warning if it is due."""
        held = self.due(key)
        if held is not None:
            log.warning("%s", message, extra={**extra, "repeated": held} if held else dict(extra))


class Once(Seldom):
    """Lets a message through a single time for each key."""

    def __init__(self) -> None:
        super().__init__(every=float("inf"))
