"""What must hold between properties: of a connector alone, and of a connector with its worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from bridge.config import checks, subscription
from bridge.config.classes import CDC_MANAGED, CDC_SELF_MANAGED, MANAGED, SELF_MANAGED, SELF_MANAGED_CLASSES
from bridge.config.config import Config
from bridge.config.declarations.formats import RAW, REGISTRY_TYPES
from bridge.config.examine import Examined
from bridge.config.judges import Judges, OfBoth, OfConnector
from bridge.config.registry import registry_properties
from bridge.config.service_accounts import (
    ACCOUNT,
    CLUSTER,
    MODE,
    READER,
    REGISTRY,
    lacking,
    no_key_for_reader,
    reader_unneeded,
)
from bridge.config.topics import TopicTemplate

_FILE, _PATH = "salesforce.jwt.keystore.file", "salesforce.jwt.keystore.path"
_RANGES: Final = {
    (MANAGED, "request.max.retries.time.ms"): (1000, 250_000),
    (SELF_MANAGED, "connection.timeout"): (5000, 600_000),
    (CDC_MANAGED, "request.max.retries.time.ms"): (1000, 2**63 - 1),
    (CDC_SELF_MANAGED, "connection.timeout"): (5000, 600_000),
}
_STATE_TOPICS: Final = ("offset.storage.topic", "config.storage.topic", "status.storage.topic")
OWN_TOPICS: Final = (*_STATE_TOPICS, "bridge.lifecycle.topic")
_LOGIN_HOSTS: Final = ("login.salesforce.com", "test.salesforce.com")
_REPLICATION, _PARTITIONS = "topic.creation.default.replication.factor", "topic.creation.default.partitions"
_DEAD_LETTERS: Final = "errors.deadletterqueue.topic.name"


def keystore(c: Examined) -> None:
    """JWT needs a keystore, from one place."""
    if c.has(_FILE) and c.has(_PATH):
        c.fault(_PATH, f"must not be given together with {_FILE}; keep one of them")
    elif (
        c.sound("salesforce.grant.type")
        and c.values["salesforce.grant.type"] == "JWT_BEARER"
        and not (c.has(_FILE) or c.has(_PATH))
    ):
        c.fault(_FILE, f"is required when salesforce.grant.type is JWT_BEARER (or {_PATH})")


def my_domain(c: Examined) -> None:
    """The client credentials flow is served by an org's own domain only."""
    keys = ("salesforce.grant.type", "salesforce.instance")
    if not c.sound(*keys) or c.values[keys[0]] != "CLIENT_CREDENTIALS":
        return
    if (urlsplit(c.values[keys[1]]).hostname or "").lower() in _LOGIN_HOSTS:
        c.fault(
            keys[1], "must be the org's My Domain URL (https://….my.salesforce.com) with CLIENT_CREDENTIALS"
        )


def ranges(c: Examined) -> None:
    """Bounds that the two connectors have each for itself."""
    for (class_, key), (low, high) in _RANGES.items():
        judged = c.values.get("connector.class") == class_ and c.sound(key) and c.has(key)
        if judged and not low <= c.values[key] <= high:
            c.fault(key, f"must be {low} to {high}" if high < 2**63 - 1 else f"must be at least {low}")


def password_grant(c: Examined) -> None:
    """Salesforce retires the OAuth flow with user name and password."""
    if c.sound("salesforce.grant.type") and c.values["salesforce.grant.type"] == "PASSWORD":
        c.notices.append(
            "salesforce.grant.type: Salesforce retires the flow with user name and password (enforced from February "
            "2027; orgs made since Summer '26 do not have it): move to JWT_BEARER (sfbridge auth keystore makes key "
            "and certificate) or CLIENT_CREDENTIALS"
        )


def encryption(c: Examined) -> None:
    """Encryption needs a format with a schema."""
    keys = ("csfle.enabled", "output.data.format")
    if c.sound(*keys) and c.values[keys[0]] and c.values[keys[1]] not in REGISTRY_TYPES:
        c.fault(
            keys[0],
            f"needs output.data.format AVRO, JSON_SR or PROTOBUF; {c.values[keys[1]]} has no schema to hold rules",
        )


def changes(c: Examined) -> None:
    """What a connector of change events can do in some formats only, or with a key."""
    form, fields, tombstone = "output.data.format", "bridge.cdc.fields", "bridge.cdc.tombstone.on.delete"
    if fields not in c.catalogue.properties:
        return
    if c.sound(form, fields) and c.values[fields] == "changed" and c.values[form] != "JSON":
        c.fault(fields, f"is for output.data.format JSON; {c.values[form]} has a place for every field")
    if c.sound(form) and c.values[form] == RAW and c.given.get("transforms", "").strip():
        c.fault(
            "transforms",
            f"cannot change what output.data.format {RAW} writes; use another format or none of them",
        )
    key = "bridge.record.key"
    if c.sound(tombstone, key) and c.values[tombstone] and c.values[key] == "none":
        c.fault(tombstone, f"needs a key to be of use: set {key}=record_id")


