"""Decoding what is encrypted: records by their schema's rules, dead letters by their headers.

The DEK's subject is that of the topic where the schema is registered under it, else the first the registry names.
"""

from __future__ import annotations

from urllib.parse import quote

from attrs import define, field

from bridge.documents import understood
from bridge.encryption.deks import Deks
from bridge.encryption.envelope import NotDecryptedError
from bridge.errors import BridgeError
from bridge.model.framing import VALUE_HEADER
from bridge.model.wire import unframed
from bridge.reading.bodies import Body, body_of
from bridge.reading.decode import Decoded, Decoder, plain
from bridge.reading.framed import Headers, pairs_of
from bridge.reading.opener import Opener
from bridge.registry import answers
from bridge.registry.answers import checked
from bridge.registry.client import Registry, schema_fatal
from bridge.registry.http import Caller, Refused
from bridge.routing.letters import PREFIX, opened


@define
class _Rules:
    opener: Opener
    body: Body


@define
class Decrypter:
    """Opens values of one topic. ``context``: ``:.name:``, empty for the default one."""

    registry: Caller
    deks: Deks
    context: str
    topic: str
    _decoder: Decoder = field(init=False)
    _known: dict[int, _Rules | None] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self._decoder = Decoder(self.registry, self.context)

    def decode(self, data: bytes | None, headers: Headers = None, name: str = VALUE_HEADER) -> Decoded:
        """Decrypted, or with a note that says why not; Retriable or Fatal when nobody can be asked. Of another part
        than the value nothing is encrypted."""
        if name != VALUE_HEADER:
            return self._decoder.decode(data, headers, name)
        try:
            return self.opened(data, headers)
        except NotDecryptedError as error:
            shown = self._decoder.decode(data, headers)
            return Decoded(shown.value, shown.schema_id, f"not decrypted: {error}", shown.raw)

    def opened(self, data: bytes | None, headers: Headers = None) -> Decoded:
        """The same; NotDecryptedError for what cannot be opened."""
        texts = {str(k): v for k, v in pairs_of(headers) if isinstance(v, bytes)}
        if data is not None and any(name.startswith(PREFIX) for name in texts):
            return self._decoder.decode(opened(self.deks, data, texts))
        data = self._decoder.prefixed(data, headers)
        framed = None if data is None else unframed(data)
        rules = None if framed is None else self.rules(framed[0])
        if framed is None or rules is None:
            return self._decoder.decode(data)
        schema_id, body = framed
        return Decoded(plain(_value(rules, body)), schema_id)

    def rules(self, schema_id: int) -> _Rules | None:
        """What a schema's rules protect; None where they protect nothing."""
        if schema_id not in self._known:
            self._known[schema_id] = self._fetch(schema_id)
        return self._known[schema_id]

    def _fetch(self, schema_id: int) -> _Rules | None:
        query = f"?subject={quote(self.context, safe='')}" if self.context else ""
        try:
            answer = checked(
                self.registry.call("GET", f"/schemas/ids/{schema_id}{query}"),
                answers.Schema,
                f"schema {schema_id}",
            )
            if not answer.get("ruleSet"):
                return None
            named = self.registry.call("GET", f"/schemas/ids/{schema_id}/subjects{query}")
            subjects = checked(
                [] if named is None else named, list[str], f"the subjects of schema {schema_id}"
            )
        except Refused:
            return None
        own = f"{self.context}{self.topic}-value"
        subject = own if own in subjects or not subjects else subjects[0]
        with understood(f"schema {schema_id}", schema_fatal):
            whole = Registry(self.registry).completed(answer, self.context, schema_id)  # type: ignore[arg-type]  # it only calls
            opener = Opener(self.deks, subject, whole.type, whole.text, whole.metadata, whole.rule_set)
            if not opener.encrypts:
                return None
            return _Rules(opener, body_of(whole))


def _value(rules: _Rules, body: bytes) -> object:
    try:
        return rules.body.opened(body, rules.opener)
    except NotDecryptedError:
        raise
    except BridgeError as error:  # a key that may not be asked, or is not there
        raise NotDecryptedError(error.message) from None
    except Exception as error:  # whatever a decoder says of bytes that do not fit
        raise NotDecryptedError(f"it does not fit its schema ({type(error).__name__})") from None
