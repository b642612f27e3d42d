"""Traces and log lines for OpenTelemetry, where the environment asks for them by the standard variables.

Only the SDK reads those variables (exporters, endpoints, headers, samplers, resource, batches); here is decided whether
it is wanted, and what it defaults to: OTLP over HTTP, the service name ``sfbridge``, no metrics, because
Prometheus's are served. Not asked for, nothing of OpenTelemetry is imported. Nothing here hinders delivery:
a fault is a warning, exports happen in the SDK's own threads, and the end waits a bounded time.
Source: OpenTelemetry specification, *Environment Variable Specification*.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from attrs import frozen

from bridge import __version__, log, spans
from bridge.deadline import Interrupted
from bridge.errors.words import installed_by

if TYPE_CHECKING:
    from opentelemetry._logs import Logger
    from opentelemetry.trace import Span, Tracer

FLUSH: Final = 2.0  # seconds for what was not exported when the process ends
TRACES: Final = "TRACES"
LOGS: Final = "LOGS"
_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_REPEATED: Final = 600.0  # seconds between two warnings that nothing can be exported

logger = logging.getLogger(__name__)


def wanted(environ: Mapping[str, str]) -> frozenset[str]:
    """Which of traces and logs the environment asks for: an exporter that is not ``none``, or an endpoint."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return frozenset()
    return frozenset(signal for signal in (TRACES, LOGS) if _asks(environ, signal))


def _asks(environ: Mapping[str, str], signal: str) -> bool:
    exporter = environ.get(f"OTEL_{signal}_EXPORTER", "").strip().lower()
    if exporter:
        return exporter != "none"
    return bool(environ.get(_ENDPOINT) or environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))


@contextlib.contextmanager
def exported() -> Iterator[None]:
    """Export what is traced and logged meanwhile, if the environment asks; call it after ``log.configure``."""
    signals = wanted(os.environ)
    if not signals:
        yield
        return
    log.register_secrets(_secrets(os.environ))
    _quieten()
    begun = _begun(signals)
    try:
        yield
    finally:
        spans.told_to(None)
        if begun:
            _end(FLUSH)


def _begun(signals: frozenset[str]) -> bool:
    """Whether the SDK was set up; why not is said."""
    if wrong := _no_addresses(os.environ):
        logger.warning(
            "%s must be http:// or https:// and a host, so nothing is exported", " and ".join(wrong)
        )
        return False
    try:
        _configure(signals, os.environ)
    except ImportError:
        logger.warning(
            "the environment asks for OpenTelemetry (OTEL_…), but its SDK is not installed, so nothing is exported: %s",
            installed_by("otel"),
        )
        return False
    except Exception as error:
        logger.warning(
            "OpenTelemetry cannot be set up as the variables OTEL_… say, so nothing is exported: %s", error
        )
        return False
    return True


