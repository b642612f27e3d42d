"""Kafka's settings by their Java names → librdkafka's.

One table for each kind of client. What stands for a name is a new name, a function that makes librdkafka
settings of the Java value, ``IGNORED`` (Java has it, it means nothing here) or ``Refused`` with the reason.
Names that librdkafka alone has (``debug``, ``log_level``) are passed through from ``NATIVE``.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Final

from attrs import define, field, frozen

from bridge.errors import Fault
from bridge.kafka.librdkafka import Setting


@frozen
class Refused:
    """A setting that cannot be taken, and why (the end of a sentence)."""

    why: str


class _Ignored:
    pass


IGNORED: Final = _Ignored()

Translation = str | Callable[[str], "dict[str, Setting] | _Ignored"] | Refused | _Ignored


def _number(text: str, least: int = 0) -> int:
    try:
        value = int(text)
    except ValueError:
        raise ValueError(f"must be a whole number, not {text!r}") from None
    if value < least:
        raise ValueError(f"must be at least {least}, not {value}")
    return value


def _kilobytes(name: str) -> Callable[[str], dict[str, Setting]]:
    return lambda text: {name: min(max(1, _number(text, 1) // 1024), 2**31 - 1)}


def _capped(name: str, most: int, least: int = 0) -> Callable[[str], dict[str, Setting]]:
    """Java takes the largest number for *never*; librdkafka's range is smaller."""
    return lambda text: {name: min(_number(text, least), most)}


def _buffer(name: str) -> Callable[[str], dict[str, Setting]]:
    """-1 is the system's default in Java, 0 in librdkafka."""
    return lambda text: {name: min(max(0, _number(text, -1)), 100_000_000)}


def _word(name: str, *words: str) -> Callable[[str], dict[str, Setting]]:
    def translate(text: str) -> dict[str, Setting]:
        if text.lower() not in words:
            raise ValueError(f"must be {' or '.join(words)}, not {text!r}")
        return {name: text.lower()}

    return translate


def _assignors(text: str) -> dict[str, Setting]:
    names = {
        "RangeAssignor": "range",
        "RoundRobinAssignor": "roundrobin",
        "CooperativeStickyAssignor": "cooperative-sticky",
    }
    given = [one.strip().rpartition(".")[2] for one in text.split(",")]
    unknown = [one for one in given if one not in names and one not in names.values()]
    if unknown:
        raise ValueError(f"names {unknown[0]}, which librdkafka does not have; use {', '.join(names)}")
    return {"partition.assignment.strategy": ",".join(names.get(one, one) for one in given)}


def _must_be_all(text: str) -> dict[str, Setting]:
    if text.lower() not in ("all", "-1"):
        raise ValueError("must be all: with less, events could be lost")
    return {"acks": "all"}


def _must_be_true(text: str) -> dict[str, Setting]:
    if text.lower() != "true":
        raise ValueError("must be true: without it, retries double and reorder events")
    return {"enable.idempotence": True}


def _interceptors(text: str) -> _Ignored:
    """Confluent's monitoring interceptors only observe; another may change records, so it is not passed over."""
    given = [one.strip() for one in text.split(",") if one.strip()]
    if others := [one for one in given if not one.startswith(_MONITORING)]:
        raise ValueError(f"cannot be set to {others[0]}: {_JAVA_CLASS}")
    return IGNORED


def _as_it_is(word: str, why: str) -> Callable[[str], _Ignored]:
    """A setting that says what is so anyway; any other value is refused."""

    def check(text: str) -> _Ignored:
        if text.lower() != word:
            raise ValueError(f"cannot be set to {text!r}: {why}")
        return IGNORED

    return check


def _ignored(*names: str) -> dict[str, Translation]:
    return dict.fromkeys(names, IGNORED)


def _refused(why: str, *names: str) -> dict[str, Translation]:
    return dict.fromkeys(names, Refused(why))


_MONITORING: Final = "io.confluent.monitoring.clients.interceptor."
_MONITORING_SETTINGS: Final = "confluent.monitoring.interceptor."
_OURS: Final = "the bridge decides it for each of its readers"
_BYTES: Final = Refused("the bridge itself writes bytes; the format is set by output.data.format")
_JAVA_CLASS: Final = "it names a Java class, and the bridge runs none"
_INT: Final = 2**31 - 1

