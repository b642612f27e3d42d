"""OpenTelemetry: when it is wanted, what is said where it cannot be had, and that what leaves is masked."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time

import pytest

from bridge.quoting import MASK
from bridge.telemetry import LOGS, TRACES, wanted
from tests.support.otlp import Collector, values

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
SECRET = "s3cr3t-of-the-tests"
HEADER = "t0ken-of-the-collector"


@pytest.mark.parametrize(
    ("environ", "signals"),
    [
        ({}, set()),
        ({"OTEL_SERVICE_NAME": "orders"}, set()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, {TRACES, LOGS}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318"}, {TRACES}),
        ({"OTEL_TRACES_EXPORTER": "console"}, {TRACES}),
        ({"OTEL_LOGS_EXPORTER": "otlp"}, {LOGS}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_LOGS_EXPORTER": "none"}, {TRACES}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "True"}, set()),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "None"}, set()),
    ],
)
def test_when_the_environment_asks(environ: dict[str, str], signals: set[str]) -> None:
    assert wanted(environ) == signals


def said(body: str, **environ: str) -> str:
    """What a process prints and logs that exports while it runs ``body``."""
    script = f"""
import logging, sys
from bridge import log, spans
from bridge.telemetry import exported
log.configure("text", "INFO", sys.stdout)
log.register_secrets(["{SECRET}"])
with exported():
{textwrap.indent(textwrap.dedent(body), "    ")}
"""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env=CLEAN | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert not ended.stderr
    return ended.stdout


LOGGING = f"""
log.for_connector("orders").info("the token is %s", "{SECRET}", extra={{"replay_id": 7, "given": "{SECRET}"}})
try:
    raise ValueError("{SECRET} is no number")
except ValueError:
    logging.getLogger("bridge").exception("it failed with {HEADER}")
logging.getLogger("boto3").info("not ours")
"""


def test_what_is_exported_of_a_log_line_is_masked_as_what_is_printed() -> None:
    with Collector() as collector:
        printed = said(
            LOGGING,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer%20{HEADER}",
            OTEL_RESOURCE_ATTRIBUTES="service.name=orders-bridge",
        )
        first, second = collector.lines()
        everything = collector.everything()
    assert SECRET not in printed
    assert HEADER not in printed
    assert SECRET.encode() not in everything
    assert HEADER.encode() not in everything
    assert first.body.string_value == f"the token is {MASK}"
    assert first.severity_text == "INFO"
    facts = values(first.attributes)
    assert (facts["connector"], facts["replay_id"], facts["given"]) == ("orders", 7, MASK)
    assert "ValueError" in str(values(second.attributes)["exception.stacktrace"])


def test_a_span_says_the_class_of_an_error_and_nothing_of_its_text() -> None:
    body = f"""
    try:
        with spans.span("kms aws-kms wrap", spans.CLIENT, {{"server.port": 443}}):
            raise ValueError("{SECRET}")
    except ValueError:
        pass
    """
    with Collector() as collector:
        said(body, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{collector.url}/v1/traces", OTEL_SERVICE_NAME="mine")
        (span,) = collector.spans()
        assert values(span.attributes) == {"server.port": 443, "error.type": "ValueError"}
        assert not span.events
        assert not span.status.message
        assert collector.services() == {"mine"}
        assert SECRET.encode() not in collector.everything()


def test_a_sampler_of_the_environment_is_heeded() -> None:
    body = "with spans.span('kms', spans.CLIENT): pass"
    with Collector() as collector:
        said(body, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_TRACES_SAMPLER="always_off")
        assert not collector.spans()


@pytest.mark.parametrize("given", ["nonsense", "collector:4318", "http://", "ftp://c", "http://c:port"])
def test_an_endpoint_that_is_none_is_said_at_the_start(given: str) -> None:
    printed = said("log.for_connector('orders').info('goes on')", OTEL_EXPORTER_OTLP_ENDPOINT=given)
    first, second = printed.splitlines()
    assert (
        "OTEL_EXPORTER_OTLP_ENDPOINT must be http:// or https:// and a host, so nothing is exported" in first
    )
    assert given not in first.replace("http://", "") or given == "http://"
    assert "goes on" in second


def test_a_missing_extra_is_said_in_one_sentence() -> None:
    hidden = "import sys; sys.modules['opentelemetry'] = None; "
    script = hidden + (
        "from bridge import log, spans; from bridge.telemetry import exported\n"
        "log.configure('text', 'INFO', sys.stdout)\n"
        "with exported(), spans.span('kms', spans.CLIENT): print('goes on')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env=CLEAN | {"OTEL_TRACES_EXPORTER": "otlp"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    warning, rest = ended.stdout.splitlines()
    assert "WARNING" in warning
    assert "pip install 'salesforce-kafka-bridge[otel]'" in warning
    assert rest == "goes on"


@pytest.mark.parametrize(
    "environ",
    [
        {"OTEL_TRACES_EXPORTER": "nonsense"},
        {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "carrier-pigeon"},
    ],
)
def test_variables_that_cannot_be_followed_are_a_warning(environ: dict[str, str]) -> None:
    warning, rest = said("print('goes on')", **environ).splitlines()
    assert "cannot be set up" in warning
    assert rest == "goes on"


def test_the_end_waits_two_seconds_for_a_collector_that_is_silent() -> None:
    body = """
    import time
    with spans.span("kms", spans.CLIENT): pass
    logging.getLogger("bridge").info("a line")
    """
    after = "import time; print(time.monotonic(), flush=True)"
    with Collector(silent=True) as collector:
        printed = said(body + after, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        ended = time.monotonic()
        assert {path for path, _ in collector.received} == {"/v1/traces", "/v1/logs"}
    began = float(printed.splitlines()[-1])
    assert 1.9 <= ended - began < 8, "2 s, and the end of a process on a busy machine"
