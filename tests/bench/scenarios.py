"""What ``make bench`` measures beside CPU and latency: each function runs one group and returns its rows."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.bench import measure
from tests.bench.contest import AVRO, JSON
from tests.bench.end_to_end import Variant
from tests.bench.events import KINDS, USUAL
from tests.bench.harness import PeerFailed, committed, peer
from tests.bench.measure import median, noise
from tests.bench.setting import Bench
from tests.bench.table import Row

_SUSTAINED = 5  # times the events of a turn: a stream that goes on, and not its end


def exactly_once(bench: Bench) -> list[Row]:
    """Throughput with and without, in turns of some seconds; no other process is up. Each goes first as often as the
    other: what ran before costs the one that follows some percent."""
    without, turn = Variant("at least once", exactly_once=False), _SUSTAINED * bench.events
    pairs = []
    with bench.bridge(JSON) as exactly, bench.bridge(without) as least:
        for order in ((exactly, least), (least, exactly)) * bench.repeat:
            rates = {lane.name: lane.carry(turn).rate for lane in order}
            pairs.append((rates[exactly.name], rates[least.name]))
    lost = [(1 - with_ / least_) * 100 for with_, least_ in pairs]
    text, rate = f"{median(lost):.1f} % of throughput", median([with_ for with_, _ in pairs])
    spread = noise([100 - each for each in lost])
    return [
        Row("exactly-once costs", rate=rate, value=text, promise="≤ 5 %", ok=median(lost) <= 5, noise=spread)
    ]


def memory(bench: Bench) -> list[Row]:
    """Resident size over many events: the peak, and whether it grows between the second fifth and the last."""
    seen: list[tuple[int, float]] = []
    with bench.bridge(JSON) as lane:
        cost = lane.carry(
            bench.many,
            timeout=3600,
            look=lambda: seen.append((lane.topic.end(), measure.resident_mb(lane.process.pid))),
        )
    early = [mb for at, mb in seen if bench.many * 0.2 < at < bench.many * 0.4]
    late = [mb for at, mb in seen if at > bench.many * 0.8]
    growth = median(late) - median(early)
    millions = f"{bench.many / 1e6:g} million events"
    peak, flat = f"{cost.peak_mb:.0f} MB", f"{growth:+.1f} MB"
    return [
        Row("memory, peak", value=peak, promise="≤ 120 MB", ok=cost.peak_mb <= 120, peak_mb=cost.peak_mb),
        Row(f"memory, growth over {millions}", value=flat, promise="flat (≤ 5 MB)", ok=growth <= 5),
    ]


def large_reply(bench: Bench) -> list[Row]:
    """One reply of nearly 100 MB, which is what ``connection.max.message.size`` allows: peak ≤ before + the buffer that
    is configured + 1.5 × the reply."""
    buffer_mb, messages = 32, 98 * 2**20 // KINDS[USUAL].bytes
    with bench.bridge(JSON, warm=400, reply=messages) as lane:
        before = measure.resident_mb(lane.process.pid)
        peak = lane.carry(messages).peak_mb
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


def start(bench: Bench) -> list[Row]:
    """From the command line to the first committed record: login, fencing, describe, registration, encoder."""
    walls, cpus = [], []
    for _ in range(5):
        log = bench.folder / "start.log"
        with bench.cold(AVRO) as (command, source, topic), committed(topic) as consumer:
            began = time.monotonic()
            with peer(command, log, {"SSL_CERT_FILE": source.ca_file}) as process:
                while consumer.poll(0.01) is None:
                    if process.poll() is not None or time.monotonic() - began > 60:
                        raise PeerFailed(f"no record came\n{log.read_text(errors='replace')[-2000:]}")
                walls.append(time.monotonic() - began)
                cpus.append(measure.cpu_seconds(process.pid))
    text = f"{median(walls):.2f} s ({median(cpus):.2f} s of CPU)"
    ok = median(walls) <= 1.2
    return [
        Row("start to the first committed event", value=text, promise="≤ 1.2 s", ok=ok, noise=noise(walls))
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
    return [Row("sfbridge --help", value=text, promise="≤ 80 ms", ok=median(taken) <= 80, noise=noise(taken))]