COMMON: Final[Mapping[str, Translation]] = {
    "client.id": "client.id",
    "client.dns.lookup": _word(
        "client.dns.lookup", "use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"
    ),
    "metadata.recovery.strategy": _word("metadata.recovery.strategy", "none", "rebootstrap"),
    "metadata.recovery.rebootstrap.trigger.ms": _capped("metadata.recovery.rebootstrap.trigger.ms", _INT),
    "enable.metrics.push": _word("enable.metrics.push", "true", "false"),
    "bootstrap.servers": Refused("all clients of a worker use its own bootstrap.servers"),
    "reconnect.backoff.ms": _capped("reconnect.backoff.ms", 3_600_000),
    "reconnect.backoff.max.ms": _capped("reconnect.backoff.max.ms", 3_600_000),
    "retry.backoff.ms": _capped("retry.backoff.ms", 300_000, 1),
    "retry.backoff.max.ms": _capped("retry.backoff.max.ms", 300_000, 1),
    "metadata.max.age.ms": lambda text: {
        "topic.metadata.refresh.interval.ms": min(_number(text, 1), 3_600_000),
        "metadata.max.age.ms": min(_number(text, 1), 86_400_000),
    },
    "request.timeout.ms": _capped("socket.timeout.ms", 300_000, 10),
    "connections.max.idle.ms": _capped("connections.max.idle.ms", _INT),
    "socket.connection.setup.timeout.ms": _capped("socket.connection.setup.timeout.ms", _INT, 1000),
    "receive.buffer.bytes": _buffer("socket.receive.buffer.bytes"),
    "send.buffer.bytes": _buffer("socket.send.buffer.bytes"),
    **_ignored(
        "socket.connection.setup.timeout.max.ms",
        "default.api.timeout.ms",
        "metric.reporters",
        "metrics.num.samples",
        "metrics.recording.level",
        "metrics.sample.window.ms",
        "auto.include.jmx.reporter",
    ),
    "interceptor.classes": _interceptors,
    **_refused(_JAVA_CLASS, "security.providers"),
}

PRODUCER: Final[Mapping[str, Translation]] = {
    **COMMON,
    "max.in.flight.requests.per.connection": _capped("max.in.flight.requests.per.connection", 5, 1),
    "acks": _must_be_all,
    "enable.idempotence": _must_be_true,
    "compression.type": _word("compression.type", "none", "gzip", "snappy", "lz4", "zstd"),
    "compression.gzip.level": "compression.level",
    "compression.lz4.level": "compression.level",
    "compression.zstd.level": "compression.level",
    "linger.ms": _capped("linger.ms", 900_000),
    "batch.size": _capped("batch.size", _INT, 1),
    "max.request.size": _capped("message.max.bytes", 1_000_000_000, 1000),
    "buffer.memory": _kilobytes("queue.buffering.max.kbytes"),
    "delivery.timeout.ms": _capped("message.timeout.ms", _INT, 1),
    "request.timeout.ms": lambda text: {
        "request.timeout.ms": min(_number(text, 1), 900_000),
        "socket.timeout.ms": min(_number(text, 10), 300_000),
    },
    "retries": _capped("retries", _INT, 1),
    "transaction.timeout.ms": _capped("transaction.timeout.ms", _INT, 1000),
    **_ignored("max.block.ms", "partitioner.ignore.keys", "partitioner.availability.timeout.ms"),
    **_ignored("partitioner.adaptive.partitioning.enable", "transaction.two.phase.commit.enable"),
    **_refused(_BYTES.why, "key.serializer", "value.serializer"),
    "partitioner.class": Refused("records are spread as Java's default partitioner does, and not otherwise"),
    "transactional.id": Refused("it is made from group.id and the connector's name"),
}

