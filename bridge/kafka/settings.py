"""A worker's Kafka settings → the dictionaries that librdkafka's clients are made with.

From weak to strong: the bridge's own choice, the worker's settings for all clients (``security.*``,
``sasl.*``, ``ssl.*``), its ``producer.*``, ``consumer.*``, ``admin.*``, the connector's own
``producer.override.*``. What exactly-once and order rest on (idempotence, acknowledgements by all replicas,
the partitioner) cannot be overridden.
"""

from __future__ import annotations

import hashlib
import os
from typing import Final

from attrs import define, field

from bridge.config.config import Config, Loaded
from bridge.config.external import Origin
from bridge.config.reach import hosts
from bridge.errors import ConfigurationError, Fault, Stage
from bridge.kafka import credentials
from bridge.kafka.librdkafka import Setting, Settings
from bridge.kafka.security import Security
from bridge.kafka.translate import COMMON, Translated

#: An open transaction of a dead process holds readers back for so long.
TRANSACTION_TIMEOUT_MS: Final = 10_000
#: librdkafka wants records to give up before their transaction does.
MARGIN_MS: Final = 1_000
_AT_LEAST_ONCE_TIMEOUT_MS: Final = 300_000
#: What a record takes besides its value, a key and headers of usual size included.
RECORD_BYTES: Final = 256
#: Batches fill until their transaction ends, whose flush waits for nobody. Where a batch's time is over before that,
#: librdkafka polls without a pause until it is full.
_LINGER_MS: Final = 1_000
#: At least once the position is written after that flush, and nothing flushes it.
_LINGER_AT_LEAST_ONCE_MS: Final = 100
_OVERRIDE: Final = "producer.override."
_SECURITY: Final = ("security.", "sasl.", "ssl.")

_COMMON: Final[Settings] = {
    # A broker that comes back is found within two seconds instead of ten.
    "reconnect.backoff.ms": 50,
    "reconnect.backoff.max.ms": 2_000,
    "retry.backoff.ms": 50,
    "retry.backoff.max.ms": 1_000,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "socket.keepalive.enable": True,
    # Whatever is worth saying comes through error_cb.
    "log_level": 2,
}

_PRODUCER: Final[Settings] = {
    "compression.type": "none",
    "message.max.bytes": 1_048_576,
    "topic.metadata.propagation.max.ms": 5_000,
    "statistics.interval.ms": 0,
}

# Not to be overridden by any file.
_PRODUCER_MUST: Final[Settings] = {
    "enable.idempotence": True,
    "acks": "all",
    # Java's default partitioner: a key lands where a Java client would put it.
    "partitioner": "murmur2_random",
    # Nobody asks about records that arrived.
    "delivery.report.only.error": True,
}

_CONSUMER_MUST: Final[Settings] = {
    "isolation.level": "read_committed",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "earliest",
}


def exactly_once(loaded: Loaded) -> bool:
    """Whether records and position commit in one transaction: unless the configuration turns it off."""
    return str(loaded.worker.get("exactly.once.source.support", "enabled")).lower() == "enabled"


def transactional_id(loaded: Loaded) -> str:
    """``<group.id>-<connector>-0``, as Kafka Connect names it; the task is always 0."""
    return f"{loaded.worker['group.id']}-{loaded.connector.name}-0"


def producer_settings(
    loaded: Loaded, *, max_message_bytes: int | None = None, transaction_ms: int | None = None
) -> dict[str, Setting]:
    """For a producer of this connector; ``max_message_bytes`` is the largest batch it may send, ``transaction_ms``
    the time a transaction has where nobody set one.

    Raises ConfigurationError with every fault.
    """
    _check_reach(loaded)
    return _finish(_producer(loaded, max_message_bytes, transaction_ms))


def time_limit(loaded: Loaded) -> tuple[float, str, bool]:
    """Seconds in which records have to be acknowledged, the property that says so, and whether somebody set it."""
    settings = producer_settings(loaded)
    names = ["delivery.timeout.ms", *(["transaction.timeout.ms"] if exactly_once(loaded) else [])]
    given = {
        name: prefix + name
        for name in names
        for prefix, config in (("producer.", loaded.worker), (_OVERRIDE, loaded.connector))
        if prefix + name in config.raw()
    }
    key = next((given[name] for name in names if name in given), f"producer.{names[-1]}")
    return float(settings["message.timeout.ms"]) / 1000, key, bool(given)


def consumer_settings(loaded: Loaded) -> dict[str, Setting]:
    """For a reader of committed records; it brings its own ``group.id``. Raises ConfigurationError."""
    _check_reach(loaded)
    return _finish(_client("consumer", loaded.worker, loaded.connector))


def admin_settings(loaded: Loaded) -> dict[str, Setting]:
    """For an admin client. Raises ConfigurationError."""
    _check_reach(loaded)
    return _finish(_client("admin", loaded.worker, loaded.connector))


