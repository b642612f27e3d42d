"""What a connector did lately, within a fixed bound."""

import sys

from bridge.history import STEP, History, Ring, Sampler
from bridge.metrics import Metrics, Stats


def test_a_ring_keeps_the_newest() -> None:
    ring = Ring(3)
    assert ring.last(5) == []
    for number in range(5):
        ring.add(float(number), (float(number), 0.0, 0.0, 0.0))
    assert [at for at, _ in ring.last(5)] == [2.0, 3.0, 4.0]
    assert [sample[0] for _, sample in ring.last(2)] == [3.0, 4.0]


def test_it_stays_within_its_bound() -> None:
    metrics = Metrics()
    stats = metrics.register(Stats("a"))
    sampler = Sampler(metrics)
    for number in range(6 * 720 + 500):
        stats.events_delivered += 1
        sampler.tick({"a"}, number * STEP)
    history = sampler.of("a")
    assert history is not None
    assert (len(history.short.last(10**6)), len(history.long.last(10**6))) == (180, 360)
    size = sum(
        sys.getsizeof(part) for ring in (history.short, history.long) for part in (ring.at, *ring.values)
    )
    assert size < 16_000


def test_another_start_is_marked_and_counts_from_nothing() -> None:
    history = History(0.0)
    first = Stats("a", events_delivered=1000, transactions=5)
    history.look(first, 5.0)
    first.events_delivered = 1010
    history.look(first, 10.0)
    second = Stats("a")
    history.look(second, 15.0)
    second.events_delivered = 20
    history.look(second, 20.0)
    assert list(history.starts) == [5.0, 15.0]
    assert [sample[0] for _, sample in history.short.last(10)][-1] == 4.0
    assert all(sample[0] >= 0 for _, sample in history.short.last(10))


def test_what_was_deleted_is_forgotten_and_what_is_stopped_is_not() -> None:
    metrics = Metrics()
    stopped, _ = [metrics.register(Stats(name)) for name in ("a", "b")]
    sampler = Sampler(metrics)
    sampler.tick({"a", "b"}, 0.0)
    metrics.remove(stopped)
    sampler.tick({"a"}, 5.0)
    assert sampler.of("a") is not None
    assert sampler.of("b") is None
