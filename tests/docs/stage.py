"""Where a page is run: a broker, an org and a registry of the tests in the place of those that pages name."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from bridge.sandbox import samples
from bridge.sandbox.org import Credentials, Org
from bridge.sandbox.registry import Registry
from tests.docs.pages import ROOT, Command, Fence
from tests.support import java
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import create_topic
from tests.support.kafka_config import MORTAL, PLAIN
from tests.support.ports import free_ports

#: Commands that go on until they are stopped, and what they have said when they are up.
FOLLOW: Final = (
    (re.compile(r"sfbridge run (?!.*--(max-events|until-idle))"), re.compile(r"is RUNNING")),
    (re.compile(r"sfbridge worker (?!--hash)"), re.compile(r"answers at")),
    (re.compile(r"sfbridge sandbox\b"), re.compile(r"sandbox is up")),
    (re.compile(r"sfbridge try (?!.*--max-events)|sfbridge try$|make try$"), re.compile(r"Ctrl-C ends it")),
    (re.compile(r"sfbridge consume (?!.*--(max-events|until-idle))"), re.compile(r"\n")),
)
#: Commands that look at something that may take a moment to come: a reader looks again.
LOOK: Final = re.compile(r"sfbridge (connectors|deadletters) (list|status) |sfbridge connectors list$")
_SETTINGS: Final = re.compile(r"^(?:[A-Z_]+=\S+ )+")
_AGAIN: Final = 30.0  # seconds for which it is looked
_LONGEST: Final = 60.0  # seconds for one command
_BEFORE: Final = 120_572_739
"""The replay id before the org's first event: the second is the one that pages name."""
CONSUMER_KEY: Final = "3MVG9"


@define
class Follower:
    """A command that goes on beside the others."""

    command: Command
    process: subprocess.Popen[bytes]
    output: Path

    def wait(self, said: re.Pattern[str]) -> str | None:
        """Until it is up and has printed what it is said to print first; what is wrong where that does not come."""
        until = time.monotonic() + _LONGEST
        while True:
            over = self.process.poll() is not None or time.monotonic() > until
            text = self.text
            missing = None if said.search(text) else f"it is not up; printed is:\n{text}"
            missing = missing or self.command.explain(text, begins=True)
            if missing is None or over:
                return missing
            time.sleep(0.02)

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text("utf-8", "replace")

    def end(self) -> str | None:
        """Ctrl-C, as a person ends it; what is wrong with how it ended."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            code = self.process.wait(_LONGEST)
        finally:
            self.kill()
        made = self.command.text.startswith("make ")  # which ends as interrupted itself, whatever it runs
        return (
            None if code == 0 or made else f"it ended with {code} when it was stopped:\n{self.text[-3000:]}"
        )

    def kill(self) -> None:
        """Whatever is left of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@define
class Stage:
    """A folder, an environment, and what stands in for what."""

    directory: Path
    environment: dict[str, str]
    instead: tuple[tuple[str, str], ...]
    """Texts of pages, and what is there instead, in commands and files."""
    followers: list[Follower] = field(factory=list)

    def write(self, fence: Fence) -> None:
        """A fence that is a file."""
        path = self.directory / fence.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._here(fence.text))

    def run(self, command: Command) -> str | None:
        """What is wrong with a command, None where it does what the page says."""
        text = self._here(command.text)
        if text.startswith("export "):
            name, _, value = text.removeprefix("export ").partition("=")
            self.environment[name] = value
            return None
        program = _SETTINGS.sub("", text)
        said = next((up for begin, up in FOLLOW if begin.match(program)), None)
        if said is not None:
            return self._follow(command, text.removesuffix("&"), said)
        until = time.monotonic() + (_AGAIN if LOOK.match(text) else 0)
        while (why := self._once(command, text)) is not None and time.monotonic() < until:
            time.sleep(0.2)
        return why

    def _once(self, command: Command, text: str) -> str | None:
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=self._place(text),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_LONGEST,
            check=False,
        )
        printed = done.stdout.decode("utf-8", "replace")
        if done.returncode:
            return f"it ended with {done.returncode}:\n{printed[-3000:]}"
        return command.explain(printed)

    def _follow(self, command: Command, text: str, said: re.Pattern[str]) -> str | None:
        output = self.directory / f".printed-{command.line}"
        with output.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", f"exec env {text}"],
                cwd=self._place(text),
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        follower = Follower(command, process, output)
        self.followers.append(follower)
        return follower.wait(said)

    def end(self) -> list[str]:
        """Stop what goes on, the last begun first; what is wrong with how they ended."""
        wrong = [(one.command, one.end()) for one in reversed(self.followers)]
        self.followers.clear()
        return [f"line {command.line}, {command.text}: {why}" for command, why in wrong if why]

    def _place(self, text: str) -> Path:
        """Where a command is run: those of the project in its folder."""
        return ROOT if text.startswith("make ") else self.directory

    def _here(self, text: str) -> str:
        for page, here in self.instead:
            text = text.replace(page, here)
        return text


