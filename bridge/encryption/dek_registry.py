"""The DEK registry's operations: KEKs and DEKs as it keeps them. Protocol: ``/dek-registry/v1`` of Schema Registry
8.3. Every method raises Retriable when the registry cannot be reached in time, Fatal for what it refuses."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar
from urllib.parse import quote

from attrs import field, frozen

from bridge.encryption.envelope import Algorithm
from bridge.errors import Fatal, Stage, fatal
from bridge.errors.words import words
from bridge.registry import answers
from bridge.registry.answers import checked
from bridge.registry.http import Caller, NoRegistryError, Refused

T = TypeVar("T")
_BASE: Final = "/dek-registry/v1/keks"
NOT_FOUND: Final = 40470
_DAY: Final = 86_400_000


class ExistsError(Exception):
    """Somebody else was quicker: the key is there already, with other content."""


@frozen
class Kek:
    """A key encryption key's registration."""

    name: str
    kms_type: str
    kms_key: str
    props: Mapping[str, str] = field(factory=dict, hash=False, repr=False)
    shared: bool = False
    deleted: bool = False
    doc: str | None = None


@frozen
class WrappedDek:
    """A DEK as the registry has it. ``plain`` is there only for a shared KEK."""

    kek: str
    subject: str
    version: int
    algorithm: Algorithm
    wrapped: bytes = field(repr=False)
    plain: bytes | None = field(default=None, repr=False)
    created_ms: int = 0
    deleted: bool = False

    def older_than(self, days: int, now_ms: float) -> bool:
        """Whether its age is ``days`` or more; never for 0 days."""
        return days > 0 and now_ms - self.created_ms >= days * _DAY


class DekRegistry:
    """``context``: ``.name``, sent with questions about KEKs as newer clients do; empty for the default one."""

    def __init__(self, http: Caller, context: str = "") -> None:
        self._http = http
        self._context = context

    def keks(self) -> list[str]:
        """The names of all KEKs."""
        return list(self._ask("GET", _BASE, "the keys", list[str]))

    def kek(self, name: str, *, deleted: bool = False) -> Kek | None:
        """One KEK, None where there is none."""
        query = f"?deleted={str(deleted).lower()}" + (f"&context={self._context}" if self._context else "")
        answer = self._find("GET", f"{_BASE}/{_quoted(name)}{query}", f"KEK {name}", answers.Kek)
        return None if answer is None else _kek(answer, name)

    def create_kek(self, kek: Kek) -> Kek:
        """Register a KEK. Raises ExistsError."""
        query = f"?context={self._context}" if self._context else ""
        body = {"name": kek.name, "kmsType": kek.kms_type, "kmsKeyId": kek.kms_key, "shared": kek.shared}
        if kek.props:
            body["kmsProps"] = dict(kek.props)
        if kek.doc:
            body["doc"] = kek.doc
        return _kek(self._ask("POST", _BASE + query, f"KEK {kek.name}", answers.Kek, body), kek.name)

    def subjects(self, kek: str) -> list[str]:
        """Subjects that have DEKs under a KEK."""
        path = f"{_BASE}/{_quoted(kek)}/deks"
        return list(self._find("GET", path, f"KEK {kek}", list[str]) or [])

    def versions(self, kek: str, subject: str, algorithm: Algorithm) -> list[int]:
        """The versions of a subject's DEK, ascending."""
        path = f"{self._deks(kek, subject)}/versions?algorithm={algorithm}"
        return sorted(self._find("GET", path, f"the DEK of {subject}", list[int]) or [])

    def dek(
        self, kek: str, subject: str, algorithm: Algorithm, version: int = -1, *, deleted: bool = False
    ) -> WrappedDek | None:
        """One version (-1: the latest), None where there is none."""
        query = f"?algorithm={algorithm}" + ("&deleted=true" if deleted else "")
        path = f"{self._deks(kek, subject)}/versions/{version}{query}"
        answer = self._find("GET", path, f"the DEK of {subject}", answers.Dek)
        return None if answer is None else _dek(answer, kek, subject, algorithm, version)

    def create_dek(
        self,
        kek: str,
        subject: str,
        algorithm: Algorithm,
        version: int,
        wrapped: bytes | None,
        *,
        rewrap: bool = False,
    ) -> WrappedDek:
        """Register a version; without ``wrapped`` the registry makes the key (shared KEKs). Raises ExistsError.

        ``rewrap``: replace what is stored for that very version.
        """
        body: dict[str, object] = {"subject": subject, "version": version, "algorithm": str(algorithm)}
        if wrapped is not None:
            body["encryptedKeyMaterial"] = base64.b64encode(wrapped).decode()
        what, query = f"the DEK of {subject}", "?rewrap=true" if rewrap else ""
        try:
            answer = self._raw("POST", self._deks(kek, subject) + query, what, body)
        except Refused as refusal:
            if refusal.status != 405:
                raise _worded(refusal, what) from None
            answer = self._ask("POST", f"{_BASE}/{_quoted(kek)}/deks{query}", what, answers.Dek, body)
        return _dek(checked(answer, answers.Dek, what, Stage.ENCRYPT), kek, subject, algorithm, version)

    def update_kek(self, name: str, changes: Mapping[str, object]) -> Kek:
        """Change ``kmsProps``, ``doc`` or ``shared``."""
        return _kek(
            self._ask("PUT", f"{_BASE}/{_quoted(name)}", f"KEK {name}", answers.Kek, dict(changes)), name
        )

    def _deks(self, kek: str, subject: str) -> str:
        return f"{_BASE}/{_quoted(kek)}/deks/{_quoted(subject)}"

    def _raw(self, method: str, path: str, what: str, body: object = None, *, none: bool = False) -> object:
        try:
            return self._http.call(method, path, body)
        except Refused as refusal:
            if none and refusal.status == 404:
                if refusal.code == NOT_FOUND:
                    return None
                raise fatal(_NO_REGISTRY) from None
            if refusal.status == 409:
                raise ExistsError(what) from None
            raise
        except NoRegistryError as error:
            # a registry without the DEK API has no such path: 404 with an empty body, or with a page
            if error.status == 404:
                raise fatal(_NO_REGISTRY) from None
            raise

    def _find(self, method: str, path: str, what: str, shape: type[T]) -> T | None:
        """The answer, of the shape that is expected; None where the registry has no such thing."""
        try:
            answer = self._raw(method, path, what, none=True)
        except Refused as refusal:
            raise _worded(refusal, what) from None
        return None if answer is None else checked(answer, shape, what, Stage.ENCRYPT)

    def _ask(self, method: str, path: str, what: str, shape: type[T], body: object = None) -> T:
        """The answer, of the shape that is expected."""
        try:
            answer = self._raw(method, path, what, body)
        except Refused as refusal:
            raise _worded(refusal, what) from None
        return checked(answer, shape, what, Stage.ENCRYPT)


