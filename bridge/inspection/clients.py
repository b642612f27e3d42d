"""What those who will use the settings say of them, before anything is tried: Kafka's clients, the registry's,
the keystore, the proxy, the contract. Nobody outside is asked; each is imported only where it is concerned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from bridge.config.combinations import OWN_TOPICS
from bridge.config.config import Config, Loaded
from bridge.config.declarations import CHANGES, CONNECTOR
from bridge.config.declarations.formats import REGISTRY_TYPES
from bridge.config.examine import Examined
from bridge.config.registry import origin, registry_settings
from bridge.config.subscription import events
from bridge.errors import BadRecord, ConfigurationError, Fatal, Fault
from bridge.transforms.wanted import needs_chain

Judge = Callable[[Loaded, Mapping[str, str]], tuple[list[Fault], list[str]]]


def judge(
    connector: Examined, worker: Config, environ: Mapping[str, str], judged_worker: Examined | None = None
) -> None:
    """Add faults and notices. Each is asked only if what it builds on is sound, so that nothing is said twice.

    A fault of what the worker's file says goes to ``judged_worker`` where that is at hand, else to the connector.
    """
    loaded = Loaded(connector.config(), worker)
    places = [] if judged_worker is None else [judged_worker]
    for concerns, judge_one in _JUDGES:
        if any(key.startswith(concerns) for key in connector.broken):
            continue
        faults, notices = judge_one(loaded, environ)
        for fault in faults:
            _add(next((one for one in places if fault.key in one.given), connector), fault)
        for notice in notices:
            connector.notice(notice)


def _add(examined: Examined, fault: Fault) -> None:
    if fault.key not in examined.broken:
        examined.fault(fault.key, fault.message)


def _kafka(loaded: Loaded, environ: Mapping[str, str]) -> tuple[list[Fault], list[str]]:
    # here: only where it is concerned
    from bridge.kafka.settings import examine

    return examine(loaded)


def _registry(loaded: Loaded, environ: Mapping[str, str]) -> tuple[list[Fault], list[str]]:
    settings = registry_settings(loaded.connector, loaded.worker)
    if loaded.connector["output.data.format"] not in REGISTRY_TYPES or not settings:
        return [], []
    # here: only where it is concerned
    from bridge.registry.http import http_of

    faults = _faults(lambda: http_of(settings, retry_seconds=0, longest_wait=0))
    raw = loaded.connector.raw(), loaded.worker.raw()
    return [Fault(origin(fault.key, *raw), fault.message) for fault in faults], []


def _keystore(loaded: Loaded, environ: Mapping[str, str]) -> tuple[list[Fault], list[str]]:
    if loaded.connector["salesforce.grant.type"] != "JWT_BEARER":
        return [], []
    # here: loads cryptography, needed for JWT only
    from bridge.salesforce.keyfile import FILE, PATH
    from bridge.salesforce.keystore import load_keystore

    try:
        return _faults(lambda: load_keystore(loaded.connector).check_validity()), []
    except Fatal as error:  # of the certificate's time
        return [Fault(FILE if loaded.connector.get(FILE) else PATH, error.message)], []


def _proxy(loaded: Loaded, environ: Mapping[str, str]) -> tuple[list[Fault], list[str]]:
    if not loaded.connector["http.proxy"]:
        return [], []
    # here: only where it is concerned
    from bridge.salesforce.proxy import find_proxy

    return _faults(lambda: find_proxy(loaded.connector, environ)), []


def _contract(loaded: Loaded, environ: Mapping[str, str]) -> tuple[list[Fault], list[str]]:
    path = loaded.connector["bridge.schema.contract"]
    if not path and not Path("schemas").is_dir():
        return [], []
    # here: only where it is concerned
    from bridge.metadata.sources import load_contracts
    from bridge.routing.demands import check_contract

    def use() -> None:
        for contract in load_contracts(events(loaded.connector), path).values():
            check_contract(contract, loaded.connector)

    # A contract's own faults name a place in its file; they belong to the property that leads there.
    return [_of_contract(fault) for fault in _faults(use)], []


def _secret(loaded: Loaded, environ: Mapping[str, str]) -> tuple[list[Fault], list[str]]:
    if not loaded.connector["csfle.enabled"]:
        return [], []
    # here: only where it is concerned
    from bridge.routing.demands import check_secrets

    return _faults(lambda: check_secrets(loaded.connector, loaded.worker, environ)), []


def _subject(loaded: Loaded, environ: Mapping[str, str]) -> tuple[list[Fault], list[str]]:
    if "${" not in loaded.connector["kafka.topic"]:
        return [], []
    # here: only where it is concerned
    from bridge.routing.demands import check_subject

    return _faults(lambda: check_subject(loaded.connector)), []


def _keys(loaded: Loaded, environ: Mapping[str, str]) -> tuple[list[Fault], list[str]]:
    """The converters of keys and headers, which exist behind transforms only."""
    connector, worker = loaded.connector, loaded.worker
    if not needs_chain(connector.raw()):
        return [], []
    # here: only where it is concerned
    from bridge.formats import form_of
    from bridge.routing.key_converters import writes_avro
    from bridge.routing.registries import registry_of
    from bridge.routing.transforming import Transforming

    def use() -> None:
        form = form_of(connector["output.data.format"])
        settings = connector.prefixed("value.converter.")
        Transforming(loaded, form, settings, lambda: registry_of(loaded)).close()

    if writes_avro(connector.raw().get(_KEY) or worker.raw().get(_KEY, "")) and not registry_settings(
        connector, worker
    ):
        return [
            Fault("schema.registry.url", f"is required for {_KEY} AvroConverter: in the worker's properties")
        ], []
    raw, own = (connector.raw(), worker.raw()), (_KEY, "header.converter")
    faults = _faults(use)
    return [
        one if one.key.startswith(own) else Fault(origin(one.key, *raw), one.message) for one in faults
    ], []


def _topics(loaded: Loaded, environ: Mapping[str, str]) -> tuple[list[Fault], list[str]]:
    """Topics that records get to by transforms or by the event's name; others are judged by themselves."""
    connector, worker = loaded.connector, loaded.worker
    if "${" not in connector["kafka.topic"] and not needs_chain(connector.raw()):
        return [], []
    # here: only where it is concerned
    from bridge.kafka.admin import output_topics

    try:
        names = output_topics(connector)
    except BadRecord as wrong:
        return [Fault("kafka.topic", wrong.message)], []
    faults = [
        Fault(
            "kafka.topic", f"leads records to {worker[key]}, which is the worker's {key}; name another topic"
        )
        for key in OWN_TOPICS
        if worker.get(key) in names
    ]
    if connector.get(_DEAD_LETTERS) in names:
        faults.append(
            Fault(_DEAD_LETTERS, "must not be a topic that records go to (kafka.topic, transforms)")
        )
    return faults, []