def topic_creation(c: Examined) -> None:
    """Topics are created only with both numbers, as in Kafka Connect."""
    for key, other in ((_REPLICATION, _PARTITIONS), (_PARTITIONS, _REPLICATION)):
        if c.has(other) and not c.has(key) and c.sound(key):
            c.fault(key, f"is required together with {other}")
    for key in (_REPLICATION, _PARTITIONS):
        if c.sound(key) and c.values[key] == 0:
            c.fault(key, "must be -1 (the broker's default) or at least 1")


def dead_letters(c: Examined) -> None:
    """Dead letters go to a topic of their own, and only where errors are tolerated."""
    if not c.sound(_DEAD_LETTERS):
        return
    name = c.values[_DEAD_LETTERS]
    if (
        c.sound("bridge.schema.on.incompatible")
        and c.values["bridge.schema.on.incompatible"] == "dead_letter"
        and not name
    ):
        c.fault(_DEAD_LETTERS, "is required when bridge.schema.on.incompatible is dead_letter")
    if not name:
        return
    if c.has("kafka.topic") and c.sound("kafka.topic") and name == _topic(c).fixed:
        c.fault(_DEAD_LETTERS, "must not be the topic that records go to (kafka.topic)")
    tolerated = (
        c.values["errors.tolerance"] == "all" or c.values["bridge.schema.on.incompatible"] == "dead_letter"
    )
    if c.sound("errors.tolerance") and not tolerated:
        c.notice(f"{_DEAD_LETTERS} has no effect while errors.tolerance is none")


def _topic(c: Examined) -> TopicTemplate:
    return TopicTemplate(c.values["kafka.topic"], c.values["kafka.topic.lowercase"])


def topic_spelling(c: Examined) -> None:
    """Lower-casing changes a name silently; say so."""
    if not c.has("kafka.topic") or not c.sound("kafka.topic", "kafka.topic.lowercase"):
        return
    template = _topic(c)
    if template.lowercase and template.fixed not in (None, template.text):
        c.notice(
            f"kafka.topic {template.text} is lower-cased to {template.fixed} (kafka.topic.lowercase=false "
            f"keeps it)"
        )


def registry_login(c: Examined) -> None:
    """A source of credentials that has none."""
    source, info = "value.converter.basic.auth.credentials.source", "value.converter.basic.auth.user.info"
    old = "value.converter.schema.registry.basic.auth.user.info"
    if (
        c.sound(source, info, old)
        and c.has(source)
        and c.values[source] == "USER_INFO"
        and not (c.has(info) or c.has(old))
    ):
        c.fault(info, f"is required when {source} is USER_INFO")


def sasl_login(w: Examined) -> None:
    """A user name without its password."""
    if w.has("sasl.username") and not w.has("sasl.password"):
        w.fault("sasl.password", "is required together with sasl.username")


def state_topics(w: Examined) -> None:
    """Positions, configurations, states and what becomes of connectors have a topic each."""
    seen: dict[str, str] = {}
    for key in OWN_TOPICS:
        if not w.sound(key) or not w.values.get(key):
            continue
        if wrong := checks.topic(w.values[key]):
            w.fault(key, f"made from group.id, {wrong}; name the topic or shorten group.id")
            continue
        other = seen.setdefault(w.values[key], key)
        if other != key:
            w.fault(key, f"is the same topic as {other}; each needs one of its own")


def mask_literals(w: Examined) -> None:
    """Secrets are shown to those who may write, so somebody must have asked who they are."""
    key, users = "bridge.rest.mask.literals", "bridge.rest.users.file"
    if w.sound(key, users) and not w.values[key] and not w.has(users):
        w.fault(key, f"is false, and whoever reaches a listener would be shown all secrets: set {users}")


WORKER: Final[tuple[OfConnector, ...]] = (sasl_login, state_topics, mask_literals)


def alone(judges: Judges) -> tuple[OfConnector, ...]:
    """The rules of a connector alone, in the order of their faults."""
    return (
        keystore, my_domain, ranges, password_grant, subscription.judge, judges.transforms, encryption,
        changes, topic_creation, dead_letters,
        topic_spelling, registry_login,
    )  # fmt: skip


def brokers(c: Examined, w: Config) -> None:
    """Somebody must name the brokers."""
    if not w.raw().get("bootstrap.servers", "").strip() and not c.has("kafka.endpoint"):
        c.fault(
            "bootstrap.servers", "is required in the worker's properties (or kafka.endpoint in the connector)"
        )


_LOGIN: Final = ("sasl.jaas.config", "sasl.username", "sasl.mechanism")


def _own_login(w: Mapping[str, Any]) -> bool:
    """Whether the worker brings its own SASL credentials."""
    if w["sasl.jaas.config"] or w["sasl.username"]:
        return True
    return str(w["sasl.mechanism"]).upper() in ("GSSAPI", "OAUTHBEARER")


