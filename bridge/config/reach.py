"""Where a connector may connect to, out of its own list and its worker's, and what it names that lies outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from bridge.config.config import Config
from bridge.config.egress import ALLOWED, WHITELIST, Egress, Rule, entries, rules
from bridge.config.examine import Examined

_REGISTRIES: Final = ("schema.registry.url", "value.converter.schema.registry.url")
_SALESFORCE: Final = ("salesforce.instance", "bridge.pubsub.endpoint", "http.proxy")
_INSTEAD: Final = {"kafka.endpoint": "bootstrap.servers", "schema.registry.url": "schema.registry.url"}
_PORTS: Final = {"https": 443, "http": 80}
_PLACES: Final = (*_SALESFORCE, "kafka.endpoint", *_REGISTRIES)


def settle(c: Examined, worker: Config | None) -> None:
    """Give the connector its lists, and a fault to each property that names a host outside of them.

    Nobody is asked for addresses: a name that only a network could permit is judged when it is connected to.
    """
    own = worker.raw() if worker is not None else {}
    c.egress = Egress(_list(own, ALLOWED), frozenset(_named(own)), _list(c.given, WHITELIST))
    if not c.sound(WHITELIST) or (worker is not None and not worker.sound(ALLOWED)):
        return
    for key in _PLACES:
        if not c.has(key) and key != "salesforce.instance":
            continue
        if own.get(_INSTEAD.get(key, ""), "").strip():  # the worker's is used
            continue
        for host, port in hosts(str(c.values.get(key) or "")) if c.sound(key) else ():
            why = c.egress.refusal(host, port, salesforce=key in _SALESFORCE, resolve=False)
            if why is not None:
                c.fault(key, f"names {host}, which {why}")


def _list(given: Mapping[str, str], key: str) -> tuple[Rule, ...] | None:
    text = given.get(key, "")
    try:
        return rules(entries(text)) if text.strip() else None
    except ValueError:  # it has its own fault; until it is mended nothing may be reached
        return ()


def _named(worker: Mapping[str, str]) -> Iterator[tuple[str, int | None]]:
    """Host and port of the worker's own brokers, registries and KMS."""
    for key in ("bootstrap.servers", *_REGISTRIES, "bridge.kms.allowed.keys"):
        yield from hosts(worker.get(key, ""))


def hosts(text: str) -> Iterator[tuple[str, int | None]]:
    """Host (small letters) and port of each address in a list of URLs or ``host:port``; the port of its scheme where
    none is given, None where that has none."""
    for part in text.split(","):
        scheme, _, address = part.strip().rpartition("://")  # Kafka's have one, too: SASL_SSL
        try:
            parts = urlsplit(f"//{address}")
            host, port = parts.hostname, parts.port
        except ValueError:  # no address; said where addresses are judged
            continue
        if host:
            yield host.lower().rstrip("."), port or _PORTS.get(scheme.lower().rpartition("://")[2])