def _check_reach(loaded: Loaded) -> None:
    """librdkafka connects by itself: the brokers that a connector names are looked at before it does."""
    if not loaded.worker.raw().get("bootstrap.servers", "").strip():
        for host, port in hosts(str(loaded.connector.get("kafka.endpoint") or "")):
            loaded.connector.egress.check(host, port, Stage.PRODUCE)


def worker_settings(kind: str, worker: Config) -> dict[str, Setting]:
    """For a ``consumer`` or ``admin`` client without a connector. Raises ConfigurationError."""
    return _finish(_client(kind, worker, None))


def examine(loaded: Loaded) -> tuple[list[Fault], list[str]]:
    """Every fault in the Kafka settings of all clients, and what a person should be told; asks nobody."""
    drafts = {
        "producer": _producer(loaded, None),
        "consumer": _client("consumer", loaded.worker, loaded.connector),
        "admin": _client("admin", loaded.worker, loaded.connector),
    }
    faults = {(fault.key, fault.message): fault for draft in drafts.values() for fault in draft.faults}
    if not faults:
        contradictions = (_contradiction(kind, draft.settings) for kind, draft in drafts.items())
        faults = {(fault.key, fault.message): fault for fault in contradictions if fault is not None}
    notices = dict.fromkeys(notice for draft in drafts.values() for notice in draft.notices)
    if ignored := list(dict.fromkeys(key for draft in drafts.values() for key in draft.ignored)):
        notices[f"without effect on the bridge's Kafka clients: {', '.join(ignored)}"] = None
    return list(faults.values()), list(notices)


def _contradiction(kind: str, settings: Settings) -> Fault | None:
    """What librdkafka itself has against settings that are sound one by one.

    It is told neither brokers nor a login: with ``sasl.oauthbearer.*`` a client asks for a token as soon as it is
    made. So there is nobody whom it could call.
    """
    from confluent_kafka import Consumer, KafkaException, Producer

    alone = credentials.without_login(settings)
    judged = _digest(kind, alone)
    if judged in _sound:
        return None
    try:
        if kind == "consumer":
            Consumer({**alone, "group.id": "examine"}).close()
        elif "transaction.timeout.ms" in alone:
            Producer({**alone, "transactional.id": "examine"})
        else:
            Producer(alone)
    except KafkaException as error:
        said = str(error.args[0].str()).strip().removeprefix(f"Failed to create {kind}: ")
        return Fault(f"{kind}.*", f"these settings do not go together, says librdkafka: {said}")
    if len(_sound) >= _MOST_SOUND:
        _sound.clear()
    _sound.add(judged)
    return None


_sound: Final[set[bytes]] = set()
"""Settings that librdkafka took, by digest: connectors of a worker have the same ones, and a client costs threads."""
_MOST_SOUND: Final = 1000


def _digest(kind: str, settings: Settings) -> bytes:
    """Of all but the client's name; a file counts by when it was changed."""
    counted = [
        (key, repr(value), _changed(str(value)) if key.endswith(".location") else None)
        for key, value in sorted(settings.items())
        if key != "client.id"
    ]
    return hashlib.sha256(repr((kind, counted)).encode("utf-8", "surrogatepass")).digest()


