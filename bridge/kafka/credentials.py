"""Whose credentials a client uses: a connector that came by REST never sends the worker's another way.

``producer.override.*`` may change how brokers are reached. With the worker's own login that would be a way to have it
sent in the clear, to a server of another name, or to a token endpoint of the writer's choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from bridge.errors import Fault
from bridge.kafka.librdkafka import Setting, Settings

_LOGINS: Final = ("sasl.jaas.config", "sasl.username", "sasl.password", "sasl.oauthbearer.", "sasl.login.")
_CERTIFICATES: Final = ("ssl.keystore.", "ssl.key.")
_OWN: Final = (
    ("sasl.jaas.config",),
    ("sasl.username", "sasl.password"),
    ("ssl.keystore.location",),
    ("ssl.keystore.key", "ssl.keystore.certificate.chain"),
)


def without(settings: Mapping[str, str]) -> dict[str, str]:
    """The security settings (Java's names) without logins and client certificates."""
    return {key: text for key, text in settings.items() if not key.startswith((*_LOGINS, *_CERTIFICATES))}


def faults(worker: Mapping[str, str], overrides: Mapping[str, str], prefix: str) -> Iterator[Fault]:
    """What is wrong with security settings that override those of a worker, if anything.

    They are fine where the worker has nothing to lose, or where they bring a login or a certificate of their own;
    those of the worker are then left out altogether (:func:`without`).
    """
    held = [key for key, text in worker.items() if text.strip() and key not in without({key: text})]
    brought = any(all(overrides.get(key, "").strip() for key in keys) for keys in _OWN)
    if held and not brought:
        yield Fault(
            f"{prefix}{next(iter(overrides))}",
            f"would use the worker's credentials ({held[0]}) in another way than the worker does; what comes by REST "
            f"brings its own ({prefix}sasl.jaas.config or {prefix}ssl.keystore.location), or leaves security.*, "
            "sasl.* and ssl.* alone",
        )


def without_login(settings: Settings) -> dict[str, Setting]:
    """librdkafka's settings without brokers and SASL, so that a client made of them has nobody to call."""
    protocol = str(settings.get("security.protocol", "plaintext")).lower().removeprefix("sasl_")
    kept = {key: value for key, value in settings.items() if not key.startswith("sasl.")}
    kept.pop("bootstrap.servers", None)
    return {**kept, "security.protocol": protocol}
