"""Operations on keys: list, create, rotate, rewrap, verify. Each yields what it did, so that progress can be shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NotRequired, TypedDict

from attrs import frozen

from bridge.encryption.dek_registry import DekRegistry, ExistsError, Kek, WrappedDek
from bridge.encryption.deks import Deks
from bridge.encryption.envelope import Algorithm, key_of
from bridge.encryption.identities import ALTERNATES
from bridge.encryption.kms import check
from bridge.encryption.permitted import begins
from bridge.encryption.rules import EncryptRule
from bridge.errors import BridgeError, fatal


class FoundDocument(TypedDict):
    """A version of a DEK, for people and JSON. ``age_days`` to a tenth."""

    kek: str
    subject: str
    algorithm: str
    version: int
    age_days: float
    ok: NotRequired[bool]
    message: NotRequired[str]


@frozen
class Found:
    """One version of a DEK and what is said of it. ``ok`` None: nothing was tried."""

    dek: WrappedDek
    ok: bool | None = None
    message: str = ""

    def document(self, now: float | None = None) -> FoundDocument:
        """For people and JSON; no key material."""
        age = (time.time() if now is None else now) - self.dek.created_ms / 1000
        out: FoundDocument = {
            "kek": self.dek.kek,
            "subject": self.dek.subject,
            "algorithm": str(self.dek.algorithm),
            "version": self.dek.version,
            "age_days": round(max(age, 0) / 86_400, 1),
        }
        if self.ok is not None:
            out["ok"] = self.ok
        if self.message:
            out["message"] = self.message
        return out


def deks_of(registry: DekRegistry, kek: str, subject: str | None = None) -> Iterator[WrappedDek]:
    """Every version of every DEK under a KEK."""
    for name in registry.subjects(kek):
        if subject not in (None, name):
            continue
        for algorithm in Algorithm:
            for version in registry.versions(kek, name, algorithm):
                dek = registry.dek(kek, name, algorithm, version)
                if dek is not None:
                    yield dek


def keks_of(registry: DekRegistry, name: str | None = None) -> list[Kek]:
    """All KEKs, or the one. Fatal where that is not there."""
    names = [name] if name else registry.keks()
    keks = [registry.kek(each) for each in names]
    if name and keks == [None]:
        raise fatal(f"there is no KEK {name}; there is {', '.join(registry.keks()) or 'none'}")
    return [kek for kek in keks if kek is not None]


def create(deks: Deks, kek: Kek, *, subject: str | None, algorithm: Algorithm) -> list[Found]:
    """A KEK, unless it is there already with the same KMS key, and its first DEK for a subject."""
    check(kek.kms_type)
    rule = EncryptRule("keys", False, frozenset(), kek.name, kek.kms_type, kek.kms_key, algorithm)
    if not kek.shared:
        deks.unwrap_probe(kek)
    if deks.registry.kek(kek.name) is None:
        try:
            deks.registry.create_kek(kek)
        except ExistsError:
            raise fatal(f"the KEK {kek.name} exists already, or is deleted and has other content") from None
    deks.kek_of(rule)
    if subject is None:
        return []
    dek = deks.for_writing(rule, subject)
    stored = deks.registry.dek(kek.name, subject, algorithm, dek.version)
    return [] if stored is None else [Found(stored, True, "ready")]


def rotate(deks: Deks, rule: EncryptRule, subject: str) -> Found:
    """A new version of a subject's DEK. Fatal where readers could not follow, for want of an expiry in the rule."""
    if not rule.expiry_days:
        raise fatal(
            f"the rule {rule.name} of {subject} has no encrypt.dek.expiry.days, so ciphertext names no key version and "
            "readers could not tell which to use; set it in the rule (sfbridge schemas register), then rotate"
        )
    dek = deks.rotate(rule, subject)
    stored = deks.registry.dek(dek.kek, subject, dek.algorithm, dek.version)
    assert stored is not None
    return Found(stored, True, f"version {dek.version} encrypts from now on")


