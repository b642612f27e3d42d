"""Transforms, predicates and the converter of the keys they make: judged with Kafka Connect's own messages."""

from __future__ import annotations

from bridge.config.config import Config
from bridge.config.examine import Examined
from bridge.transforms.wanted import PREDICATES_KEY, RECORD_KEY, TRANSFORMS_KEY, needs_chain

_OWN = (TRANSFORMS_KEY, PREDICATES_KEY, RECORD_KEY)
_KEYS, _HEADERS = "key.converter", "header.converter"
_STORAGE = "org.apache.kafka.connect.storage."
_LIKELY = {_KEYS: f"{_STORAGE}StringConverter", _HEADERS: f"{_STORAGE}SimpleHeaderConverter"}


def transforms(c: Examined) -> None:
    """Every fault of the chain; what is below it and means nothing, as ``bridge.config.unknown`` says."""
    _existing(c)
    if not any(key in _OWN or key.startswith(("transforms.", "predicates.")) for key in c.given):
        return
    # here: most connectors have none
    from bridge.transforms import configuration
    from bridge.transforms.own import OwnLink

    def report(key: str, message: str) -> None:
        if key not in c.broken:
            c.fault(key, message)

    if not c.sound(TRANSFORMS_KEY, PREDICATES_KEY):  # which aliases there are is not known
        return
    chain = configuration.build(c.given, report)
    if c.values.get("csfle.enabled"):
        for link in chain.links:
            if isinstance(link.transform, OwnLink) and not link.transform.declares:
                report(
                    f"transforms.{link.alias}.type",
                    "does not declare what it reads and writes, and what it is given would leave the protection of "
                    "csfle.enabled=true: declare reads and writes in its class",
                )
    for key, message in configuration.strangers(c.given):
        if c.values["bridge.config.unknown"] == "warn":
            c.notice(f"{key} {message}; it has no effect")
        else:
            report(key, message)
    if needs_chain(c.given):
        _converters(c, c.given.get(_KEYS, ""), c.given.get(_HEADERS, ""), "")


def _existing(c: Examined) -> None:
    """What Kafka Connect would not find is told, although nothing is to be converted."""
    given = [key for key in (_KEYS, _HEADERS) if key in c.written and key not in c.broken]
    if not given:
        return
    # here: most connectors name none
    from bridge.model.converter_classes import exists

    for key in given:
        if not exists(c.given[key].strip()):
            c.fault(
                key,
                f"{c.given[key]!r} is the class of no converter; leave it out, or name one such as {_LIKELY[key]}",
            )


def converters(c: Examined, w: Config) -> None:
    """The worker's converters, where the connector has transforms and names none itself."""
    if c.sound(TRANSFORMS_KEY) and needs_chain(c.given):
        given = w.raw()
        keys = "" if c.has(_KEYS) or not w.sound(_KEYS) else given.get(_KEYS, "")
        headers = "" if c.has(_HEADERS) or not w.sound(_HEADERS) else given.get(_HEADERS, "")
        _converters(c, keys, headers, " of the worker")


def _converters(c: Examined, keys: str, headers: str, origin: str) -> None:
    # here: most connectors have none
    from bridge.model.converter_classes import HEADER_CONVERTERS, KEY_CONVERTERS, class_of

    for key, name, supported in ((_KEYS, keys, KEY_CONVERTERS), (_HEADERS, headers, HEADER_CONVERTERS)):
        if c.sound(key) and name.strip() and class_of(name.strip(), supported) is None:
            c.fault(
                key, f"{name}{origin} is not supported behind transforms; there are: {', '.join(supported)}"
            )
