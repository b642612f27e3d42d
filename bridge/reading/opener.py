"""Reading: what a registered schema's rules encrypted, opened with DEKs that exist.

Tolerant where official writers differ from each other: values below a tagged record are tried, as Java encrypts
some of them; what a rule of mode WRITE encrypted is opened even if no rule of readers does so. A protected field
that holds no ciphertext is an error: it was written in plaintext.
"""

from __future__ import annotations

import io
from functools import cached_property
from typing import Any

import msgspec

from bridge.encryption.deks import Deks
from bridge.encryption.envelope import NotDecryptedError, from_text, version_of
from bridge.encryption.rules import EncryptRule, StrayTagError, plan, rules_for_reading
from bridge.languages.avro import places as avro_places
from bridge.languages.avro.binary import Reading, reading
from bridge.languages.json_schema import places as json_places
from bridge.languages.places import Changer, Places
from bridge.languages.protobuf import places as protobuf_places
from bridge.languages.tagging import PLACES
from bridge.model.registry_documents import MetadataDocument, RuleSetDocument
from bridge.model.texts import imports_of


class Opener:
    """Opens values written with one registered schema. ``seen`` counts what was opened, by field."""

    def __init__(
        self,
        deks: Deks,
        subject: str,
        type_: str,
        text: str,
        metadata: MetadataDocument | None,
        rule_set: RuleSetDocument | None,
    ) -> None:
        """Fatal for rules that cannot be read."""
        self._deks, self._subject, self._text = deks, subject, text
        places = PLACES[type_](text)
        rules = rules_for_reading(rule_set, metadata)
        try:
            planned = plan(rules, places, metadata)
        except StrayTagError:  # nobody encrypted anything for those
            planned = plan(rules, Places(places.fields), metadata)
        self._fields = planned.fields
        self._payload = planned.payload
        self._tried = {part: met for place, met in planned.unfit.items() for part in place.parts}
        self.seen: dict[str, int] = {}

    @property
    def encrypts(self) -> bool:
        """Whether there is anything to open."""
        return bool(self._fields or self._payload or self._tried)

    def payload(self, body: bytes) -> bytes:
        """The body behind the frame. NotDecryptedError; Retriable, Fatal of registry and KMS."""
        for rule in reversed(self._payload):
            body = self._open(rule, body, "the payload")
        return body

    def avro(self, body: bytes, reader: Reading) -> Any:
        """A decoded record; ``reader``: of the schema with logical types."""
        # here: fastavro is slow to load
        from fastavro import schemaless_writer

        body = self.payload(body)
        if self._fields or self._tried:
            # an encrypted uuid is none: logical types are for what was decrypted
            plain, changed = self._plain
            out = io.BytesIO()
            schemaless_writer(out, plain.parsed, changed(plain.value(body), self.value))
            body = out.getvalue()
        return reader.value(body)

    def json(self, body: bytes) -> Any:
        """A parsed value."""
        return self._changed_json(msgspec.json.decode(self.payload(body)), self.value)

    @cached_property
    def _plain(self) -> tuple[Reading, Changer]:
        """Of an Avro schema: the reader without logical types, and what changes its values."""
        plain = reading(self._text, imports_of(self._text).values(), logical=False)
        return plain, avro_places.changer(self._text)

    @cached_property
    def _changed_json(self) -> Changer:
        return json_places.changer(self._text)

    def protobuf(self, body: bytes, message: Any) -> Any:
        """A message, parsed into the given one."""
        message.ParseFromString(self.payload(body))
        protobuf_places.change(message, self.value)
        return message

    def value(self, name: str, value: str | bytes) -> str | bytes:
        """One field's value, opened where the field is protected."""
        rules = self._fields.get(name)
        if rules is not None:
            for rule in reversed(rules):
                value = self._opened(rule, name, value)
            self.seen[name] = self.seen.get(name, 0) + 1
        elif name in self._tried:
            try:
                for rule in reversed(self._tried[name]):
                    value = self._opened(rule, name, value)
            except NotDecryptedError:
                return value
        return value

    def _opened(self, rule: EncryptRule, name: str, value: str | bytes) -> str | bytes:
        if isinstance(value, bytes):
            return self._open(rule, value, f"field {name}")
        try:
            return self._open(rule, _unwrapped(name, value), f"field {name}").decode()
        except UnicodeDecodeError:
            raise NotDecryptedError(f"field {name} cannot be opened: it holds no text") from None

    def _open(self, rule: EncryptRule, data: bytes, what: str) -> bytes:
        try:
            version = version_of(data) if rule.expiry_days else 1
            dek = self._deks.for_reading(rule.kek, self._subject, rule.algorithm, version)
            return dek.cipher(versioned=rule.expiry_days > 0).decrypt(data)
        except NotDecryptedError as error:
            raise NotDecryptedError(f"{what} cannot be opened: {error}") from None


def _unwrapped(name: str, value: str) -> bytes:
    try:
        return from_text(value)
    except NotDecryptedError as error:
        raise NotDecryptedError(f"field {name} cannot be opened: {error}") from None