def _changed(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except (OSError, ValueError):
        return None


@define
class _Draft:
    settings: dict[str, Setting]
    faults: list[Fault] = field(factory=list)
    notices: list[str] = field(factory=list)
    ignored: list[str] = field(factory=list)
    """Settings that Java has and that mean nothing here."""


def _finish(draft: _Draft) -> dict[str, Setting]:
    if draft.faults:
        raise ConfigurationError(draft.faults)
    return draft.settings


def _client(kind: str, worker: Config, connector: Config | None) -> _Draft:
    """What every kind of client has in common, and what the files say for this kind."""
    raw = dict(worker.raw())
    layers = [("", raw), (f"{kind}.", worker.prefixed(f"{kind}."))]
    if kind == "producer" and connector is not None:
        layers.append((_OVERRIDE, connector.prefixed(_OVERRIDE)))
    secured: dict[str, str] = {}
    called: dict[str, str] = {}  # where a security setting in effect stands
    translated = Translated()
    unowned: list[Fault] = []
    for prefix, given in layers:
        mine = {key: text for key, text in given.items() if key.startswith(_SECURITY)}
        if prefix == _OVERRIDE and connector is not None and connector.origin is Origin.REST and mine:
            unowned += credentials.faults(secured, mine, prefix)
            secured = credentials.without(secured)
        secured |= mine
        called |= {key: prefix + key for key in mine}
        rest = {key: text for key, text in given.items() if key not in mine}
        if not prefix:
            shared = COMMON.keys() - {"bootstrap.servers"}
            rest = {key: text for key, text in rest.items() if key in shared and text.strip()}
        translated.add(kind, rest, prefix)
    security = Security(secured, *_credentials(connector))
    if security.api_key == _PLACEHOLDER:
        security.named = "kafka.service.account.id is"
    settings = {"client.id": _client_id(kind, connector), **_COMMON, **security.read(), **translated.settings}
    faults = [Fault(called.get(one.key, one.key), one.message) for one in security.faults]
    draft = _Draft(settings, [*unowned, *faults, *translated.faults], security.notices, translated.ignored)
    for backoff in ("reconnect.backoff", "retry.backoff"):  # one of ours may meet one that was given
        settings[f"{backoff}.max.ms"] = max(settings[f"{backoff}.max.ms"], settings[f"{backoff}.ms"])
    settings["bootstrap.servers"] = _bootstrap(worker, connector, draft)
    if kind == "consumer":
        settings |= _CONSUMER_MUST
    return draft


def _producer(loaded: Loaded, max_message_bytes: int | None, transaction_ms: int | None = None) -> _Draft:
    draft = _client("producer", loaded.worker, loaded.connector)
    if transaction_ms is not None:
        draft.settings.setdefault("transaction.timeout.ms", transaction_ms)
    buffer = loaded.connector.get("bridge.buffer.max.bytes") or 8_388_608
    records = loaded.connector.get("bridge.commit.max.events") or 40_000
    own = {
        **_PRODUCER,
        # librdkafka's default is a gigabyte.
        "queue.buffering.max.kbytes": max(16_384, int(buffer) // 1024),
        "queue.buffering.max.messages": max(100_000, 2 * int(records)),
    }
    draft.settings = {**own, **draft.settings, **_PRODUCER_MUST}
    if max_message_bytes is not None:
        _limit_sizes(draft.settings, max_message_bytes)
    _timeouts(draft, exactly_once(loaded))
    longest = int(draft.settings["message.timeout.ms"])
    linger = _LINGER_MS if exactly_once(loaded) else _LINGER_AT_LEAST_ONCE_MS
    draft.settings.setdefault("linger.ms", min(linger, longest // 2))  # librdkafka wants it to be shorter
    return draft


def _limit_sizes(settings: dict[str, Setting], most: int) -> None:
    """No record and no batch larger than that: the broker's limit is one for batches."""
    settings["message.max.bytes"] = max(1_000, most + RECORD_BYTES)
    settings["batch.size"] = min(int(settings.get("batch.size", 1_000_000)), most)


def _timeouts(draft: _Draft, transactional: bool) -> None:
    """Records give up before their transaction, sockets too: librdkafka refuses anything else."""
    settings = draft.settings
    if not transactional:
        settings.setdefault("message.timeout.ms", _AT_LEAST_ONCE_TIMEOUT_MS)
        settings.pop("transaction.timeout.ms", None)
        return
    timeout = int(settings.setdefault("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS))
    most = max(timeout - MARGIN_MS, timeout // 2)
    asked = int(settings.get("message.timeout.ms", most))
    if asked > most:
        draft.notices.append(
            f"delivery.timeout.ms is {most} instead of {asked}: records give up before their transaction, "
            f"whose transaction.timeout.ms is {timeout}"
        )
    settings["message.timeout.ms"] = min(asked, most)
    if "socket.timeout.ms" in settings:
        settings["socket.timeout.ms"] = min(int(settings["socket.timeout.ms"]), most)


_PLACEHOLDER: Final = "made-at-the-start"
"""``service_account.with_keys`` puts real ones in its place when the connector starts."""


def is_placeholder(settings: Settings) -> bool:
    """Whether a client's login waits for a key that is still to be made."""
    return settings.get("sasl.username") == _PLACEHOLDER


def uses_api_key(loaded: Loaded) -> bool:
    """Whether any client of the connector's logs in with its API key, be it still to be made."""
    names = {_PLACEHOLDER, loaded.connector.get("kafka.api.key") or _PLACEHOLDER}
    clients = (_client(kind, loaded.worker, loaded.connector) for kind in ("admin", "consumer", "producer"))
    return any(client.settings.get("sasl.username") in names for client in clients)


def _credentials(connector: Config | None) -> tuple[str | None, str | None]:
    """API key and secret."""
    if connector is None:
        return None, None
    if connector.get("kafka.auth.mode") == "SERVICE_ACCOUNT" and not connector.get("kafka.api.key"):
        return _PLACEHOLDER, _PLACEHOLDER
    return connector.get("kafka.api.key"), connector.get("kafka.api.secret")


def _client_id(kind: str, connector: Config | None) -> str:
    """As Kafka Connect names its clients, so that quotas and logs of the brokers still fit."""
    return f"connector-{kind}-{connector.name}-0" if connector is not None else f"sfbridge-{kind}"


def _bootstrap(worker: Config, connector: Config | None, draft: _Draft) -> str:
    """``host:port,…``; an exported ``kafka.endpoint`` may begin with its security protocol."""
    endpoint = connector.get("kafka.endpoint") if connector is not None else None
    text = worker.raw().get("bootstrap.servers", "").strip() or str(endpoint or "").strip()
    if not text:
        more = ", and the connector has no kafka.endpoint" if connector is not None else ""
        draft.faults.append(Fault("bootstrap.servers", f"is not set in the worker file{more}"))
    servers = (one.strip().rpartition("://")[2] for one in text.split(","))
    return ",".join(one for one in servers if one)