def _of_contract(fault: Fault) -> Fault:
    if CONNECTOR.find(fault.key) is not None or CHANGES.find(fault.key) is not None:
        return fault
    return Fault("bridge.schema.contract", f"{fault.key}: {fault.message}")


def _faults(use: Callable[[], object]) -> list[Fault]:
    try:
        use()
    except ConfigurationError as error:
        return list(error.faults)
    return []


_KEY: Final = "key.converter"
_DEAD_LETTERS: Final = "errors.deadletterqueue.topic.name"
_CONVERTERS: Final = ("key.converter", "header.converter", "value.converter.")
_CHAIN: Final = ("transforms", "predicates", "bridge.record.key")
_JUDGES: Final[tuple[tuple[tuple[str, ...], Judge], ...]] = (
    (("kafka.", "bootstrap.", "producer.override."), _kafka),
    (("output.", "schema.registry.", "value.converter"), _registry),
    (("salesforce.grant.", "salesforce.jwt.", "bridge.allow."), _keystore),
    (("http.proxy",), _proxy),
    (
        (
            "salesforce.platform.",
            "salesforce.cdc.",
            "salesforce.channel.",
            "bridge.schema.contract",
            "csfle.",
            "bridge.csfle.",
            "output.",
        ),
        _contract,
    ),
    (("csfle.", "rule.executors.", "value.converter.rule.", "bridge.allow."), _secret),
    ((*_CHAIN, "kafka.topic", "output.", "value.converter."), _subject),
    (
        (*_CHAIN, *_CONVERTERS, "kafka.topic", "output.", "schema.registry."),
        _keys,
    ),
    ((*_CHAIN, "kafka.topic", "salesforce.", _DEAD_LETTERS), _topics),
)
"""Who judges, and the beginnings of the keys it builds on."""
