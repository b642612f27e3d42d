"""KEKs and DEKs as the DEK registry keeps them, with its rules of creating, deleting and restoring.

Behaviour: recorded exchanges with the DEK Registry of Schema Registry 8.3.1. A DEK's key is (KEK, subject, algorithm,
version). For a shared KEK the registry itself makes and unwraps DEKs, with the bridge's own KMS drivers.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import define, evolve, field

from bridge.encryption.envelope import Algorithm, new_material
from bridge.encryption.kms import DRIVERS, Kms, open_kms
from bridge.errors import BridgeError
from bridge.sandbox.registry.error_codes import RegistryError

_NAME: Final = re.compile(r"[^\W\d][\w-]{0,255}")
_PREFIXES: Final = {
    "aws-kms": ("arn:aws:kms:",),
    "azure-kms": ("https://",),
    "gcp-kms": ("projects/",),
    "hcvault": ("http://", "https://"),
}
Json = dict[str, Any]


def not_found(what: object) -> RegistryError:
    """40470."""
    return RegistryError(40470, f"Key '{what}' not found")


def invalid(name: str) -> RegistryError:
    """42271."""
    return RegistryError(42271, f"Invalid or missing value for field '{name}' of key")


def exists(what: object) -> RegistryError:
    """40971."""
    return RegistryError(40971, f"Key '{what}' already exists; use a different value")


def _now() -> int:
    return int(time.time() * 1000)


@define
class Kek:
    """A KEK's registration."""

    name: str
    kms_type: str
    kms_key: str
    props: dict[str, str]
    doc: str | None
    shared: bool
    deleted: bool = False
    ts: int = field(factory=_now, eq=False)

    def document(self) -> Json:
        """As it is answered."""
        out: Json = {"name": self.name, "kmsType": self.kms_type, "kmsKeyId": self.kms_key}
        out["kmsProps"] = dict(sorted(self.props.items()))
        if self.doc:
            out["doc"] = self.doc
        out |= {"shared": self.shared, "ts": self.ts}
        return out | ({"deleted": True} if self.deleted else {})


@define
class Dek:
    """One version of a DEK."""

    kek: str
    subject: str
    version: int
    algorithm: Algorithm
    wrapped: str
    deleted: bool = False
    ts: int = field(factory=_now, eq=False)

    def document(self, plain: bytes | None) -> Json:
        """As it is answered; ``plain`` for a shared KEK."""
        out: Json = {"kekName": self.kek, "subject": self.subject, "version": self.version}
        out |= {"algorithm": str(self.algorithm), "encryptedKeyMaterial": self.wrapped}
        if plain is not None:
            out["keyMaterial"] = base64.b64encode(plain).decode()
        out["ts"] = self.ts
        return out | ({"deleted": True} if self.deleted else {})


