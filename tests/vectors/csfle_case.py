"""One recorded case of field encryption: decoded, decrypted, encrypted and encoded by the bridge's own parts."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from bridge.encryption.dek_registry import DekRegistry
from bridge.encryption.deks import Deks
from bridge.encryption.rules import EncryptRule, Plan, plan, read_rules
from bridge.encryption.seals import seal_of
from bridge.languages.places import Place
from bridge.languages.tagging import PLACES
from bridge.model.protection import Protection, Seal
from bridge.reading.opener import Opener
from bridge.registry.http import Refused
from tests.vectors import csfle_avro, csfle_json, csfle_protobuf

FORMATS = {"AVRO": csfle_avro, "JSON": csfle_json, "PROTOBUF": csfle_protobuf}


class Refusal(Exception):
    """What the bridge does not write, with the reason's name."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def _reason(unfit: Iterable[Place], plaintext: Any) -> str:
    """Why a tag on what cannot be encrypted does not show in this record: what is tagged are records, of which Java
    encrypts some leaves, or values that are null here. Anything else is a difference that nobody wanted."""
    if all(place.container for place in unfit):
        return "unfit-container"
    names = [place.name.rpartition(".")[2] for place in unfit if not place.container]
    is_null = not any(value is not None for name in names for value in _values(plaintext, name))
    return "unfit-null" if is_null else "unfit-type"


def _values(document: Any, name: str) -> Iterator[Any]:
    """Every value of that name, at any depth."""
    for key, value in document.items() if isinstance(document, dict) else ():
        if key == name:
            yield value
        yield from _values(value, name)
    for item in document if isinstance(document, list) else ():
        yield from _values(item, name)


def _texts(document: Any) -> Iterator[str]:
    """Every text of a document."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict | list):
        for item in document.values() if isinstance(document, dict) else document:
            yield from _texts(item)


class Keys:
    """The DEK registry, as the file has it; what is missing there can be added."""

    def __init__(self, recorded: dict[str, Any]) -> None:
        self.recorded = recorded

    def call(self, method: str, path: str, body: Any = None) -> Any:
        parts = urlsplit(path)
        steps = [unquote(step) for step in parts.path.split("/")[4:]]
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if method == "POST":
            self.recorded["deks"].append({"kekName": steps[0], "ts": 0, **body})
            return self.recorded["deks"][-1]
        found = self._dek(steps, query) if len(steps) > 1 else self._kek(steps[0])
        if found is None:
            raise Refused(404, 40470, "not found")
        return found

    def _kek(self, name: str) -> Any:
        return next((kek for kek in self.recorded["keks"] if kek["name"] == name), None)

    def _dek(self, steps: list[str], query: dict[str, str]) -> Any:
        kek, _, subject, _, version = steps
        found = sorted(
            (
                dek
                for dek in self.recorded["deks"]
                if (dek["kekName"], dek["subject"], dek["algorithm"]) == (kek, subject, query["algorithm"])
            ),
            key=lambda dek: dek["version"],
        )
        if version == "-1":
            return found[-1] if found else None
        return next((dek for dek in found if dek["version"] == int(version)), None)


class Case:
    """A file, and what was registered."""

    def __init__(self, recorded: dict[str, Any]) -> None:
        self.recorded = recorded
        self.registered = recorded["registered"]
        self.subject = self.registered["subject"]
        self.text = self.registered["schema"]
        self.form = FORMATS[recorded["format"]]
        self.metadata, self.rule_set = self.registered.get("metadata"), self.registered.get("ruleSet")
        newest = max((dek["ts"] for dek in recorded["deks"]), default=0)
        self.deks = Deks(
            DekRegistry(Keys(recorded)), {"secret": "mysecret"}, retry_seconds=0, now=lambda: newest / 1000
        )

    @property
    def deterministic(self) -> bool:
        rules = self._plan().rules
        return bool(rules) and all(rule.algorithm.deterministic for rule in rules)

    def decrypted(self, value: bytes, headers: dict[str, str] | None) -> Any:
        """The record in the file's JSON form. NotDecryptedError."""
        return self.form.opened(self, self._opener(), self._body(value, headers))

    def encrypted(self, plaintext: Any, headers: dict[str, str] | None = None) -> bytes:
        """The value as the bridge writes it."""
        made = self._plan()
        if made.unfit:
            place = next(iter(made.unfit))
            raise Refusal(_reason(made.unfit, plaintext), f"{place.name} is {place.type}")
        protection = Protection(
            {name: self._seal(rules) for name, rules in made.fields.items()},
            self._seal(made.payload) if made.payload else None,
        )
        frame = b"" if headers else b"\0" + self.registered["id"].to_bytes(4, "big")
        return self.form.written(self, plaintext, frame, protection)

    def sealed(self, value: bytes, message: dict[str, Any]) -> set[str]:
        """Paths at which the bytes hold something else than the plaintext."""
        found = self.form.wire(self, self._body(value, message.get("headers")))
        return self.form.differences(self, message["plaintext"], found)

    def versions(self, value: bytes, message: dict[str, Any]) -> set[int]:
        """The DEK versions that a message was encrypted with, where its ciphertexts name them: a zero byte, then the
        version as 4 bytes. Equal bytes can be expected of equal versions only."""
        rules = self._plan().rules
        if not any(rule.expiry_days > 0 for rule in rules):
            return set()
        body = self._body(value, message.get("headers"))
        if self._plan().payload:
            return {int.from_bytes(body[1:5], "big")}
        wire = self.form.wire(self, body)
        sealed = [text for text in _texts(wire) if text not in set(_texts(message["plaintext"]))]
        return {int.from_bytes(base64.b64decode(text)[1:5], "big") for text in sealed}

    def normal(self, document: Any) -> Any:
        """Documents that mean the same, equal."""
        return self.form.normal(self, document)

    def comparable(self, value: bytes, headers: dict[str, str] | None, other: bytes) -> Any:
        """What equal bytes mean: the bytes themselves in Avro, the parsed value in JSON.

        Of an encrypted JSON payload the bytes where both hold the same text; Java escapes what is beyond the BMP.
        """
        body = self._body(value, headers)
        if self.recorded["format"] == "AVRO":
            return body
        if not self._plan().payload:
            return self.normal(json.loads(body))
        opener = self._opener()
        text = opener.payload(body)
        return body if text == opener.payload(self._body(other, headers)) else self.normal(json.loads(text))

    def _opener(self) -> Opener:
        form = self.recorded["format"]
        return Opener(self.deks, self.subject, form, self.text, self.metadata, self.rule_set)

    def _body(self, value: bytes, headers: dict[str, str] | None) -> bytes:
        if headers:
            return value
        assert value[:5] == b"\0" + self.registered["id"].to_bytes(4, "big"), "the frame differs"
        return value[5:]

    def _plan(self) -> Plan:
        rules = read_rules(self.rule_set, self.metadata)
        return plan(rules, PLACES[self.recorded["format"]](self.text), self.metadata)

    def _seal(self, rules: tuple[EncryptRule, ...]) -> Seal:
        return seal_of(
            self.deks.for_writing(rule, self.subject).cipher(versioned=rule.expiry_days > 0) for rule in rules
        )
