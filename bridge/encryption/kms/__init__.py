"""Key management services: where KEKs live. One small module each, one line in ``DRIVERS``.

A driver wraps and unwraps DEKs with one key. Its parameters are those of Confluent's clients: the KEK's
``kmsProps`` before ``rule.executors._default_.param.*``. Every driver raises Retriable(stage=ENCRYPT) for what
may pass (unreachable, throttled) and Fatal(stage=ENCRYPT) for what will not (denied, no such key, wrong key),
each a sentence naming the key's id, never key material or a credential.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit

from attrs import field, frozen

from bridge import calls
from bridge.config.egress import ANYWHERE, Egress
from bridge.errors import Fatal, Stage, fatal
from bridge.errors.words import installed_by
from bridge.log import quiet_sdks

Params = Mapping[str, str]


class Kms(Protocol):
    """One key of a key management service."""

    def wrap(self, material: bytes) -> bytes:
        """A plaintext DEK, wrapped."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """The plaintext of a wrapped DEK."""
        ...


class KeyIdError(Fatal):
    """What is no id of a key of the service, whatever it answers."""

    def __init__(self, message: str) -> None:
        super().__init__(message, stage=Stage.ENCRYPT)


DRIVERS: Final[Mapping[str, tuple[str, str, str]]] = {
    # type: (module, what must be installed for it, extra)
    "local-kms": ("bridge.encryption.kms.local", "cryptography", ""),
    "aws-kms": ("bridge.encryption.kms.aws", "boto3", "aws"),
    "azure-kms": ("bridge.encryption.kms.azure", "azure.keyvault.keys", "azure"),
    "gcp-kms": ("bridge.encryption.kms.gcp", "google.cloud.kms_v1", "gcp"),
    "hcvault": ("bridge.encryption.kms.vault", "hvac", "vault"),
}


def check(kms_type: str) -> None:
    """Fatal where there is no driver for the type, or what it needs is not installed."""
    driver = DRIVERS.get(kms_type)
    if driver is None:
        raise fatal(f"there is no driver for the KMS type {kms_type!r}; there is {', '.join(DRIVERS)}")
    _, needed, extra = driver
    quiet_sdks()
    try:
        importlib.import_module(needed)
    except ImportError:
        raise fatal(f"the KMS type {kms_type} needs more than is installed: {installed_by(extra)}") from None


def open_kms(kms_type: str, key_id: str, params: Params, egress: Egress = ANYWHERE) -> Kms:
    """The driver for one key. Fatal where there is none, a parameter is missing, or ``egress`` leaves its host out.

    Drivers hand ``egress`` to their SDKs, which may go on to other hosts.
    """
    check(kms_type)
    make: Callable[[str, Params, Egress], Kms] = importlib.import_module(DRIVERS[kms_type][0]).open_key
    opened = make(key_id, params, egress)
    quiet_sdks()
    return opened


def check_url(egress: Egress, url: str) -> None:
    """Before a KMS is asked. Raises Fatal."""
    parts = urlsplit(url)
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    egress.check(parts.hostname or "", port, Stage.ENCRYPT)


@frozen
class Timed:
    """A driver whose calls are counted, under its type."""

    kms_type: str
    driver: Kms = field(repr=False)

    def wrap(self, material: bytes) -> bytes:
        """As the driver."""
        with calls.KMS.timed(self.kms_type, "wrap"):
            return self.driver.wrap(material)

    def unwrap(self, wrapped: bytes) -> bytes:
        """As the driver."""
        with calls.KMS.timed(self.kms_type, "unwrap"):
            return self.driver.unwrap(wrapped)


def opened(kms_type: str, open_key: Callable[[], Kms]) -> Kms:
    """What ``open_key`` opens, which may log in, so that it is counted, too."""
    # The type may come from a KEK's registration, where anything can stand.
    label = kms_type if kms_type in DRIVERS else "other"
    with calls.KMS.timed(label, "open"):
        return Timed(label, open_key())
