"""Proving of a topic's records that what is protected is ciphertext and opens.

Every record is judged by what *all* versions of its subjects and the contract protect (``protected.py``), not by its
own schema alone. A proof fails for plaintext, for what does not open, for what cannot be judged, and where nothing
was proved at all: an unknown schema id, another context, an empty topic.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypedDict
from urllib.parse import quote

from attrs import define, field

from bridge.encryption.deks import Deks
from bridge.encryption.envelope import TAG, Algorithm, NotDecryptedError, from_text, version_of
from bridge.encryption.rules import EncryptRule
from bridge.errors import BridgeError, Retriable
from bridge.model.contract import Contract
from bridge.model.registered import Registered
from bridge.model.wire import unframed
from bridge.reading.bodies import Body, body_of
from bridge.reading.framed import Framed, Headers, pairs_of
from bridge.reading.protected import Chain, Demands, Protected
from bridge.registry.answers import checked
from bridge.registry.client import Registry
from bridge.registry.http import Http, Refused
from bridge.routing.letters import PREFIX, opened


class ProofDocument(TypedDict):
    """A proof for people and JSON: counts, names and sentences; no values."""

    topic: str
    records: int
    encrypted: int
    plaintext: int
    protected: list[str]
    fields: dict[str, int]
    released: list[str]
    problems: list[str]


@define
class _Judge:
    """What is asked of records of one schema id, and how their bodies are walked."""

    demands: Demands
    body: Body
    subjects: tuple[str, ...]
    """Of its DEKs, the likeliest first."""


@define
class _Finding:
    """The same thing found in several records."""

    text: str
    first: str
    records: int = 0


@define
class Proof:
    """Takes the records of one topic. ``context``: ``:.name:``, empty for the default one."""

    http: Http
    deks: Deks
    context: str
    topic: str
    contract: Contract | None = None
    contracts: Mapping[str, Contract] = field(factory=dict)
    """Instead of it those of several events, each for the schemas that name its event."""
    records: int = 0
    encrypted: int = 0
    """Records in which a protected value was found as ciphertext and opened."""
    plain: int = 0
    """Records with plaintext where ciphertext must be."""
    empty: int = 0
    """Records without a value: tombstones."""
    fields: dict[str, int] = field(factory=dict)
    keys: set[tuple[str, str, Algorithm]] = field(factory=set)
    """KEK, subject and algorithm of the DEKs that were asked for."""
    unknown: dict[int, int] = field(factory=dict)
    """Schema ids that the registry does not have, or that cannot be used → records."""
    unusable: dict[int, str] = field(factory=dict)
    """Why schemas cannot be used."""
    _protected: dict[tuple[str, ...], Protected] = field(factory=dict)
    _judges: dict[int, _Judge | None] = field(factory=dict)
    _findings: dict[tuple[str, str], _Finding] = field(factory=dict)
    _refused: dict[tuple[str, str, Algorithm, int], str] = field(factory=dict)
    _registry: Registry = field(init=False)
    _framed: Framed = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._registry = Registry(self.http)
        self._framed = Framed(self.http, self.context)

    def add(self, value: bytes | None, headers: Headers, where: str) -> None:
        """One record; ``where`` names it. Raises Retriable, Fatal where the registry cannot be asked."""
        self.records += 1
        sealed = {str(k): content for k, content in pairs_of(headers) if isinstance(content, bytes)}
        value = self._framed.prefixed(value, sealed.items())
        if value is None:
            self.empty += 1
        elif any(name.startswith(PREFIX) for name in sealed):
            self._letter(value, sealed, where)
        elif (framed := unframed(value)) is None:
            self.plain += 1
            self._found("", "it names no schema and no key, so all of it is plaintext", where)
        else:
            self._judged(*framed, where)

    def problems(self) -> list[str]:
        """What is wrong, each thing once with the number of records and the first of them."""
        out = [problem for each in self._protected.values() for problem in each.problems]
        for (name, _), one in self._findings.items():
            what = f"{name}: {one.text}" if name else one.text
            out.append(f"{what} (in {one.records} of {self.records} records, first in {one.first})")
        for schema_id, records in self.unknown.items():
            if schema_id in self.unusable:
                out.append(
                    f"schema {schema_id} cannot be used, so nothing is known of its {records} of {self.records} "
                    f"records ({self.unusable[schema_id]})"
                )
                continue
            where = f"context {self.context.strip(':.')}" if self.context else "the default context"
            out.append(
                f"the registry has no schema {schema_id} in {where} (named by {records} of {self.records} records): is "
                "--context missing or wrong?"
            )
        return list(dict.fromkeys(out))

    def nothing(self) -> str | None:
        """Why nothing was proved; None where something was."""
        if self.encrypted:
            return None
        if not self.records:
            return f"topic {self.topic} holds no record that was to be read"
        if self.unknown or self._findings:
            return f"no protected value of the {self.records} records read is ciphertext"
        if self.empty == self.records:
            return f"the {self.records} records read have no value"
        if not any(judge is not None and judge.demands.any for judge in self._judges.values()):
            subjects = sorted({s for judge in self._judges.values() if judge for s in judge.subjects})
            return (
                f"nothing is protected in the {self.records} records read: no version of {', '.join(subjects)} and no "
                "contract has a tag that an enabled ENCRYPT rule meets; is --context missing or wrong, or "
                "--contract (or --connector) missing?"
            )
        return f"every protected field of the {self.records} records read is without a value"

    def released(self) -> list[str]:
        """Fields that the contract has taken out of protection."""
        return sorted({name for each in self._protected.values() for name in each.released()})

    def protected_fields(self) -> list[str]:
        """Full names of what is protected, in every schema that was met."""
        names: set[str] = set()
        for judge in self._judges.values():
            if judge is not None:
                names.update(judge.demands.fields, judge.demands.unfit, judge.demands.parts)
                names.update(["the payload"] if judge.demands.payload else [])
        return sorted(names)

    # --- records -----------------------------------------------------------------------------------------------

    def _letter(self, value: bytes, headers: Mapping[str, bytes], where: str) -> None:
        """A dead letter names its key itself."""
        try:
            named = {k.removeprefix(PREFIX): v.decode() for k, v in headers.items() if k.startswith(PREFIX)}
            self.keys.add((named["kek"], named["subject"], Algorithm(named["algorithm"])))
            opened(self.deks, value, dict(headers))
        except (KeyError, ValueError):
            self._found("the dead letter", "its headers do not name the key it was encrypted with", where)
        except (NotDecryptedError, BridgeError) as error:
            self._found("the dead letter", f"cannot be opened: {_text(error)}", where)
        else:
            self.encrypted += 1
            self.fields["the dead letter"] = self.fields.get("the dead letter", 0) + 1

    def _judged(self, schema_id: int, body: bytes, where: str) -> None:
        if schema_id not in self._judges:
            self._judges[schema_id] = self._judge(schema_id)
        judge = self._judges[schema_id]
        if judge is None:
            self.unknown[schema_id] = self.unknown.get(schema_id, 0) + 1
            return
        for stray in judge.demands.stray:
            self._found("", stray, where)
        if not judge.demands.any:
            return
        one = _Record(self, judge, where)
        one.read(body)
        self.encrypted += one.opened > 0
        self.plain += one.plain

    def _found(self, name: str, text: str, where: str) -> None:
        finding = self._findings.setdefault((name, text), _Finding(text, where))
        finding.records += 1

    # --- schemas -----------------------------------------------------------------------------------------------

    def _judge(self, schema_id: int) -> _Judge | None:
        query = f"?subject={quote(self.context, safe='')}" if self.context else ""
        try:
            answer = self.http.call("GET", f"/schemas/ids/{schema_id}{query}")
            named = self.http.call("GET", f"/schemas/ids/{schema_id}/subjects{query}")
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise
        subjects = checked([] if named is None else named, list[str], f"the subjects of schema {schema_id}")
        own = f"{self.context}{self.topic}-value"
        near = sorted(s for s in subjects if s.startswith(f"{self.context}{self.topic}-"))
        chosen = tuple([own] if own in subjects else near or sorted(subjects) or [own])
        try:
            version = self._registry.completed(answer, chosen[0], schema_id)
            body = body_of(version)
            protected = self._union(chosen, version)
            return _Judge(protected.of(version), body, chosen)
        except Retriable:
            raise
        except Exception as error:  # whatever parsers have against somebody's schema
            self.unusable[schema_id] = (
                _text(error) if isinstance(error, BridgeError) else type(error).__name__
            )
            return None

    def _union(self, subjects: tuple[str, ...], version: Registered) -> Protected:
        if subjects not in self._protected:
            union = self._protected[subjects] = Protected(self._contract_of(version))
            for subject in subjects:
                for number in self._registry.versions(subject, deleted=True):
                    one = self._registry.version(subject, number, deleted=True)
                    if one is not None:
                        self._add(union, one)
        protected = self._protected[subjects]
        if version.id not in {one.id for one in protected.versions}:
            protected.add(version)
        return protected

    def _contract_of(self, version: Registered) -> Contract | None:
        if self.contract is not None or not self.contracts:
            return self.contract
        if len(self.contracts) == 1:
            return next(iter(self.contracts.values()))
        named = (event for event in self.contracts if re.search(rf"\b{re.escape(event)}\b", version.text))
        return next((self.contracts[event] for event in named), None)

    def _add(self, protected: Protected, version: Registered) -> None:
        try:
            protected.add(version)
        except Exception as error:  # a version that no record names may be anything
            reason = _text(error) if isinstance(error, BridgeError) else type(error).__name__
            protected.problems.append(
                f"{version.subject} version {version.version} cannot be used, so its tags are not known ({reason})"
            )

    def open(self, chains: tuple[Chain, ...], subjects: tuple[str, ...], data: bytes) -> bytes:
        """What the first chain of rules that can, opens. NotDecryptedError with what the first one had against it."""
        first: NotDecryptedError | None = None
        for chain in chains:
            for subject in subjects:
                try:
                    body = data
                    for rule in reversed(chain):
                        body = self._opened(rule, subject, body)
                except NotDecryptedError as error:
                    first = first or error
                else:
                    return body
        raise first or NotDecryptedError("no rule opens it")

    def _opened(self, rule: EncryptRule, subject: str, data: bytes) -> bytes:
        version = version_of(data) if rule.expiry_days else 1
        key = (rule.kek, subject, rule.algorithm, version)
        self.keys.add(key[:3])
        if key in self._refused:
            raise NotDecryptedError(self._refused[key])
        try:
            dek = self.deks.for_reading(*key)
        except BridgeError as error:  # asked of registry and KMS once, not for every record
            self._refused[key] = error.message
            raise NotDecryptedError(error.message) from None
        return dek.cipher(versioned=rule.expiry_days > 0).decrypt(data)


@define
class _Record:
    """One record's body, looked at place by place."""

    proof: Proof
    judge: _Judge
    where: str
    opened: int = 0
    plain: bool = False
    _said: set[tuple[str, str]] = field(factory=set)

    def read(self, body: bytes) -> None:
        demands, whole = self.judge.demands, False
        start = self.judge.body.frame(body)
        if demands.payload:
            try:
                content = self._open(demands.payload, body[start:])
                body, whole = body[:start] + content, True
                self._count("the payload")
            except NotDecryptedError as error:
                self._say("the payload", f"is not ciphertext that opens: {error}")
        try:
            fit = frozenset([*demands.fields, *demands.parts])
            unfit = self.judge.body.walk(body, self._value, frozenset(demands.unfit), fit)
        except BridgeError as error:  # a key that may not be asked, or is not there
            self._say("", error.message)
            return
        except Exception as error:  # whatever a decoder says of bytes that do not fit
            self._say("", f"it does not fit its schema ({type(error).__name__})")
            return
        for name in () if whole else sorted(unfit):
            self.plain = True
            self._say(name, f"is plaintext, as every {demands.unfit.get(name, 'value of that type')} is")

    def _value(self, name: str, value: str | bytes) -> str | bytes:
        """One text or bytes value; returned as it is, since nothing of it is needed."""
        demands = self.judge.demands
        chains = demands.fields.get(name) or demands.parts.get(name)
        if not chains:
            return value
        try:
            data = value if isinstance(value, bytes) else from_text(value)
        except NotDecryptedError:
            self.plain = True
            self._say(name, "is plaintext: it is no base64, so no ciphertext")
            return value
        try:
            self._open(chains, data)
        except NotDecryptedError as error:
            if len(data) < TAG:
                self.plain = True
                self._say(name, "is plaintext: it is shorter than any ciphertext")
            else:
                self._say(name, f"cannot be opened: {error}")
        else:
            self._count(name)
        return value

    def _open(self, chains: tuple[Chain, ...], data: bytes) -> bytes:
        return self.proof.open(chains, self.judge.subjects, data)

    def _count(self, name: str) -> None:
        self.opened += 1
        self.proof.fields[name] = self.proof.fields.get(name, 0) + 1

    def _say(self, name: str, text: str) -> None:
        if (name, text) not in self._said:  # once a record, however many items of an array
            self._said.add((name, text))
            self.proof._found(name, text, self.where)


def _text(error: Exception) -> str:
    return error.message if isinstance(error, BridgeError) else str(error)


def document(proof: Proof) -> ProofDocument:
    """What was found so far."""
    return {
        "topic": proof.topic,
        "records": proof.records,
        "encrypted": proof.encrypted,
        "plaintext": proof.plain,
        "protected": proof.protected_fields(),
        "fields": dict(sorted(proof.fields.items())),
        "released": proof.released(),
        "problems": proof.problems(),
    }
