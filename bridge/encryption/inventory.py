"""What keys there are: under which KMS key each is wrapped, how old it is, when it expires, what it is used for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Final, TypedDict

from attrs import define, field

from bridge.encryption.dek_registry import Kek, WrappedDek
from bridge.encryption.deks import Deks
from bridge.encryption.keys import Found, FoundDocument, deks_of
from bridge.encryption.rules import EncryptRule, read_rules
from bridge.encryption.wrapping import wrapped_under
from bridge.errors import BridgeError
from bridge.registry.client import Registry

HEADERS: Final = ("kek", "subject", "algorithm", "version", "age", "expiry", "wrapped under", "use")
_DAY: Final = 86_400


class KekDocument(TypedDict):
    """A KEK, for people and JSON."""

    name: str
    kmsType: str
    kmsKeyId: str
    alternates: list[str]
    shared: bool


class DekDocument(FoundDocument, total=False):
    """A version of a DEK among the others of its subject. Ages are days."""

    versions: int
    expiry_days: int | None
    expires_in_days: float
    """Only for the newest version of a DEK that expires; below 0 where it is overdue."""
    wrapped_under: str | None
    use: str
    values: int
    """Only where it is known how many values were encrypted under it: at most so many, because they are reserved ahead
    (``uses.py``) and what was not used is given back when its connector stops."""


def kek_document(deks: Deks, kek: Kek) -> KekDocument:
    """A KEK for people and JSON."""
    first, *alternates = deks.keys_of(kek)
    return {
        "name": kek.name,
        "kmsType": kek.kms_type,
        "kmsKeyId": first,
        "alternates": alternates,
        "shared": kek.shared,
    }


@define
class Inventory:
    """Lists DEKs. ``values``: how many values were encrypted under a DEK, as far as that is known."""

    deks: Deks
    registry: Registry
    values: Mapping[tuple[str, str, str, int], int] | None = None
    now: float = field(factory=time.time)
    _rules: dict[str, list[EncryptRule]] = field(factory=dict)

    def of(self, kek: Kek) -> Iterator[DekDocument]:
        """Each DEK version under a KEK, for JSON. The KMS is asked where the KEK has more than one key."""
        every = list(deks_of(self.deks.registry, kek.name))
        for dek in every:
            others = [o for o in every if (o.subject, o.algorithm) == (dek.subject, dek.algorithm)]
            yield self._one(kek, dek, others)

    def _one(self, kek: Kek, dek: WrappedDek, versions: list[WrappedDek]) -> DekDocument:
        rule = self._rule(kek, dek)
        newest = dek.version == max(one.version for one in versions)
        writes = rule is not None and (dek.version == 1 if not rule.expiry_days else newest)
        own = Found(dek).document(self.now)
        document: DekDocument = {
            "kek": own["kek"],
            "subject": own["subject"],
            "algorithm": own["algorithm"],
            "version": own["version"],
            "age_days": own["age_days"],
            "versions": len(versions),
            "expiry_days": rule.expiry_days or None if rule else None,
        }
        if rule is not None and rule.expiry_days and newest:
            left = dek.created_ms / 1000 + rule.expiry_days * _DAY - self.now
            document["expires_in_days"] = round(left / _DAY, 1)
        document["wrapped_under"] = self._wrapped_under(kek, dek)
        document["use"] = "writes" if writes else "reads" if rule is not None else "unknown"
        if self.values is not None:
            key = (dek.kek, dek.subject, str(dek.algorithm), dek.version)
            document["values"] = self.values.get(key, 0)
        return document

    def _wrapped_under(self, kek: Kek, dek: WrappedDek) -> str | None:
        keys = self.deks.keys_of(kek)
        if kek.shared or len(keys) == 1:
            return keys[0]
        return wrapped_under(self.deks, kek, dek)

    def _rule(self, kek: Kek, dek: WrappedDek) -> EncryptRule | None:
        """The rule by which the subject's latest schema uses the DEK; None where none does (a dead-letter topic has no
        schema)."""
        if dek.subject not in self._rules:
            self._rules[dek.subject] = self._read(dek.subject)
        same = [r for r in self._rules[dek.subject] if (r.kek, r.algorithm) == (kek.name, dek.algorithm)]
        return next(iter(same), None)

    def _read(self, subject: str) -> list[EncryptRule]:
        try:
            latest = self.registry.latest(subject)
            return [] if latest is None else read_rules(latest.rule_set, latest.metadata)
        except BridgeError:
            return []


def row(document: DekDocument) -> tuple[str, ...]:
    """A line of the table, in the order of ``HEADERS``."""
    expiry = document["expiry_days"]
    left = document.get("expires_in_days")
    when = "-" if expiry is None else f"{expiry} days" if left is None else f"in {left} of {expiry} days"
    use = document["use"]
    if "values" in document:
        use += f", up to {document['values']} values"
    return (
        document["kek"],
        document["subject"],
        document["algorithm"],
        f"{document['version']} of {document['versions']}",
        f"{document['age_days']} days",
        when if left is None or left >= 0 else f"since {-left} days",
        document["wrapped_under"] or "no key that could be asked",
        use,
    )
