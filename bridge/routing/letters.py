"""Dead letters of a connector that encrypts: the raw event goes in encrypted whole, with headers that name its key.

Value: the ciphertext of ``encryption/envelope.py``, raw. Headers ``bridge.csfle.kek``, ``.subject``, ``.algorithm``,
``.version``: the DEK of the dead-letter topic's own subject under the connector's KEK.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from threading import RLock
from typing import Final, Protocol

from attrs import define, field

from bridge.encryption.deks import Dek, Deks
from bridge.encryption.envelope import Algorithm, Cipher, NotDecryptedError, version_of
from bridge.encryption.rules import EncryptRule
from bridge.encryption.uses import Unreserved
from bridge.errors import BadRecord
from bridge.event import Header, Produced

PREFIX: Final = "bridge.csfle."


class Letters(Protocol):
    """Makes the record of a dead letter; see ``kafka/dead_letter.py``."""

    @property
    def topic(self) -> str:
        """Where it goes."""
        ...

    def record(self, raw: bytes, error: BadRecord, came: Sequence[Header] = ()) -> Produced:
        """Raises Fatal for an event that the topic cannot take."""
        ...


@define
class SealedLetters:
    """Dead letters through a seal. ``rule``: what names the KEK; may ask the registry, and raise Fatal, Retriable. None
    where it is acknowledged that nothing of the connector is encrypted."""

    inner: Letters
    subject: str
    deks: Deks
    rule: Callable[[], EncryptRule | None]
    turn: AbstractContextManager[object] = field(factory=RLock)
    """Held while the key is got: routes are looked up, and with them this key, in another thread."""
    _ready: tuple[Dek, Cipher] | None = None

    @property
    def topic(self) -> str:
        """Where it goes."""
        return self.inner.topic

    def prepare(self) -> None:
        """Get the key while no transaction is open."""
        with self.turn:
            rule = self.rule()
            if rule is None:
                self._ready = None
                return
            dek = self.deks.for_writing(rule, self.subject)
            self._ready = dek, dek.cipher(versioned=rule.expiry_days > 0)

    def record(self, raw: bytes, error: BadRecord, came: Sequence[Header] = ()) -> Produced:
        """As the inner letters make it, of the ciphertext. Of anything else only where ``rule`` says so. Raises
        Unreserved."""
        if self._ready is None:
            self.prepare()
        ready = self._ready
        if ready is None:
            return self.inner.record(raw, error, came)
        dek, cipher = ready
        try:
            sealed = cipher.encrypt(raw)
        except Unreserved:
            self._ready = None  # the next try may get another DEK
            raise
        letter = self.inner.record(sealed, error, came)
        key = {
            "kek": dek.kek,
            "subject": dek.subject,
            "algorithm": dek.algorithm,
            "version": str(dek.version),
        }
        return (*letter[:7], [*letter[7], *((PREFIX + name, text.encode()) for name, text in key.items())])


def opened(deks: Deks, value: bytes, headers: dict[str, bytes]) -> bytes:
    """A dead letter's event. NotDecryptedError; Fatal, Retriable of registry and KMS."""
    named = {k.removeprefix(PREFIX): v.decode() for k, v in headers.items() if k.startswith(PREFIX)}
    try:
        algorithm, version = Algorithm(named["algorithm"]), int(named["version"])
        dek = deks.for_reading(named["kek"], named["subject"], algorithm, version)
    except (KeyError, ValueError):
        raise NotDecryptedError("its headers do not name the key it was encrypted with") from None
    try:
        versioned = version_of(value) == version
    except NotDecryptedError:
        versioned = False
    if versioned:
        try:
            return dek.cipher(versioned=True).decrypt(value)
        except NotDecryptedError:
            pass  # an IV may begin like a version
    return dek.cipher(versioned=False).decrypt(value)