@define
class World:
    """What all pages share: a broker, an org, a registry, a Kafka Connect worker that tells a position."""

    broker: Broker
    org: Org
    registry: Registry
    connect: str


@contextmanager
def world(directory: Path) -> Iterator[World]:
    """All of it, up."""
    with ExitStack() as stack:
        broker = Broker(directory / "broker", PLAIN, extra=MORTAL).start()
        stack.callback(broker.kill)
        credentials = Credentials(username="integration@example.com", client_id=CONSUMER_KEY)
        org = stack.enter_context(
            Org(samples.EVENTS, directory=directory / "org", credentials=credentials, last_replay_id=_BEFORE)
        )
        org.define_channel("Sales__chn", [event.name for event in samples.EVENTS])
        second = org.publish_many(samples.ORDER_PLACED.name, 5, created=time.time() - 48 * 3600)[1]
        org.publish_many(samples.ORDER_PLACED.name, 15)
        org.publish_many(samples.SHIPMENT_UPDATED.name, 2)
        registry = stack.enter_context(Registry())
        connect = stack.enter_context(_connect(second))
        _connects_offsets(broker, second)
        yield World(broker, org, registry, connect)


@contextmanager
def staged(world: World, directory: Path) -> Iterator[Stage]:
    """A stage for one page, in a directory of its own."""
    brokers, base = world.broker.bootstrap, _row_of_ports(4)
    instead = (
        ("broker-1:9092,broker-2:9092", brokers),
        (" broker:9092 ", f" {brokers} "),
        *(
            (f"CONNECT_LISTENERS=http://127.0.0.1:{port}", f"CONNECT_LISTENERS={_address()}")
            for port in (8083, 8084)
        ),
        ("http://registry:8081", world.registry.url),
        ("http://connect:8083", world.connect),
        ("https://example.my.salesforce.com", world.org.url),
        ("sfbridge sandbox ", f"sfbridge sandbox --port-base {base} "),
        ("https://localhost:8443", f"https://localhost:{base}"),
        ("SF_CONSUMER_SECRET=…", f"SF_CONSUMER_SECRET={world.org.credentials.client_secret}"),
        ("3MVG9…", CONSUMER_KEY),
        ('"JWT_BEARER",', f'"JWT_BEARER",\n  "salesforce.instance": "{world.org.url}",'),
    )
    stage = Stage(directory, _environment(directory, world.org), instead)
    try:
        yield stage
    finally:
        for follower in stage.followers:
            follower.kill()


def _address() -> str:
    """Where a worker may listen."""
    return f"http://127.0.0.1:{free_ports(['rest'])['rest']}"


def _row_of_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    for _ in range(100):
        (first,) = free_ports(["base"]).values()
        with ExitStack() as stack, suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError(f"no {count} free ports in a row")


def _environment(directory: Path, org: Org) -> dict[str, str]:
    """A new user's, but for the ports: other tests run beside this one."""
    url = _address()
    kept = {name: value for name, value in os.environ.items() if name in ("LANG", "LC_ALL", "TMPDIR")}
    return {
        **kept,
        "PATH": f"{ROOT / '.venv' / 'bin'}:{_kafkas_tools(directory)}:{os.environ['PATH']}",
        "HOME": str(directory),
        "SSL_CERT_FILE": str(org.ca_file),
        "CONNECT_LISTENERS": url,
        "SFBRIDGE_URL": url,
    }


def _kafkas_tools(directory: Path) -> Path:
    """A folder with those of Kafka's own scripts that pages name, on the classes of the tests' broker."""
    folder = directory / ".kafka"
    folder.mkdir()
    for name, main in (("kafka-configs.sh", "kafka.admin.ConfigCommand"),):
        script = folder / name
        script.write_text(f"#!/bin/sh\nexec '{java.java()}' -cp '{java.class_path('kafka')}' {main} \"$@\"\n")
        script.chmod(0o755)
    return folder


@contextmanager
def _connect(replay_id: int) -> Iterator[str]:
    """A Kafka Connect worker that has a position to tell, as it tells it."""

    class Offsets(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"offsets": [{"partition": {}, "offset": {"replayId": replay_id}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Offsets)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _connects_offsets(broker: Broker, replay_id: int) -> None:
    """The offsets topic of a Kafka Connect cluster."""
    from confluent_kafka import Producer

    create_topic(broker, "connect-offsets")
    producer = Producer(broker.client())
    producer.produce("connect-offsets", b'{"replayId":%d}' % replay_id, b'["orders",{}]')
    assert producer.flush(20) == 0
