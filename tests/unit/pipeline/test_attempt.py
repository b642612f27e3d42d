"""Connectors that begin: those whose way to Salesforce hangs hold up nobody who has another login."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from bridge import turns
from bridge.errors import Retriable
from bridge.inspection.configuration import load
from bridge.metrics import Stats
from bridge.pipeline.attempt import Attempt, Goal
from bridge.sandbox.org import Org
from tests.support.bridge_run import Bridge, wait_until
from tests.support.hole import hole
from tests.support.kafka_broker import Broker


class Nowhere(Broker):
    """A broker that no one gets to."""

    def __init__(self) -> None: ...

    def worker(self) -> dict[str, str]:
        return {"bootstrap.servers": "127.0.0.1:1"}


def attempt(directory: Path, org: Org, name: str, **settings: str) -> Attempt:
    bridge = Bridge(directory, Nowhere(), org.url, Path(org.ca_file), org.credentials, name)
    bridge.topic = "orders"
    bridge.settings |= {key.replace("__", "."): value for key, value in settings.items()}
    return Attempt(load(bridge.connector_file(), bridge.worker_file()), Goal(), Stats())


def test_starts_that_hang_hold_up_no_other_login_and_say_what_they_wait_for(
    tmp_path: Path, org: Org, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(turns.STARTS, "longest", 3600.0)
    monkeypatch.setattr(turns, "SILENT", 0.3)
    caplog.set_level(logging.INFO)
    stop = threading.Event()

    def run(one: Attempt) -> None:
        with suppress(Retriable):
            one.run(stop.is_set)

    with hole() as proxy:
        every = [
            attempt(tmp_path, org, f"hangs-{number}", http__proxy=proxy)
            for number in range(turns.AT_ONCE + 1)
        ]
        every.append(attempt(tmp_path, org, "beside"))
        threads = [threading.Thread(target=run, args=(one,)) for one in every]
        try:
            for thread in threads[:-1]:
                thread.start()
            waits = f"waiting for its turn: {turns.AT_ONCE} connectors begin before it"
            wait_until(lambda: waits in caplog.text, 30)
            threads[-1].start()
            wait_until(lambda: every[-1]._login.account.session is not None, 30)
        finally:
            stop.set()
            for one in every:
                one.close()
            for thread in threads:
                if thread.ident is not None:
                    thread.join(30)
    assert caplog.text.count("waiting for its turn") == 1
