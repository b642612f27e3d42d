"""DEKs for use: got or made by the protocol of Confluent's clients, unwrapped, kept for a while.

Writing: GET kek → 404 → POST → 409 → GET; GET dek (version 1, or the latest where the rule expires) → 404 → wrap
and POST → 409 → GET. A DEK older than the rule's expiry gets a successor, on writing only. Whoever loses a race
uses the winner's key, so that there is one. Reading makes nothing. Plaintext keys are kept in memory only.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from attrs import define, field, frozen

from bridge.encryption.dek_registry import DekRegistry, ExistsError, Kek, WrappedDek
from bridge.encryption.envelope import Algorithm, Cipher, Ivs, cipher_of, key_of, new_material
from bridge.encryption.identities import ALTERNATES, Identities, listed
from bridge.encryption.kms import Kms, open_kms, opened
from bridge.encryption.permitted import Permitted
from bridge.encryption.rules import EncryptRule
from bridge.encryption.uses import Key, Uses
from bridge.encryption.uses import key_of as uses_key
from bridge.encryption.wrapping import newest_key
from bridge.errors import BridgeError, Fatal, Retriable, fatal
from bridge.retry import TIMEOUT, patiently

T = TypeVar("T")


@frozen
class Dek:
    """A DEK that is unwrapped. ``identity`` tells it from any other, without its key."""

    kek: str
    subject: str
    version: int
    algorithm: Algorithm
    created_ms: int
    identity: str
    material: bytes = field(repr=False, eq=False)
    ivs: Ivs = field(factory=Ivs, repr=False, eq=False)

    def cipher(self, *, versioned: bool) -> Cipher:
        """Ready for use; ``versioned``: its version is written before the ciphertext."""
        return cipher_of(self.material, self.algorithm, self.version if versioned else None, self.ivs)


@define
class Deks:
    """``params``: ``rule.executors._default_.param.*`` without that prefix. For one thread at a time.

    ``fresh_seconds``: how long a DEK to write with is used before the registry is asked for it again.
    """

    registry: DekRegistry
    params: Mapping[str, str] = field(factory=dict, repr=False)
    fresh_seconds: float = 300.0
    retry_seconds: float = 300.0
    now: Callable[[], float] = time.time
    open_kms: Callable[[str, str, Mapping[str, str]], Kms] = open_kms
    without: frozenset[str] = frozenset()
    """KMS keys that are not to be asked, as if they were gone."""
    permitted: Permitted = field(factory=Permitted)
    identities: Identities | None = None
    """Who knows which KEKs were meant, for those who write; readers take what there is."""
    closed: threading.Event = field(factory=threading.Event)
    uses: Uses | None = None
    """Counts what is encrypted; None: nobody does, because it does not leave the process."""
    _ivs: dict[Key, Ivs] = field(factory=dict, repr=False)
    _writing: dict[tuple[str, str, str, int], tuple[float, Dek]] = field(factory=dict, repr=False)
    _last: dict[tuple[str, str, str, int], Dek] = field(factory=dict, repr=False)
    """Those to write with as they were when they were asked for last."""
    _reading: dict[tuple[str, str, str, int], Dek] = field(factory=dict, repr=False)
    _unwrapped: dict[str, bytes] = field(factory=dict, repr=False)
    _drivers: dict[tuple[object, ...], Kms] = field(factory=dict, repr=False)

    def for_writing(self, rule: EncryptRule, subject: str) -> Dek:
        """The DEK that encrypts now. Raises Retriable for what may pass, Fatal for a denied or unknown key."""
        key = (rule.kek, subject, str(rule.algorithm), rule.expiry_days)
        cached = self._writing.get(key)
        if cached is not None and self.now() < cached[0]:
            return cached[1]
        dek = self._last[key] = self._no_other(self._got_or_made(rule, subject), self._last.get(key))
        until = self.now() + self.fresh_seconds
        if rule.expiry_days:
            until = min(until, dek.created_ms / 1000 + rule.expiry_days * 86_400)
        self._writing[key] = (until, dek)
        if self.uses is not None:
            self.uses.meter(dek, dek.ivs, rotates=rule.expiry_days > 0, rule=rule.name)
        return dek

    def forget(self) -> None:
        """Ask the registry for the DEKs to write with anew."""
        self._writing.clear()

    def for_reading(self, kek: str, subject: str, algorithm: Algorithm, version: int) -> Dek:
        """The DEK of a ciphertext (-1: the latest). Fatal where there is none."""
        key = (kek, subject, str(algorithm), version)
        cached = self._reading.get(key)
        if cached is None:
            registered = self.registry.kek(kek, deleted=True)
            if registered is None:
                raise fatal(f"there is no KEK {kek}")
            wrapped = self.registry.dek(kek, subject, algorithm, version, deleted=True)
            if wrapped is None:
                raise fatal(f"there is no DEK of {subject} under KEK {kek} ({algorithm}, version {version})")
            cached = self._reading[key] = self._opened(registered, wrapped)
        return cached

    def kek_of(self, rule: EncryptRule) -> Kek:
        """The rule's KEK, registered where it is not yet."""
        kek = self.registry.kek(rule.kek)
        if kek is None:
            if not rule.kms_type or not rule.kms_key:
                raise fatal(
                    f"the rule {rule.name} names the KEK {rule.kek}, which is not registered, and not what to "
                    "register it with: encrypt.kms.type and encrypt.kms.key.id"
                )
            try:
                kek = self.registry.create_kek(Kek(rule.kek, rule.kms_type, rule.kms_key))
            except ExistsError:
                kek = self.registry.kek(rule.kek)
        if kek is None:
            raise fatal(f"the KEK {rule.kek} exists and is deleted; restore it, or name another")
        self._check_same(rule, kek)
        if self.identities is not None:
            self.identities.check(kek)
        return kek

    def rotate(self, rule: EncryptRule, subject: str) -> Dek:
        """A new version, whatever the age of the latest."""
        kek = self.kek_of(rule)
        latest = self.registry.dek(kek.name, subject, rule.algorithm)
        dek = self._made(kek, subject, rule.algorithm, 1 if latest is None else latest.version + 1)
        self.forget()
        return dek

    def unwrap(self, kek: Kek, dek: WrappedDek) -> bytes:
        """The plaintext of a wrapped DEK, asked of the KMS each time; of a shared KEK the registry's own word."""
        if kek.shared and dek.plain is not None:
            return dek.plain
        return self._first(kek, lambda kms: kms.unwrap(dek.wrapped))

    def wrap(self, kek: Kek, material: bytes) -> bytes:
        """Wrapped under the newest of the KEK's keys, or the first other one that can."""
        return self._first(kek, lambda kms: kms.wrap(material), newest_key(self, kek))

    def unwrap_probe(self, kek: Kek) -> None:
        """Fatal, Retriable where the KMS key cannot be used."""
        probe = b"a key that may be used wraps and unwraps"
        if self._first(kek, lambda kms: kms.unwrap(kms.wrap(probe))) != probe:
            raise fatal(f"{kek.kms_key} does not give back what it wrapped")

    def unwraps(self, kek: Kek, dek: WrappedDek, key_id: str) -> bool:
        """Whether one key of the KMS opens a DEK; also no where it cannot be asked. Asked once."""
        try:
            material = self._driver(kek.kms_type, key_id, self.params_of(kek)).unwrap(dek.wrapped)
            key_of(material, dek.algorithm)
        except (BridgeError, ValueError):
            return False
        return True

    def keys_of(self, kek: Kek) -> tuple[str, ...]:
        """The ids of a KEK's keys: that which it was registered with, then the alternates, the newest of them first."""
        ids = (kek.kms_key, *listed(self.params_of(kek).get(ALTERNATES)))
        return tuple(k for k in dict.fromkeys(ids) if k not in self.without)

    def params_of(self, kek: Kek) -> dict[str, str]:
        """A KMS's parameters: the KEK's own before the configuration."""
        return {**self.params, **kek.props}

    def close(self) -> None:
        """End the waiting between two attempts."""
        self.closed.set()

    # --- the protocol ------------------------------------------------------------------------------------------

    def _got_or_made(self, rule: EncryptRule, subject: str) -> Dek:
        kek = self.kek_of(rule)
        version = -1 if rule.expiry_days else 1
        newest = self.registry.dek(kek.name, subject, rule.algorithm, version)
        if newest is None:
            return self._made(kek, subject, rule.algorithm, 1)
        worn = rule.expiry_days > 0 and self.uses is not None and self.uses.worn(newest)
        if worn or newest.older_than(rule.expiry_days, self.now() * 1000):
            return self._made(kek, subject, rule.algorithm, newest.version + 1)
        return self._opened(kek, newest)

    def _no_other(self, answered: Dek, before: Dek | None) -> Dek:
        """Fatal for a DEK that takes the place of a newer one, or has another key than its version had: whoever answers
        for the registry would choose which key is used."""
        if before is not None and (
            answered.version < before.version
            or (answered.version == before.version and answered.material != before.material)
        ):
            what = "with another key" if answered.version == before.version else f"after {before.version}"
            raise fatal(
                f"the registry answers for the DEK of {answered.subject} under KEK {answered.kek} with version "
                f"{answered.version} {what}, which is no successor; if "
                "somebody deleted the DEK on purpose, restart the connector"
            )
        return answered

    def _made(self, kek: Kek, subject: str, algorithm: Algorithm, version: int) -> Dek:
        wrapped = None
        if not kek.shared:
            wrapped = self.wrap(kek, new_material(algorithm))
        try:
            stored: WrappedDek | None = self.registry.create_dek(
                kek.name, subject, algorithm, version, wrapped
            )
        except ExistsError:
            stored = self.registry.dek(kek.name, subject, algorithm, version)
        if stored is None:
            raise fatal(f"the DEK of {subject} under KEK {kek.name} exists and is deleted; restore it")
        if kek.shared and stored.plain is None:
            stored = self.registry.dek(kek.name, subject, algorithm, version) or stored
        return self._opened(kek, stored)

    def _opened(self, kek: Kek, wrapped: WrappedDek) -> Dek:
        source = wrapped.plain if kek.shared and wrapped.plain is not None else wrapped.wrapped
        identity = hashlib.sha256(source).hexdigest()
        material = self._unwrapped.get(identity)
        if material is None:
            material = self.unwrap(kek, wrapped)
            self._unwrapped[identity] = material
        try:
            cipher_of(material, wrapped.algorithm)
        except ValueError:
            raise fatal(
                f"the DEK of {wrapped.subject} under KEK {kek.name}, version {wrapped.version}, is no key for "
                f"{wrapped.algorithm}"
            ) from None
        return Dek(
            kek.name,
            wrapped.subject,
            wrapped.version,
            wrapped.algorithm,
            wrapped.created_ms,
            identity[:16],
            material,
            self._ivs.setdefault(uses_key(wrapped), Ivs()),
        )

    def _check_same(self, rule: EncryptRule, kek: Kek) -> None:
        """A KEK of that name with another key: what the rule says would silently not be so."""
        pairs = (("type", rule.kms_type, kek.kms_type), ("key", rule.kms_key, kek.kms_key))
        different = [name for name, wanted, has in pairs if wanted and wanted != has]
        if different:
            raise fatal(
                f"the KEK {kek.name} is registered with another KMS {' and '.join(different)} ({kek.kms_type} "
                f"{kek.kms_key}) than the rule {rule.name} names ({rule.kms_type} {rule.kms_key})"
            )

    # --- KMS ---------------------------------------------------------------------------------------------------

    def _first(self, kek: Kek, ask: Callable[[Kms], T], before: str | None = None) -> T:
        """The KEK's key, then its alternates, ``before`` before them all; again while one of them may come back."""
        params = self.params_of(kek)
        ids = sorted(self.keys_of(kek), key=lambda key_id: key_id != before)
        if not ids:
            raise fatal(f"the KEK {kek.name} has no other key")

        def round_() -> T:
            errors: list[BridgeError] = []
            for key_id in ids:
                try:
                    return ask(self._driver(kek.kms_type, key_id, params))
                except (Fatal, Retriable) as error:
                    errors.append(error)
            raise next((e for e in errors if isinstance(e, Retriable)), errors[0])

        pause = self.closed.wait
        return patiently(round_, seconds=self.retry_seconds, limit=TIMEOUT, pause=pause, longest=30.0)

    def _driver(self, kms_type: str, key_id: str, params: Mapping[str, str]) -> Kms:
        self.permitted.check(kms_type, key_id)
        key = (kms_type, key_id, *sorted(params.items()))
        driver = self._drivers.get(key)
        if driver is None:
            driver = opened(kms_type, lambda: self.open_kms(kms_type, key_id, params))
            self._drivers[key] = driver
        return driver