def check_target(kek: Kek, key_id: str, named: Iterable[str], allowed: Iterable[str]) -> None:
    """Fatal where connectors would refuse the key that DEKs are to be wrapped under, or where it changes nothing.

    ``named``: alternates that a contract names for the KEK; ``allowed``: ``bridge.kms.allowed.keys``.
    """
    if kek.shared:
        raise fatal(
            f"the KEK {kek.name} is shared: the registry wraps its DEKs (POST …/deks/<subject>?rewrap=true)"
        )
    if kek.kms_type == "local-kms":
        raise fatal(
            f"the KEK {kek.name} is of local-kms, which has only a secret: every key id stands for the same key, so "
            "there is no other one to wrap under. To leave it, create a KEK of a key management service (sfbridge keys "
            "create) and name that in the rule, as a new schema version; what was written stays readable while readers "
            "have the secret"
        )
    if key_id != kek.kms_key and key_id not in named and not any(begins(key_id, entry) for entry in allowed):
        raise fatal(
            f"connectors would refuse the DEKs of KEK {kek.name} under {key_id}: name it first, in the contract's rule "
            f"(encrypt.alternate.kms.key.ids: {key_id}; then give --contract here) or in the worker's properties "
            f"(bridge.kms.allowed.keys={key_id})"
        )


def rewrap(
    deks: Deks, kek: Kek, key_id: str, *, dry_run: bool, stopped: Callable[[], bool]
) -> Iterator[Found]:
    """Every DEK of a KEK wrapped under another key of the same KMS; what is so already is passed over.

    The KEK keeps its first key id, which the registry does not change; the new one becomes its first alternate, and
    clients try alternates when they unwrap. May be interrupted and run again. Fatal for a key that cannot wrap.
    """
    target = deks.open_kms(kek.kms_type, key_id, deks.params_of(kek))
    probe = b"a key that may be used wraps and unwraps"
    if target.unwrap(target.wrap(probe)) != probe:
        raise fatal(f"{key_id} does not give back what it wrapped")
    if not dry_run:
        kek = _with_alternate(deks.registry, kek, key_id)
    for dek in deks_of(deks.registry, kek.name):
        if stopped():
            return
        if _opens(target.unwrap, dek):
            yield Found(dek, True, f"is wrapped under {key_id} already")
            continue
        try:
            material = deks.unwrap(kek, dek)
            key_of(material, dek.algorithm)
        except (BridgeError, ValueError) as error:
            reason = error.message if isinstance(error, BridgeError) else str(error)
            yield Found(dek, False, f"cannot be unwrapped: {reason}")
            continue
        if dry_run:
            yield Found(dek, True, f"would be wrapped under {key_id}")
            continue
        deks.registry.create_dek(
            kek.name, dek.subject, dek.algorithm, dek.version, target.wrap(material), rewrap=True
        )
        stored = deks.registry.dek(kek.name, dek.subject, dek.algorithm, dek.version)
        kept = stored is not None and _opens(target.unwrap, stored)
        yield Found(dek, kept, f"wrapped under {key_id}" if kept else "the registry did not keep it")


def verify_deks(deks: Deks, kek: Kek, subject: str | None = None) -> Iterator[Found]:
    """Whether each DEK unwraps to a key of its algorithm; the KMS is asked for every one."""
    for dek in deks_of(deks.registry, kek.name, subject):
        if deks.without and (kek.shared or kek.kms_type == "local-kms"):
            yield Found(dek, False, _NO_KEYS["shared" if kek.shared else "local"])
            continue
        try:
            key_of(deks.unwrap(kek, dek), dek.algorithm)
        except BridgeError as error:
            yield Found(dek, False, error.message)
        except ValueError:
            yield Found(dek, False, f"unwraps to something that is no {dek.algorithm} key")
        else:
            yield Found(dek, True)


_NO_KEYS: Final = {
    "shared": "the KEK is shared: the registry unwraps it, and with which key cannot be seen from here",
    "local": "local-kms has only a secret, for every key id the same: retire the secret, not a key id",
}


def _opens(unwrap: Callable[[bytes], bytes], dek: WrappedDek) -> bool:
    try:
        key_of(unwrap(dek.wrapped), dek.algorithm)
    except (BridgeError, ValueError):
        return False
    return True


def _with_alternate(registry: DekRegistry, kek: Kek, key_id: str) -> Kek:
    alternates = [k.strip() for k in kek.props.get(ALTERNATES, "").split(",") if k.strip()]
    if key_id in (kek.kms_key, *alternates):
        return kek
    props = {**kek.props, ALTERNATES: ",".join([key_id, *alternates])}
    return registry.update_kek(kek.name, {"kmsProps": props})
