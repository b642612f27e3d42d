"""What the groups of ``make bench`` share: a broker, a registry, lanes of measured processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from attrs import define, evolve, field

from tests.bench import end_to_end
from tests.bench.end_to_end import Variant
from tests.bench.events import USUAL
from tests.bench.foreign import MAIL
from tests.bench.harness import Lane, Origin, PeerFailed, Topic, origin, peer
from tests.support.encryption import SECRET, contract
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read

WARM: Final = 10_000
_TAGGED: Final = ", ".join(
    f"{name}: {{tags: [PII]}}" for name in ("Customer_Name__c", "Customer_Email__c", "Customer_Phone__c")
)


@define
class Bench:
    """A folder, a broker, a registry, how much and how often. With two cores or more the measured processes have the
    first one for themselves, and all else shares the others."""

    folder: Path
    events: int
    repeat: int
    many: int
    core: int | None = None
    _broker: Broker | None = None
    _registry: tuple[subprocess.Popen[str], str] | None = None
    _lanes: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            self.core = cores[0]
            os.sched_setaffinity(0, set(cores[1:]))

    @property
    def broker(self) -> Broker:
        """A broker of its own, started when first needed."""
        if self._broker is None:
            self._broker = Broker(self.folder / "broker", heap="1g").start()
        return self._broker

    @property
    def registry(self) -> str:
        """The address of a schema registry with keys, in a process of its own."""
        if self._registry is None:
            command = [sys.executable, "-m", "bridge", "sandbox", "--only", "registry", "-o", "json"]
            command += ["--port-base", "0", "--dir", str(self.folder)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            assert process.stdout
            self._registry = process, json.loads(process.stdout.readline())["registry"]
        return self._registry[1]

    def close(self) -> None:
        """End what was started."""
        if self._broker is not None:
            self._broker.kill()
        if self._registry is not None:
            self._registry[0].kill()
            self._registry[0].wait()

    @contextmanager
    def module(
        self,
        name: str,
        *arguments: str,
        kind: str = USUAL,
        server: str = "server",
        reply: int = 400,
        warm: int = WARM,
        rate: float = 0,
    ) -> Iterator[Lane]:
        """``python -m tests.bench.<name> URL CA BOOTSTRAP TOPIC <arguments>``, warm."""
        with self._source(kind, warm=warm, reply=reply, rate=rate, server=server) as (source, topic):
            command = [sys.executable, "-m", f"tests.bench.{name}"]
            command += [
                source.pubsub or source.url,
                source.ca_file,
                topic.broker.bootstrap,
                topic.name,
                *arguments,
            ]
            with self._lane(" ".join((name, *arguments)), command, source, topic, warm) as lane:
                yield lane

    @contextmanager
    def bridge(
        self,
        variant: Variant,
        *,
        kind: str = USUAL,
        warm: int = WARM,
        reply: int = 400,
        rate: float = 0,
        server: str = "server",
        more: Sequence[str] = (),
    ) -> Iterator[Lane]:
        """``sfbridge run``, warm; ``more`` of its arguments."""
        with self._source(kind, warm=warm, reply=reply, rate=rate, server=server) as (source, topic):
            command = [*self.command(variant, source, topic), *more]
            with self._lane(variant.name, command, source, topic, warm) as lane:
                if variant.encrypted and _plain(self.broker, topic.name):
                    raise SystemExit(f"{variant.name}: nothing is encrypted")
                yield lane

    @contextmanager
    def two(self, first: Variant, second: Variant, *, warm: int, rate: float) -> Iterator[tuple[Lane, Lane]]:
        """Two connectors of one ``sfbridge run``, warm; the first one's events are live, ``rate`` a second."""
        with self._source(USUAL, warm=warm, rate=rate) as live, self._source(USUAL, warm=warm) as more:
            command, other = self.command(first, *live), self.command(second, *more)
            at = command.index("--worker")
            both = [*command[:at], other[at - 1], *command[at:]]
            with self._lane(first.name, both, *live, warm) as lane:
                beside = Lane(second.name, lane.process, *more, lane.log)
                beside.settle(warm)
                yield lane, beside

    @contextmanager
    def cold(self, variant: Variant) -> Iterator[tuple[list[str], Origin, Topic]]:
        """What starts ``sfbridge run``, and where its first events come from and get to."""
        with self._source(USUAL) as (source, topic):
            yield self.command(variant, source, topic), source, topic

    def command(self, variant: Variant, source: Origin, topic: Topic) -> list[str]:
        """The variant's command line; it gets the registry if its format needs one, keys if it encrypts."""
        registry = None if variant.form == "JSON" else self.registry
        if variant.encrypted:
            more = {
                "csfle.enabled": "true",
                "bridge.schema.contract": str(contract(self.folder, _TAGGED)),
                "rule.executors._default_.param.secret": SECRET,
            }
            variant = evolve(variant, properties=(*variant.properties, *more.items()))
        return end_to_end.command(variant, source, topic, self.folder, registry)

    @contextmanager
    def _source(
        self, kind: str, *, warm: int = WARM, reply: int = 400, rate: float = 0, server: str = "server"
    ) -> Iterator[tuple[Origin, Topic]]:
        with (
            origin(server, kind=kind, warm=warm, reply=reply, rate=rate) as source,
            Topic.fresh(self.broker) as topic,
        ):
            yield source, topic

    @contextmanager
    def _lane(
        self, name: str, command: list[str], source: Origin, topic: Topic, warm: int = WARM
    ) -> Iterator[Lane]:
        self._lanes += 1
        log = self.folder / f"peer-{self._lanes}.log"
        with peer(command, log, {"SSL_CERT_FILE": source.ca_file}, core=self.core) as process:
            lane = Lane(name, process, source, topic, log)
            try:
                lane.settle(warm)
                yield lane
            except PeerFailed as failure:
                raise SystemExit(str(failure)) from failure


def _plain(broker: Broker, topic: str) -> bool:
    """Whether the first records hold an address as it was sent: then nothing is sealed."""
    return any(MAIL.encode() in (message.value() or b"") for message in read(broker, topic, 50))
