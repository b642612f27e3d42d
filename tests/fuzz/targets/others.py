"""Configuration in every form, keys and certificates, Java's languages, records of topics, bodies of requests."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from bridge.api.exchange import Ask, config_in, offsets_in
from bridge.config import files, load_worker
from bridge.documents import Broken, json_of
from bridge.encryption.envelope import (
    Algorithm,
    NotDecryptedError,
    cipher_of,
    from_text,
    new_material,
    version_of,
)
from bridge.errors import BridgeError
from bridge.inspection.configuration import config_infos
from bridge.java.exceptions import JavaError
from bridge.java.regex import Pattern
from bridge.java.simple_date_format import SimpleDateFormat
from bridge.kafka.jaas import parse as parse_jaas
from bridge.kafka.offsets import Stored
from bridge.model.contract import parse as parse_contract
from bridge.transforms.configuration import chain_of
from bridge.transforms.json_path import Path
from bridge.transforms.record import ConnectRecord
from bridge.trust.store_errors import KeystoreError, StoreError
from bridge.trust.truststore import trusted_certificates
from bridge.worker import records
from bridge.worker.refusals import Refused
from bridge.worker.state import State
from tests.fuzz.targets.base import ROOT, Target, document, samples, text

WORKER = load_worker(None, environ={"CONNECT_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
CONNECTOR = {
    "connector.class": "SalesforcePlatformEventSource",
    "name": "orders",
    "kafka.topic": "orders-${Country__c}",
    "salesforce.username": "${env:USER}",
    "salesforce.password": "x",
    "salesforce.platform.event.name": "Order_Placed__e",
    "output.data.format": "AVRO",
    "tasks.max": "1",
    "transforms": "f,c,r",
    "predicates": "p",
    "transforms.f.type": "io.confluent.connect.transforms.Filter$Value",
    "transforms.f.filter.condition": "$[?(@.Status__c =~ /N.*/ && @.Amount__c > 5)]",
    "transforms.f.filter.type": "include",
    "transforms.c.type": "org.apache.kafka.connect.transforms.Cast$Value",
    "transforms.c.spec": "Amount__c:float32,Quantity__c:int8",
    "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
    "transforms.r.regex": "(.*)-(.*)",
    "transforms.r.replacement": "$2.$1",
    "transforms.r.predicate": "p",
    "predicates.p.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
    "predicates.p.pattern": "orders.*",
}
VALUE = {"Status__c": "New", "Amount__c": 12.5, "Quantity__c": 3, "Nested": {"a": [1, {"b": None}]}}


def _configuration(raw: bytes) -> None:
    with suppress(files.UnreadableError):
        given = files.parse(raw, wrapped=True)
        config_infos(given.values, WORKER, unknown="warn")


def _chain(raw: bytes) -> None:
    try:
        given = json_of(raw)
    except Broken:
        return
    if isinstance(given, dict):
        chain = chain_of({key: str(value) for key, value in given.items()})
        chain.apply(ConnectRecord("orders-eu", None, dict(VALUE)))


def _body(raw: bytes) -> None:
    ask = Ask("POST", ("connectors",), body=raw, headers={"content-type": "application/json"})
    with suppress(Refused):
        body = ask.json()
        with suppress(Refused):
            config_in(body)
        offsets_in(body.get("offsets") if isinstance(body, dict) else body)


class _Message:
    def __init__(self, key: bytes, value: bytes, headers: Any) -> None:
        self._all = key, value, headers

    def key(self) -> bytes:
        return self._all[0]

    def value(self) -> bytes:
        return self._all[1]

    def headers(self) -> Any:
        return self._all[2]

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 7

    def timestamp(self) -> tuple[int, int]:
        return 1, 5


def _position(raw: bytes) -> None:
    for key in (b'["orders",{}]', raw, b"bridge-start-orders"):
        stored = Stored("orders", "offsets")
        stored.take(_Message(key, raw, [("bridge-org-id", raw), ("bridge-created", raw[:30])]))  # type: ignore[arg-type]
        with suppress(BridgeError):
            stored.position()


def _state(raw: bytes) -> None:
    state = State()
    for prefix in (
        records.CONNECTOR,
        records.TARGET,
        records.RESTART,
        records.LOGGER,
        records.ASSIGNMENT,
        records.REQUEST,
        records.STATUS,
        records.TASK_STATUS,
        records.TOPIC_STATUS,
        records.OUTCOME,
        records.WORKER,
    ):
        with suppress(Broken):
            state.apply(f"{prefix}a-0", raw)


def _stores(raw: bytes) -> None:
    from bridge.salesforce.keystore import open_keystore

    for password in ("changeit", "", "test1234"):
        with suppress(StoreError):
            trusted_certificates(raw, password)
        with suppress(BridgeError, KeystoreError):
            open_keystore(raw, password)


def _ciphertext(raw: bytes) -> None:
    for cipher in CIPHERS:
        with suppress(NotDecryptedError):
            version_of(raw)
            cipher.decrypt(raw)
    with suppress(NotDecryptedError):
        from_text(text(raw))


def _date(raw: bytes) -> None:
    pattern, _, value = text(raw).partition("|")
    form = SimpleDateFormat(pattern)
    form.format(1_700_000_000_123)
    form.parse(value)


def _regex(raw: bytes) -> None:
    pattern, _, value = text(raw).partition("|")
    compiled = Pattern(pattern)
    compiled.matches(value[:2000])
    compiled.replace_first(value[:2000], "$1-${name}")


CIPHERS = tuple(cipher_of(new_material(algorithm), algorithm) for algorithm in Algorithm)
ASSIGNMENT = {"epoch": 3, "leader": "w", "workers": {"w": ["orders"]}}
REQUEST = {
    "id": "1",
    "type": "PATCH",
    "offsets": [{"partition": {}, "offset": {"replayId": 5}}],
    "requested_at": "now",
}
STATUS = {"state": "RUNNING", "trace": None, "worker_id": "w", "generation": 3, "version": "1"}
JAAS = b'org.apache.kafka.common.security.plain.PlainLoginModule required username="a" password="b\\"c";'
KEYSTORES = tuple(path.read_bytes() for path in sorted((ROOT / "tests" / "data" / "oauth").glob("sample.*")))
SIMPLE = (ValueError, JavaError)
TARGETS = (
    Target(
        "configuration",
        _configuration,
        (
            document(CONNECTOR),
            document({"name": "a", "config": CONNECTOR}),
            "\n".join(f"{key}={value}" for key, value in CONNECTOR.items()).encode(),
        ),
        seconds=10,
    ),
    Target("transforms", _chain, (document(CONNECTOR),), seconds=10),
    Target(
        "json-path",
        lambda raw: Path(text(raw)).find(dict(VALUE)),
        (b"$.Status__c", b"$[?(@.Status__c =~ /N.*/i && !(@.Amount__c in [1, 2]))]", b"$..a[0]['b']"),
        (ValueError, JavaError, RecursionError),  # as the validator of the property allows
        10,
    ),
    Target("contract", lambda raw: parse_contract(text(raw)), samples(".contract.yaml")),
    Target(
        "request-body",
        _body,
        (document({"name": "a", "config": CONNECTOR}), document({"offsets": REQUEST["offsets"]})),
    ),
    Target(
        "position-record",
        _position,
        (b'{"replayId":120572741}', b'{"since":1700000000000}', b'["orders",{}]'),
    ),
    Target(
        "worker-record",
        _state,
        (
            document(ASSIGNMENT),
            document(REQUEST),
            document(STATUS),
            document({"properties": CONNECTOR}),
            document({"topic": {"name": "t", "discoverTimestamp": 5}}),
            document({"state": "PAUSED", "state.v2": "STOPPED"}),
        ),
    ),
    Target("keystore", _stores, KEYSTORES, seconds=10),
    Target("ciphertext", _ciphertext, (b"\0\0\0\1" + bytes(40), b"AAAAAQ==" * 8)),
    Target(
        "simple-date-format",
        _date,
        (
            b"yyyy-MM-dd'T'HH:mm:ss.SSSXXX|2024-01-02T03:04:05.006+01:00",
            b"EEE, d MMM yy hh a z|Mon, 1 Jan 24 01 AM GMT",
        ),
        SIMPLE,
    ),
    Target(
        "java-regex",
        _regex,
        (b"(?<name>[a-z&&[^x]]+)-(\\p{Lu}*+)\\Q.\\E|abc-DEF.", b"^(a|b)*?\\b{1,3}$|ab", b"(?i:x)(?=y)\\1|xy"),
        SIMPLE,
        10,
    ),
    Target("jaas", lambda raw: parse_jaas(text(raw)), (JAAS,), (ValueError,)),
)