_NO_REGISTRY: Final = (
    "the schema registry has no DEK registry (/dek-registry/v1 is not found): encryption keys are kept there; "
    "use a registry that has one"
)


def _worded(refusal: Refused, what: str) -> Fatal:
    if refusal.status in (401, 403):
        return fatal(
            f"the registry does not allow this for {what} ({refusal.status}): {words(refusal.message)}"
        )
    if refusal.status == 404 and refusal.code == 404:
        return fatal(_NO_REGISTRY)
    return fatal(f"the registry refused {what} ({refusal.code}): {words(refusal.message)}")


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _kek(answer: answers.Kek, name: str) -> Kek:
    """Of the KEK that was asked for: what is known of a KEK, and may be done with it, goes by its name."""
    _same("the KEK", (("name", name, answer["name"]),), name)
    return Kek(
        answer["name"],
        answer["kmsType"],
        answer["kmsKeyId"],
        dict(answer.get("kmsProps") or {}),
        bool(answer.get("shared")),
        bool(answer.get("deleted")),
        answer.get("doc"),
    )


def _dek(answer: answers.Dek, kek: str, subject: str, algorithm: Algorithm, version: int) -> WrappedDek:
    """Of the DEK that was asked for (version -1: whichever is the latest). Another subject's may be known to others,
    another algorithm's may give equality away, and under another version its values would be counted anew."""
    plain = answer.get("keyMaterial")
    try:
        dek = WrappedDek(
            answer["kekName"],
            answer["subject"],
            answer["version"],
            Algorithm(answer.get("algorithm") or "AES256_GCM"),
            base64.b64decode(answer.get("encryptedKeyMaterial") or "", validate=True),
            base64.b64decode(plain, validate=True) if plain else None,
            answer.get("ts") or 0,
            bool(answer.get("deleted")),
        )
    except ValueError:  # an algorithm nobody knows, a key that is no Base64
        raise fatal(
            "the DEK registry's answer about a DEK names no known algorithm, or its key is no Base64"
        ) from None
    pairs = [
        ("KEK", kek, dek.kek),
        ("subject", subject, dek.subject),
        ("algorithm", algorithm, dek.algorithm),
    ]
    if version > 0:
        pairs.append(("version", str(version), str(dek.version)))
    _same("the DEK of", pairs, subject)
    return dek


def _same(what: str, pairs: Iterable[tuple[str, str, str]], name: str) -> None:
    for part, wanted, there in pairs:
        if wanted != there:
            raise fatal(
                f"the DEK registry answers for {what} {name} with another {part}, {words(there)} instead of {wanted}: "
                "a key that was not asked for is not used"
            )
