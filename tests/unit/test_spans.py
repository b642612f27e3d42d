"""Spans without anybody who listens, and what is told to somebody who does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from bridge import spans
from bridge.calls import FAILED, Calls
from bridge.errors import Fatal, Stage


class Heard:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.facts: dict[str, spans.Value] = {}
        self.failures: list[str] = []

    def note(self, name: str, value: spans.Value) -> None:
        self.facts[name] = value

    def failed(self, kind: str) -> None:
        self.failures.append(kind)

    @contextmanager
    def open(
        self, name: str, kind: str, facts: Mapping[str, spans.Value], ago: float
    ) -> Iterator[spans.Span]:
        self.names.append(f"{kind} {name}")
        self.facts |= facts
        yield self


@pytest.fixture
def heard() -> Iterator[Heard]:
    heard = Heard()
    spans.told_to(heard.open)
    yield heard
    spans.told_to(None)


def test_nobody_listens() -> None:
    with spans.span("registry", spans.CLIENT) as one:
        one.note("a", 1)
        one.failed("Error")
    with spans.span("registry", spans.CLIENT) as other:
        assert other is one
    with pytest.raises(ValueError, match="passes"), spans.span("registry", spans.CLIENT):
        raise ValueError("passes")


def test_of_an_address_host_and_port_alone_are_told() -> None:
    assert spans.server("https://u:secret@reg.example.org:8081/p?token=secret") == {
        "server.address": "reg.example.org",
        "server.port": 8081,
    }
    assert spans.server("https://reg.example.org") == {"server.address": "reg.example.org"}


def test_a_timed_call_is_a_span(heard: Heard) -> None:
    calls = Calls("sfbridge_test_call_seconds", "Calls.", ("operation",), service="registry")
    with calls.timed("subject", facts={"server.address": "r"}) as call:
        call.status = 404
        call.outcome = "refused"
    assert heard.names == ["CLIENT registry subject"]
    assert heard.facts == {"server.address": "r", "sfbridge.outcome": "refused", spans.STATUS: 404}
    assert not heard.failures, "something that is not there yet is no failure"
    with calls.timed("subject") as call:
        call.status, call.outcome = 503, FAILED
    assert heard.failures == ["503"]
    with pytest.raises(Fatal), calls.timed("subject"):
        raise Fatal("denied", stage=Stage.ENCRYPT)
    assert heard.facts["sfbridge.outcome"] == "refused"