@define
class Keys:
    """Everything that is kept. ``open_kms`` makes the driver that a shared KEK needs."""

    open_kms: Callable[[str, str, Mapping[str, str]], Kms] = open_kms
    keks: dict[str, Kek] = field(factory=dict)
    deks: dict[tuple[str, str, str, int], Dek] = field(factory=dict)

    # --- KEKs --------------------------------------------------------------------------------------------------

    def kek(self, name: str, *, deleted: bool = False) -> Kek:
        """Raises 42271 for no name at all, 40470."""
        if not _NAME.fullmatch(name):
            raise invalid("name")
        found = self.keks.get(name)
        if found is None or (found.deleted and not deleted):
            raise not_found(name)
        return found

    def create_kek(self, body: Json) -> Kek:
        """Register a KEK; one equal to a deleted one restores it."""
        name, kms_type, kms_key = body.get("name"), body.get("kmsType"), body.get("kmsKeyId")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise invalid("name")
        if not kms_type or not isinstance(kms_type, str):
            raise invalid("kmsType")
        if not kms_key or not isinstance(kms_key, str) or not _fits(kms_type, kms_key):
            raise invalid("kmsKeyId")
        made = Kek(
            name,
            _normal(kms_type),
            kms_key,
            _texts(body.get("kmsProps")),
            body.get("doc"),
            bool(body.get("shared")),
            bool(body.get("deleted")),
        )
        known = self.keks.get(name)
        if known is not None and (not known.deleted or evolve(known, deleted=made.deleted) != made):
            raise exists(name)
        self.keks[name] = made
        return made

    def update_kek(self, name: str, body: Json) -> Kek:
        """Change properties, words or sharing: null clears, absent keeps."""
        known = self.kek(name)
        changed = evolve(
            known,
            props=_texts(body["kmsProps"]) if "kmsProps" in body else known.props,
            doc=body.get("doc", known.doc),
            shared=bool(body["shared"]) if "shared" in body else known.shared,
        )
        if changed != known:
            self.keks[name] = evolve(changed, ts=_now())
        return self.keks[name]

    def delete_kek(self, name: str, *, permanent: bool) -> None:
        """Soft first, then for good; never while there are DEKs."""
        known = self.kek(name, deleted=True)
        if any(dek.kek == name and (permanent or not dek.deleted) for dek in self.deks.values()):
            raise RegistryError(42272, f"One or more references exist to the key '{name}'")
        if not permanent:
            self.keks[name] = evolve(known, deleted=True, ts=_now())
        elif not known.deleted:
            raise _not_deleted(name)
        else:
            del self.keks[name]

    def undelete_kek(self, name: str) -> None:
        """Restore."""
        self.keks[name] = evolve(self.kek(name, deleted=True), deleted=False)

    def kms(self, kek: Kek, subject: str) -> Kms:
        """The driver of a shared KEK. Raises 50070."""
        if kek.kms_type not in DRIVERS:
            url = f"{kek.kms_type}://{kek.kms_key}"
            text = f"Could not generate encrypted dek for {subject}: No KMS driver supports: {url}"
            raise RegistryError(50070, text)
        try:
            return self.open_kms(kek.kms_type, kek.kms_key, kek.props)
        except BridgeError as error:
            raise RegistryError(
                50070, f"Could not generate encrypted dek for {subject}: {error.message}"
            ) from None

    # --- DEKs --------------------------------------------------------------------------------------------------

    def of(self, kek: str, subject: str, algorithm: Algorithm) -> list[Dek]:
        """All versions, ascending, deleted ones included."""
        found = (d for k, d in self.deks.items() if k[:3] == (kek, subject, str(algorithm)))
        return sorted(found, key=lambda dek: dek.version)

    def subjects(self, kek: str, *, deleted: bool) -> list[str]:
        """Subjects with DEKs under a KEK."""
        return sorted({d.subject for d in self.deks.values() if d.kek == kek and (deleted or not d.deleted)})

    def dek(
        self, kek: str, subject: str, algorithm: Algorithm, version: int, *, deleted: bool = False
    ) -> Dek:
        """One version; -1 the latest. Raises 40470."""
        self.kek(kek, deleted=True)
        found = [d for d in self.of(kek, subject, algorithm) if deleted or not d.deleted]
        picked = found[-1:] if version == -1 else [d for d in found if d.version == version]
        if not picked:
            raise not_found(subject)
        return picked[0]

    def create_dek(self, kek: Kek, subject: str, body: Json, *, rewrap: bool) -> Dek:
        """Register a version; what the caller wrapped, or, for a shared KEK, what the registry makes."""
        algorithm = _algorithm(body.get("algorithm"))
        version = body.get("version", 1)
        given = body.get("encryptedKeyMaterial")
        if not given and not kek.shared:
            raise invalid("encryptedKeyMaterial")
        key = (kek.name, subject, str(algorithm), version)
        known = self.deks.get(key)
        if known is not None and not rewrap and (not known.deleted or not given or known.wrapped != given):
            raise exists(subject)
        made = Dek(kek.name, subject, version, algorithm, given or "", bool(body.get("deleted")))
        if kek.shared:
            made.wrapped = self._shared(kek, made, known)
        self.deks[key] = made
        return made

    def plain(self, dek: Dek) -> bytes | None:
        """The key itself, for a shared KEK. Raises 50070."""
        kek = self.keks[dek.kek]
        if not kek.shared:
            return None
        try:
            return self.kms(kek, dek.subject).unwrap(base64.b64decode(dek.wrapped))
        except (BridgeError, ValueError) as error:
            text = f"Could not generate raw dek for {dek.subject}: {_short(error)}"
            raise RegistryError(50070, text) from None

    def delete_deks(self, found: list[Dek], subject: str, *, permanent: bool) -> None:
        """Delete versions, softly first. Raises 40470, 40471."""
        if not found:
            raise not_found(subject)
        if permanent and not all(dek.deleted for dek in found):
            raise _not_deleted(subject)
        for dek in found:
            if permanent:
                del self.deks[dek.kek, dek.subject, str(dek.algorithm), dek.version]
            else:
                dek.deleted = True

    def _shared(self, kek: Kek, made: Dek, known: Dek | None) -> str:
        if known is not None:
            return base64.b64encode(self.kms(kek, made.subject).wrap(self.plain(known) or b"")).decode()
        if made.wrapped:
            self.plain(made)
            return made.wrapped
        kms = self.kms(kek, made.subject)
        return base64.b64encode(kms.wrap(new_material(made.algorithm))).decode()


def _not_deleted(what: str) -> RegistryError:
    return RegistryError(40471, f"Key '{what}' was not deleted first before being permanently deleted")


def _short(error: Exception) -> str:
    text = error.message if isinstance(error, BridgeError) else str(error)
    return "ciphertext too short" if "short" in text else text


def _algorithm(given: Any) -> Algorithm:
    try:
        return Algorithm(given or "AES256_GCM")
    except ValueError:
        known = ", ".join(sorted(Algorithm))
        text = (
            f'Cannot deserialize value of type `DekFormat` from String "{given}": not one of the values accepted for '
            f"Enum class: [{known}]"
        )
        raise RegistryError(400, text) from None


def _fits(kms_type: str, key: str) -> bool:
    return key.startswith(_PREFIXES.get(kms_type, ("",)))


def _normal(kms_type: str) -> str:
    return next((f"{cloud}-kms" for cloud in ("aws", "azure", "gcp") if kms_type.startswith(cloud)), kms_type)


def _texts(given: Any) -> dict[str, str]:
    if given is not None and not isinstance(given, dict):
        kind = "String value" if isinstance(given, str) else "value"
        text = (
            "Cannot construct instance of `LinkedHashMap` (although at least one Creator exists): no "
            f"String-argument constructor/factory method to deserialize from {kind} ('{given}')"
        )
        raise RegistryError(400, text)
    return {str(key): str(value) for key, value in (given or {}).items()}