def kafka_login(c: Examined, w: Config) -> None:
    """API key and secret: required, or unused, depending on how the worker reaches Kafka."""
    keys = ("kafka.api.key", "kafka.api.secret")
    given = [key for key in keys if c.has(key)]
    if not c.sound("kafka.auth.mode") or c.values["kafka.auth.mode"] != "KAFKA_API_KEY":
        return
    protocol = w["security.protocol"]
    if not w.sound("security.protocol", *_LOGIN) or protocol in ("PLAINTEXT", "SSL"):
        return
    if not given and (_own_login(w) or (protocol is None and _runs_itself(c))):
        return
    for key in keys:
        if key not in given:
            c.fault(
                key,
                "is required when kafka.auth.mode is KAFKA_API_KEY, unless the worker sets "
                "security.protocol=PLAINTEXT or SSL, or sasl.jaas.config",
            )


def _runs_itself(c: Examined) -> bool:
    """The self-managed connector knows no API keys; Kafka Connect's default protocol is PLAINTEXT."""
    return c.values["connector.class"] in SELF_MANAGED_CLASSES and not c.has("kafka.auth.mode")


def registry_needed(c: Examined, w: Config) -> None:
    """A format with schemas needs a registry."""
    key = "value.converter.schema.registry.url"
    if not c.sound("output.data.format", "value.converter", key, "schema.registry.url"):
        return
    name = c.values["output.data.format"]
    if name in REGISTRY_TYPES and not registry_properties(c.given, w.raw()):
        c.fault(
            "schema.registry.url",
            f"is required for output.data.format {name}: in the worker's properties, or as {key} in the "
            f"connector",
        )


def exactly_once(c: Examined, w: Config) -> None:
    """'required' is a promise only the worker can keep."""
    key = "exactly.once.support"
    if c.sound(key) and c.values[key] == "required" and w["exactly.once.source.support"] != "enabled":
        c.fault(
            key, "is required, but the worker sets exactly.once.source.support to something else than enabled"
        )


def service_account(c: Examined, w: Config) -> None:
    """Keys for service accounts are made with the worker's cloud key, for what it names."""
    if not c.sound(MODE):
        return
    reads = c.has(READER) and c.sound(READER, "output.data.format", "value.converter")
    if c.values[MODE] == "SERVICE_ACCOUNT":
        missing = lacking(w, CLUSTER) if _asks_for_api_key(w) else []
        if reads and reader_unneeded(c.values, c.given) is None:
            missing += lacking(w, REGISTRY)
        if missing:
            c.fault(
                MODE,
                f"is SERVICE_ACCOUNT, for which the worker's properties must give {', '.join(dict.fromkeys(missing))}; "
                "without them use KAFKA_API_KEY with kafka.api.key and kafka.api.secret",
            )
        if not c.has(ACCOUNT) and c.sound(ACCOUNT):
            c.fault(ACCOUNT, f"is required when {MODE} is SERVICE_ACCOUNT")
    elif c.has(ACCOUNT):
        c.notice(f"{ACCOUNT} is not used, because {MODE} is {c.values[MODE]}")
    if reads and c.sound(MODE):
        why = no_key_for_reader(c.values, c.given, c.origin, w, w.raw())
        if why is not None:
            c.notice(f"{READER} is not used, because {why}")


def _asks_for_api_key(w: Config) -> bool:
    """Whether the worker leaves it to the connector how it logs in at Kafka."""
    told = w.sound("security.protocol", *_LOGIN)
    return told and w["security.protocol"] not in ("PLAINTEXT", "SSL") and not _own_login(w)


def topics_of_the_worker(c: Examined, w: Config) -> None:
    """Records go to no topic that the worker writes for itself."""
    own = {w[key]: key for key in OWN_TOPICS if w.get(key)}
    records = (
        _topic(c).fixed if c.has("kafka.topic") and c.sound("kafka.topic", "kafka.topic.lowercase") else None
    )
    for key, name in (("kafka.topic", records), (_DEAD_LETTERS, c.values.get(_DEAD_LETTERS))):
        if name in own and c.sound(key):
            what = "it keeps its own state" if own[name] in _STATE_TOPICS else "it tells of connectors"
            c.fault(key, f"is the worker's {own[name]}, in which {what}; name another topic")


_OVERRIDE: Final = "producer.override."
_PRINCIPAL: Final = frozenset({"sasl.jaas.config", "sasl.mechanism", "security.protocol"})


def overrides(c: Examined, w: Config) -> None:
    """What a connector may change of its producer is the worker's decision, as in Kafka Connect."""
    policy = w["connector.client.config.override.policy"]
    allowlist = frozenset(w["connector.client.config.override.allowlist"])
    allowed = {"None": frozenset[str](), "Principal": _PRINCIPAL, "Allowlist": allowlist}.get(policy)
    for key in c.given if allowed is not None else ():
        if key.startswith(_OVERRIDE) and key.removeprefix(_OVERRIDE) not in (allowed or ()):
            c.fault(key, f"is left out by connector.client.config.override.policy={policy} of the worker")


def together(judges: Judges) -> tuple[OfBoth, ...]:
    """The rules of a connector with its worker, in the order of their faults."""
    return (
        brokers, kafka_login, service_account, overrides, topics_of_the_worker, registry_needed, judges.converters,
        exactly_once,
    )  # fmt: skip
