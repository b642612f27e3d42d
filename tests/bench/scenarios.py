"""What ``make bench`` measures: each function runs one group and returns its rows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, evolve, field

from tests.bench import end_to_end, measure
from tests.bench.end_to_end import Variant
from tests.bench.harness import Origin, PeerFailed, Topic, cost, origin, peer, settle
from tests.bench.measure import Cost, median, noise
from tests.bench.table import Row
from tests.support.encryption import SECRET, contract
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read

_WARM = 10_000
JSON = Variant("bridge, JSON")
AVRO = Variant("bridge, Avro", form="AVRO")
ENCRYPTED = Variant("bridge, Avro, 3 encrypted fields", form="AVRO", encrypted=True)
_TAGGED = ", ".join(
    f"{name}: {{tags: [PII]}}" for name in ("Customer_Name__c", "Customer_Email__c", "Customer_Phone__c")
)
# Promised multiples of the floor.
_PROMISED = {JSON.name: 1.8, AVRO.name: 2.6, ENCRYPTED.name: 3.6}


@define
class Bench:
    """What the groups share: a folder, a broker, a registry, how much and how often."""

    folder: Path
    events: int
    repeat: int
    many: int
    _broker: Broker | None = None
    _registry: tuple[subprocess.Popen[str], str] | None = None
    _floors: list[Cost] = field(factory=list)

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

    def module(self, name: str, *arguments: str, events: int | None = None) -> Cost:
        """The cost of ``python -m tests.bench.<name> URL CA BOOTSTRAP TOPIC <arguments>``."""
        with self._setting(events or self.events) as (source, topic):
            command = [sys.executable, "-m", f"tests.bench.{name}"]
            command += [source.url, source.ca_file, topic.broker.bootstrap, topic.name, *arguments]
            return self._cost(command, source, topic, events or self.events)

    def bridge(self, variant: Variant) -> Cost:
        """The cost of ``sfbridge run``."""
        with self._setting(self.events) as (source, topic):
            found = self._cost(self.command(variant, source, topic), source, topic, self.events)
            if variant.encrypted and b"@example.com" in (read(self.broker, topic.name, 1)[0].value() or b""):
                raise SystemExit(f"{variant.name}: nothing is encrypted")
            return found

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

    def floor(self) -> Cost:
        """The floor loop, now."""
        self._floors.append(self.module("floor"))
        return self._floors[-1]

    @property
    def floors(self) -> list[Cost]:
        """Every floor measured so far."""
        return self._floors

    @contextmanager
    def _setting(self, events: int) -> Iterator[tuple[Origin, Topic]]:
        with origin(events=events, warm=_WARM) as source, Topic.fresh(self.broker) as topic:
            yield source, topic

    def _cost(self, command: list[str], source: Origin, topic: Topic, events: int) -> Cost:
        with peer(command, self.folder, {"SSL_CERT_FILE": source.ca_file}) as process:
            try:
                return cost(process, source, topic, events=events, warm=_WARM)
            except PeerFailed as failure:
                said = (self.folder / "peer.log").read_text(errors="replace")[-2000:]
                raise SystemExit(f"{' '.join(command[:4])}: {failure}\n{said}") from failure


def cpu(bench: Bench) -> list[Row]:
    """CPU per event as a multiple of the floor measured right before."""
    rows = []
    for variant in (JSON, AVRO, ENCRYPTED):
        floors, costs = [], []
        for _ in range(bench.repeat):
            floors.append(bench.floor())
            costs.append(bench.bridge(variant))
        rows.append(_row(variant.name, costs, floors, _PROMISED[variant.name]))
    for form in ("json", "avro"):
        costs = [bench.module("plain_bridge", form, events=bench.events // 5) for _ in range(bench.repeat)]
        rows.append(_row(f"plain Python bridge, {form.upper()}", costs, bench.floors))
    return [_row("floor", bench.floors, bench.floors), *rows]


def _row(name: str, costs: list[Cost], floors: list[Cost], promised: float | None = None) -> Row:
    paired = len(costs) == len(floors)
    middle = median([each.micros for each in floors])
    pairs = zip(costs, floors, strict=paired)
    ratios = [c.micros / (f.micros if paired else middle) for c, f in pairs]
    ratio = median(ratios)
    return Row(
        name,
        rate=median([each.rate for each in costs]),
        micros=median([each.micros for each in costs]),
        ratio=ratio,
        peak_mb=max(each.peak_mb for each in costs),
        promise=f"≤ {promised} × floor" if promised else "",
        ok=ratio <= promised if promised else None,
        noise=noise([each.micros for each in costs]),
    )


def exactly_once(bench: Bench) -> list[Row]:
    """Throughput with and without, in turns."""
    without = Variant("at least once", exactly_once=False)
    pairs = [(bench.bridge(JSON), bench.bridge(without)) for _ in range(bench.repeat)]
    lost = [(1 - with_.rate / least.rate) * 100 for with_, least in pairs]
    text = f"{median(lost):.1f} % of throughput"
    rate = median([with_.rate for with_, _ in pairs])
    ok = median(lost) <= 10
    return [
        Row("exactly-once costs", rate=rate, value=text, promise="≤ 10 %", ok=ok, noise=max(lost) - min(lost))
    ]


def latency(bench: Bench) -> list[Row]:
    """One event every 10 ms."""
    count, warm = 2_000, 400
    with origin(events=count + warm, warm=warm, rate=100) as source, Topic.fresh(bench.broker) as topic:
        command = bench.command(JSON, source, topic)
        with peer(command, bench.folder) as process:
            found = end_to_end.latency(process, source, topic, warm=warm, events_=count)
    rows = []
    for name, value, promised in (("p50", found.p50, 15), ("p99", found.p99, 50)):
        text, ok = f"{value:.1f} ms", value <= promised
        rows.append(Row(f"latency at 100/s, {name}", value=text, promise=f"≤ {promised} ms", ok=ok))
    return rows


def memory(bench: Bench) -> list[Row]:
    """Resident size over many events: the peak, and whether it grows between the first quarter and the end."""
    seen: list[tuple[int, float]] = []
    with (
        origin(events=bench.many, warm=_WARM) as source,
        Topic.fresh(bench.broker) as topic,
        peer(bench.command(JSON, source, topic), bench.folder) as process,
    ):
        found = cost(
            process,
            source,
            topic,
            events=bench.many,
            warm=_WARM,
            timeout=3600,
            look=lambda: seen.append((topic.end(), measure.resident_mb(process.pid))),
        )
    early = [mb for at, mb in seen if bench.many * 0.2 < at < bench.many * 0.4]
    late = [mb for at, mb in seen if at > bench.many * 0.8]
    growth = median(late) - median(early)
    millions = f"{bench.many / 1e6:g} million events"
    peak, flat = f"{found.peak_mb:.0f} MB", f"{growth:+.1f} MB"
    return [
        Row("memory, peak", value=peak, promise="≤ 120 MB", ok=found.peak_mb <= 120, peak_mb=found.peak_mb),
        Row(f"memory, growth over {millions}", value=flat, promise="flat (≤ 5 MB)", ok=growth <= 5),
    ]


def large_reply(bench: Bench) -> list[Row]:
    """One reply of 100 MB: peak ≤ before + the buffer that is configured + 1.5 × the reply."""
    buffer_mb, messages = 32, 100 * 2**20 // 637
    events = messages + 400
    with (
        origin(events=events, warm=400, reply=messages) as source,
        Topic.fresh(bench.broker) as topic,
        peer(bench.command(JSON, source, topic), bench.folder) as process,
    ):
        settle(process, topic, 400, 60)
        before = measure.resident_mb(process.pid)
        source.post("/bench/go")
        settle(process, topic, events, 300)
        peak = measure.peak_mb(process.pid)
    limit = before + buffer_mb + 150
    text = f"{peak:.0f} MB (before {before:.0f})"
    return [
        Row(
            "memory, a reply of 100 MB",
            value=text,
            promise=f"≤ {limit:.0f} MB",
            ok=peak <= limit,
            peak_mb=peak,
        )
    ]


def help_time(bench: Bench) -> list[Row]:
    """Wall time of ``sfbridge --help``, files in the cache; the best of several runs is what it costs."""
    command = [str(Path(sys.executable).parent / "sfbridge"), "--help"]
    taken = []
    for _ in range(10):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        taken.append((time.perf_counter() - started) * 1000)
    text = f"{median(taken):.0f} ms"
    return [
        Row("sfbridge --help", value=text, promise="≤ 150 ms", ok=median(taken) <= 150, noise=noise(taken))
    ]
