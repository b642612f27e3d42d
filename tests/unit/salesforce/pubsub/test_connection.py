"""How the Pub/Sub API is reached: proxies, authorities, lines that are dead and say nothing."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from bridge.errors import Fatal, Retriable
from bridge.salesforce.pubsub.settings import PubSubSettings
from bridge.sandbox.org import Org
from bridge.sandbox.org.pubsub import PubSub
from tests.contract.test_sources import Rig
from tests.support.bridge_run import wait_until
from tests.support.faulty_line import FaultyLine
from tests.support.web_server import connect_proxy


def test_a_dead_line_is_noticed_and_a_new_connection_made(rig: Rig, api: PubSub) -> None:
    """Packets vanish, and nobody is told: the same connection would hang again."""
    with FaultyLine(f"127.0.0.1:{api.port}") as line:
        rig.settings |= {"bridge.pubsub.endpoint": line.address, "bridge.watchdog.ms": "1000"}
        ids = rig.publish(3)
        with rig.run() as run:
            run.wait_for(ids)
            line.die()
            ids += rig.publish(3)
            wait_until(lambda: "silent" in run.said)
            line.revive()
            run.wait_for(ids)
        assert line.connections >= 2
    assert run.failure is None


def test_a_server_that_is_killed_and_comes_back(rig: Rig, api: PubSub) -> None:
    org, port = rig.org, api.port
    ids = rig.publish(3)
    with rig.run() as one, rig.run() as two:
        for run in (one, two):
            run.wait_for(ids)
        for _ in range(2):
            assert org.pubsub is not None
            org.pubsub.stop()
            org.pubsub = None
            ids += rig.publish(2)
            time.sleep(1)
            org.serve_pubsub(port)
            for run in (one, two):
                run.wait_for(ids)


def test_a_line_that_is_cut_again_and_again(rig: Rig, api: PubSub) -> None:
    with FaultyLine(f"127.0.0.1:{api.port}") as line:
        rig.settings["bridge.pubsub.endpoint"] = line.address
        ids = rig.publish(300)
        with rig.run() as run:
            for _ in range(5):
                line.down.cut_after(7000)
                ids += rig.publish(100)
                time.sleep(0.05)
            run.wait_for(ids)


@pytest.fixture
def only_the_api(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Goes through a proxy; logins and metadata do not."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, f"localhost:{rig.org.port}")


@pytest.mark.usefixtures("only_the_api")
def test_a_proxy_with_a_login(rig: Rig, api: PubSub) -> None:
    with connect_proxy(("me", "p:w@x")) as proxy:
        rig.settings |= {
            "http.proxy": proxy.address,
            "http.proxy.auth.scheme": "BASIC",
            "http.proxy.user": "me",
            "http.proxy.password": "p:w@x",
        }
        ids = rig.publish(3)
        with rig.run() as run:
            run.wait_for(ids)
        assert proxy.asked == [f"localhost:{api.port}"]


@pytest.mark.usefixtures("only_the_api")
def test_a_proxy_that_refuses_the_login_is_fatal(rig: Rig, api: PubSub) -> None:
    with connect_proxy(("me", "pw")) as proxy:
        rig.settings["http.proxy"] = proxy.address
        with rig.run() as run:
            wait_until(lambda: run.ended, 30)
    assert isinstance(run.failure, Fatal)
    assert "http.proxy.user" in run.failure.message


def test_no_proxy_exempts_the_endpoint(rig: Rig, api: PubSub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("no_proxy", "localhost")
    ids = rig.publish(3)
    with rig.run() as run:
        run.wait_for(ids)


def test_an_authority_that_nobody_knows_is_named_with_the_remedy(rig: Rig, tmp_path: Path) -> None:
    """The org itself is trusted: only the endpoint shows a certificate of another authority."""
    other = Org([], directory=tmp_path / "other")
    with other:
        rig.settings["bridge.pubsub.endpoint"] = other.serve_pubsub()
        with rig.run() as run:
            wait_until(lambda: run.ended, 30)
    assert isinstance(run.failure, Fatal)
    assert "bridge.salesforce.ca.file" in run.failure.message


@pytest.mark.parametrize("listens", [False, True])
def test_nobody_there(rig: Rig, listens: bool) -> None:
    rig.settings["request.max.retries.time.ms"] = "1500"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        if not listens:
            taken.close()
        rig.settings |= {"bridge.pubsub.endpoint": f"127.0.0.1:{port}", "connection.timeout": "700"}
        with rig.run() as run:
            wait_until(lambda: run.ended, 30)
    assert isinstance(run.failure, Retriable)
    assert f"127.0.0.1:{port}" in run.failure.message


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("nope.invalid:443", "the host name of https://nope.invalid cannot be resolved"),
        ("{org}", "speaks TLS and no HTTP/2"),
    ],
)
def test_what_is_there_is_no_such_api(rig: Rig, endpoint: str, said: str) -> None:
    rig.settings |= {
        "request.max.retries.time.ms": "1000",
        "bridge.pubsub.endpoint": endpoint.format(org=f"localhost:{rig.org.port}"),
    }
    with rig.run() as run:
        wait_until(lambda: run.ended, 30)
    assert isinstance(run.failure, Retriable)
    assert said in run.failure.message


def test_the_endpoint_as_it_may_be_written(rig: Rig) -> None:
    for written, url in (
        ("api.pubsub.salesforce.com:443", "https://api.pubsub.salesforce.com"),
        ("https://api.deu.pubsub.salesforce.com:7443", "https://api.deu.pubsub.salesforce.com:7443"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ):
        rig.settings["bridge.pubsub.endpoint"] = written
        assert PubSubSettings.of(rig.config()).url == url
