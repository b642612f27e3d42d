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
from bridge.sandbox.registry.error_codes import RegistryError, server_fault

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
    props: dict[str, str | None]
    doc: str | None
    shared: bool
    deleted: bool = False
    ts: int = field(factory=_now, eq=False)

    def document(self) -> Json:
        """As it is answered."""
        out: Json = {"name": self.name, "kmsType": self.kms_type, "kmsKeyId": self.kms_key}
        out["kmsProps"] = dict(sorted(self.props.items()))
        if self.doc is not None:
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
        kek = self.keks.get(name)
        if kek is None or (kek.deleted and not deleted):
            raise not_found(name)
        return kek

    def create_kek(self, body: Json) -> Kek:
        """Register a KEK; one equal to a deleted one restores it."""
        name, kms_type, kms_key = body.get("name"), body.get("kmsType"), body.get("kmsKeyId")
        if name is None or not _NAME.fullmatch(name):
            raise invalid("name")
        if not kms_key:
            raise invalid("kmsKeyId")
        if kms_type is None:
            raise invalid("kmsType")
        if not _fits(kms_type, kms_key):
            raise invalid("kmsKeyId")
        kek = Kek(
            name,
            _normal(kms_type),
            kms_key,
            dict(body.get("kmsProps") or {}),
            body.get("doc"),
            body.get("shared") is True,
            body.get("deleted") is True,
        )
        earlier = self.keks.get(name)
        if earlier is not None and (
            earlier.deleted == kek.deleted or evolve(earlier, deleted=kek.deleted) != kek
        ):
            raise exists(name)
        self.keks[name] = kek
        return kek

    def changed_kek(self, name: str, body: Json) -> Kek:
        """A KEK as an update would make it: null clears, absent keeps."""
        kek = self.kek(name)
        if body.get("shared", kek.shared) is None:
            raise server_fault()
        return evolve(
            kek,
            props=dict(body["kmsProps"] or {}) if "kmsProps" in body else kek.props,
            doc=body.get("doc", kek.doc),
            shared=body.get("shared", kek.shared),
        )

    def update_kek(self, name: str, body: Json) -> Kek:
        """Change properties, words or sharing."""
        changed = self.changed_kek(name, body)
        if changed != self.keks[name]:
            self.keks[name] = evolve(changed, ts=_now())
        return self.keks[name]

    def delete_kek(self, name: str, *, permanent: bool) -> None:
        """Soft first, then for good; never while there are DEKs."""
        kek = self.kek(name, deleted=True)
        if any(dek.kek == name and (permanent or not dek.deleted) for dek in self.deks.values()):
            raise RegistryError(42272, f"One or more references exist to the key '{name}'")
        if not permanent:
            self.keks[name] = evolve(kek, deleted=True, ts=_now())
        elif not kek.deleted:
            raise _not_deleted(name)
        else:
            del self.keks[name]

    def undelete_kek(self, name: str) -> None:
        """Restore."""
        self.keks[name] = evolve(self.kek(name, deleted=True), deleted=False, ts=_now())

    def kms(self, kek: Kek, subject: str) -> Kms:
        """The driver of a shared KEK. Raises 50070."""
        if kek.kms_type not in DRIVERS:
            url = f"{kek.kms_type}://{kek.kms_key}"
            text = f"Could not generate encrypted dek for {subject}: No KMS driver supports: {url}"
            raise RegistryError(50070, text)
        try:
            props = {key: value for key, value in kek.props.items() if value is not None}
            return self.open_kms(kek.kms_type, kek.kms_key, props)
        except BridgeError as error:
            raise RegistryError(
                50070, f"Could not generate encrypted dek for {subject}: {error.message}"
            ) from None

    # --- DEKs --------------------------------------------------------------------------------------------------

    def of(self, kek: str, subject: str, algorithm: Algorithm) -> list[Dek]:
        """All versions from 1 on, ascending, deleted ones included. (Others can be made, and got by number.)"""
        deks = (d for k, d in self.deks.items() if k[:3] == (kek, subject, str(algorithm)) and k[3] > 0)
        return sorted(deks, key=lambda dek: dek.version)

    def subjects(self, kek: str, *, deleted: bool) -> list[str]:
        """Subjects with DEKs under a KEK."""
        return sorted({d.subject for d in self.deks.values() if d.kek == kek and (deleted or not d.deleted)})

    def dek(
        self, kek: str, subject: str, algorithm: Algorithm, version: int, *, deleted: bool = False
    ) -> Dek:
        """One version; -1 the latest. Raises 40470."""
        self.kek(kek, deleted=deleted)
        if version == -1:
            picked = [d for d in self.of(kek, subject, algorithm) if deleted or not d.deleted][-1:]
        else:
            one = self.deks.get((kek, subject, str(algorithm), version))
            picked = [one] if one is not None and (deleted or not one.deleted) else []
        if not picked:
            raise not_found(subject)
        return picked[0]

    def create_dek(self, kek: Kek, subject: str, body: Json, *, rewrap: bool) -> Dek:
        """Register a version; what the caller wrapped, or, for a shared KEK, what the registry makes."""
        algorithm = Algorithm(body.get("algorithm") or "AES256_GCM")
        version = 1 if body.get("version") is None else body["version"]
        given = body.get("encryptedKeyMaterial")
        key = (kek.name, subject, str(algorithm), version)
        earlier, deleted = self.deks.get(key), body.get("deleted") is True
        if earlier is not None and not rewrap and (earlier.deleted == deleted or earlier.wrapped != given):
            raise exists(subject)
        if earlier is not None and given is not None and kek.shared:
            raise exists(subject)
        if given is None and not kek.shared:
            raise invalid("encryptedKeyMaterial")
        dek = Dek(kek.name, subject, version, algorithm, given or "", deleted)
        if kek.shared:
            dek.wrapped = self._shared(kek, dek, earlier, given)
        self.deks[key] = dek
        return dek

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

    def delete_deks(self, deks: list[Dek], subject: str, *, permanent: bool) -> None:
        """Delete versions, softly first. Raises 40471."""
        if permanent and not all(dek.deleted for dek in deks):
            raise _not_deleted(subject)
        for dek in deks:
            if permanent:
                del self.deks[dek.kek, dek.subject, str(dek.algorithm), dek.version]
            else:
                dek.deleted, dek.ts = True, _now()

    def undelete_deks(self, deks: list[Dek]) -> None:
        """Restore versions."""
        for dek in deks:
            dek.deleted, dek.ts = False, _now()

    def _shared(self, kek: Kek, dek: Dek, earlier: Dek | None, given: str | None) -> str:
        if earlier is not None:
            return base64.b64encode(self.kms(kek, dek.subject).wrap(self.plain(earlier) or b"")).decode()
        if given is not None:
            self.plain(dek)
            return given
        kms = self.kms(kek, dek.subject)
        return base64.b64encode(kms.wrap(new_material(dek.algorithm))).decode()


def _not_deleted(what: str) -> RegistryError:
    return RegistryError(40471, f"Key '{what}' was not deleted first before being permanently deleted")


def _short(error: Exception) -> str:
    text = error.message if isinstance(error, BridgeError) else str(error)
    return "ciphertext too short" if "short" in text else text


def _fits(kms_type: str, key: str) -> bool:
    return key.startswith(_PREFIXES.get(kms_type, ("",)))


def _normal(kms_type: str) -> str:
    clouds = ("aws", "azure", "gcp")
    return next((f"{cloud}-kms" for cloud in clouds if kms_type.lower().startswith(cloud)), kms_type)