def _no_addresses(environ: Mapping[str, str]) -> list[str]:
    """Endpoints that no exporter over HTTP can ask; the SDK would find out with the first batch. gRPC takes others."""
    wrong = []
    for name in (_ENDPOINT, *(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT" for signal in (TRACES, LOGS))):
        protocols = (name.replace("ENDPOINT", "PROTOCOL"), "OTEL_EXPORTER_OTLP_PROTOCOL")
        protocol = next((environ[one] for one in protocols if environ.get(one)), "http/protobuf")
        if (
            environ.get(name)
            and protocol.strip().startswith("http")
            and not _is_address(environ[name].strip())
        ):
            wrong.append(name)
    return wrong


def _is_address(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
    except ValueError:
        return False


def _configure(signals: frozenset[str], environ: MutableMapping[str, str]) -> None:
    from opentelemetry import _logs, trace
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator  # what distributions configure by

    _default(signals, environ)
    made = _OTelSDKConfigurator()  # type: ignore[no-untyped-call]  # the SDK does not annotate it
    made.configure(resource_attributes={"service.version": __version__}, setup_logging_handler=False)  # type: ignore[no-untyped-call]  # nor that
    if TRACES in signals:
        spans.told_to(_Traced(trace.get_tracer("sfbridge", __version__)).open)
    if LOGS in signals:
        handler = _Exported(_logs.get_logger("sfbridge", __version__))
        handler.addFilter(log.speaks)
        logging.getLogger().addHandler(handler)


def _default(signals: frozenset[str], environ: MutableMapping[str, str]) -> None:
    for signal in signals:
        if not environ.get(f"OTEL_{signal}_EXPORTER"):
            environ[f"OTEL_{signal}_EXPORTER"] = "otlp"
    environ.setdefault("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    environ["OTEL_METRICS_EXPORTER"] = "none"
    if "service.name=" not in environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        environ.setdefault("OTEL_SERVICE_NAME", "sfbridge")


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    """What of the variables must not be written: headers, which hold tokens; credentials in an endpoint."""
    for name, value in environ.items():
        if name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("HEADERS"):
            for header in value.split(","):
                given = header.partition("=")[2].strip()
                yield from {
                    given,
                    unquote(given),
                    *unquote(given).split()[-1:],
                }  # the token without its scheme
        elif name.startswith("OTEL_EXPORTER_OTLP_") and name.endswith("ENDPOINT"):
            with contextlib.suppress(ValueError):
                yield from filter(None, (urlsplit(value).password, urlsplit(value).query))


@frozen
class _Recorded:
    """An open span of OpenTelemetry's."""

    span: Span

    def note(self, name: str, value: spans.Value) -> None:
        self.span.set_attribute(name, value)

    def failed(self, kind: str) -> None:
        from opentelemetry.trace import StatusCode

        self.span.set_attribute("error.type", kind)
        self.span.set_status(StatusCode.ERROR)


@frozen
class _Traced:
    """Opens spans, by one tracer."""

    tracer: Tracer

    @contextlib.contextmanager
    def open(
        self, name: str, kind: str, facts: Mapping[str, spans.Value], ago: float
    ) -> Iterator[spans.Span]:
        """As ``spans.Open``. What an exception says is not recorded: it may quote what must not leave."""
        from opentelemetry.trace import SpanKind

        with self.tracer.start_as_current_span(
            name,
            kind=SpanKind[kind],
            attributes=facts,
            start_time=time.time_ns() - int(ago * 1e9),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            recorded = _Recorded(span)
            try:
                yield recorded
            except Interrupted:  # a poll that is under way when the connector stops
                raise
            except BaseException as error:
                recorded.failed(type(error).__name__)
                raise


class _Exported(logging.Handler):
    """Hands each log line on as it is printed, secrets masked: the SDK's own handler would send arguments and
    exceptions as they are."""

    def __init__(self, to: Logger) -> None:
        super().__init__()
        self._to = to

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises: what cannot be exported is printed all the same."""
        with contextlib.suppress(Exception):
            self._send(record)

    def _send(self, record: logging.LogRecord) -> None:
        from opentelemetry._logs import LogRecord, SeverityNumber

        facts: dict[str, Any] = log.document(record)
        body, _ = facts.pop("message"), facts.pop("ts")
        facts.pop("level")
        if "exception" in facts:
            facts["exception.stacktrace"] = facts.pop("exception")
        self._to.emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                observed_timestamp=time.time_ns(),
                severity_text=record.levelname,
                severity_number=SeverityNumber(_severity(record.levelno)),
                body=body,
                attributes=facts,
            )
        )


def _severity(level: int) -> int:
    """A level as OpenTelemetry's number: DEBUG 5, INFO 9, WARN 13, ERROR 17, FATAL 21."""
    return max(1, min(level // 10, 5) * 4 + 1)


class _Faults(logging.Handler):
    """What the SDK says of itself, in one warning now and then: an exporter that fails says so several times a
    batch."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._seldom = log.Seldom(every=_REPEATED)

    def emit(self, record: logging.LogRecord) -> None:
        """Says that exporting fails, and nothing else of it for a while."""
        text = "OpenTelemetry's data cannot be exported at present; events are delivered all the same: "
        self._seldom.warn(logger, "export", text + record.getMessage()[:300])


def _quieten() -> None:
    """The SDK's loggers speak through ``_Faults`` alone."""
    theirs = logging.getLogger("opentelemetry")
    theirs.propagate = False
    theirs.handlers = [_Faults()]


def _end(seconds: float) -> None:
    """Export what is left, for so long at most; the SDK alone would wait 30 s for each of the two."""
    from opentelemetry import _logs, trace

    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, _Exported)]:
        root.removeHandler(handler)
    logging.getLogger("opentelemetry").handlers = [logging.NullHandler()]
    until = time.monotonic() + seconds
    providers = (trace.get_tracer_provider(), _logs.get_logger_provider())
    ends = [one.shutdown for one in providers if hasattr(one, "shutdown")]
    threads = [threading.Thread(target=end, daemon=True) for end in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