CONSUMER: Final[Mapping[str, Translation]] = {
    **COMMON,
    "client.rack": "client.rack",
    "group.remote.assignor": "group.remote.assignor",
    "check.crcs": _word("check.crcs", "true", "false"),
    "allow.auto.create.topics": _word("allow.auto.create.topics", "true", "false"),
    "fetch.min.bytes": _capped("fetch.min.bytes", 100_000_000, 1),
    "session.timeout.ms": _capped("session.timeout.ms", 3_600_000, 1),
    "heartbeat.interval.ms": _capped("heartbeat.interval.ms", 3_600_000, 1),
    "max.poll.interval.ms": _capped("max.poll.interval.ms", 86_400_000, 1),
    "fetch.max.wait.ms": _capped("fetch.wait.max.ms", 300_000),
    "fetch.max.bytes": _capped("fetch.max.bytes", _INT - 512),
    "max.partition.fetch.bytes": _capped("max.partition.fetch.bytes", 1_000_000_000, 1),
    "partition.assignment.strategy": _assignors,
    "group.protocol": _word("group.protocol", "classic", "consumer"),
    **_ignored("max.poll.records", "exclude.internal.topics", "auto.commit.interval.ms"),
    **_refused("the bridge itself reads bytes", "key.deserializer", "value.deserializer"),
    **_refused(_OURS, "group.id", "group.instance.id"),
    "isolation.level": _as_it_is("read_committed", _OURS),
    "enable.auto.commit": _as_it_is("false", _OURS),
    "auto.offset.reset": _as_it_is("earliest", _OURS),
}

ADMIN: Final[Mapping[str, Translation]] = {**COMMON, **_ignored("retries", "bootstrap.controllers")}

TABLES: Final[Mapping[str, Mapping[str, Translation]]] = {
    "producer": PRODUCER,
    "consumer": CONSUMER,
    "admin": ADMIN,
}

#: What librdkafka alone has and is worth passing through.
NATIVE: Final = frozenset(
    {
        "debug",
        "log_level",
        "statistics.interval.ms",
        "broker.address.family",
        "broker.address.ttl",
        "socket.keepalive.enable",
        "socket.nagle.disable",
        "socket.timeout.ms",
        "topic.metadata.refresh.interval.ms",
        "topic.metadata.refresh.fast.interval.ms",
        "topic.metadata.refresh.sparse",
        "topic.metadata.propagation.max.ms",
        "queue.buffering.max.messages",
        "queue.buffering.max.kbytes",
        "queue.buffering.max.ms",
        "batch.num.messages",
        "compression.level",
        "message.max.bytes",
        "message.timeout.ms",
        "sticky.partitioning.linger.ms",
        "queued.min.messages",
        "queued.max.messages.kbytes",
        "fetch.message.max.bytes",
        "fetch.error.backoff.ms",
        "fetch.queue.backoff.ms",
        "receive.message.max.bytes",
    }
)


@define
class Translated:
    """librdkafka settings, the faults met while making them, and what had no effect."""

    settings: dict[str, Setting] = field(factory=dict)
    faults: list[Fault] = field(factory=list)
    ignored: list[str] = field(factory=list)

    def add(self, kind: str, given: Mapping[str, str], prefix: str = "") -> None:
        """Translate Java settings of a kind of client; ``prefix`` is what stood before their names."""
        table = TABLES[kind]
        for key, text in given.items():
            if key in table:
                self._apply(prefix + key, table[key], text.strip())
            elif key in NATIVE:
                self.settings[key] = text.strip()
            elif key.startswith(_MONITORING_SETTINGS):
                self.ignored.append(prefix + key)
            else:
                self.faults.append(Fault(prefix + key, _unknown(kind, key)))

    def _apply(self, key: str, translation: Translation, text: str) -> None:
        match translation:
            case Refused(why):
                self.faults.append(Fault(key, f"cannot be set: {why}"))
            case str(name):
                self.settings[name] = text
            case _Ignored():
                self.ignored.append(key)
            case translate:
                try:
                    settings = translate(text)
                    if isinstance(settings, _Ignored):
                        self.ignored.append(key)
                    else:
                        self.settings |= settings
                except ValueError as error:
                    self.faults.append(Fault(key, str(error), text))


def _unknown(kind: str, key: str) -> str:
    near = difflib.get_close_matches(key, [*TABLES[kind], *NATIVE], n=1)
    return f"is no setting of Kafka's {kind}" + (f"; did you mean {near[0]}?" if near else "; take it out")
