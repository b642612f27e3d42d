"""One event ↔ the record that a connector makes of it, without Kafka."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
from attrs import frozen

from bridge.changes import entity_of
from bridge.documents import Broken, json_of
from bridge.embed.configuring import Configuration, loaded_of
from bridge.encryption.uses import Unreserved
from bridge.errors import BadRecord, BridgeError, ConfigurationError, Fatal, Fault, Stage
from bridge.event import Data, Head
from bridge.event import Record as Routed
from bridge.log import for_connector
from bridge.metadata.sources import Metadata
from bridge.reading.contexts import Reads
from bridge.reading.framed import Headers, pairs_of
from bridge.reading.source import source_of
from bridge.routing.conversion import ConversionGuard
from bridge.routing.resolver import Writers
from bridge.routing.route import Route, Unprepared
from bridge.salesforce.auth import Login
from bridge.salesforce.transport import open_rest


@frozen
class Record:
    """A record as a connector would produce it. ``timestamp``: ms since the epoch, None where Kafka's clock counts."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int | None = None


@frozen
class _Described:
    """Metadata that the application has at hand: a describe."""

    document: Mapping[str, object]

    def describe(self, event: str) -> dict[str, object]:
        if self.document.get("name") not in (event, entity_of(event)):
            why = f"is the describe of {self.document.get('name')}, and the connector carries {event}"
            raise ConfigurationError([Fault("describe", why)])
        return dict(self.document)

    def event_schema(self, schema_id: str) -> None:
        return None

    def field_classification(self, event: str) -> list[dict[str, object]]:
        raise Fatal(
            f"the contract maps how Salesforce classifies the fields of {event}, and a describe does not tell it: "
            "leave the describe out, so that the org is asked, or list the fields in the contract and take "
            "classification out of it",
            stage=Stage.METADATA,
        )


class Codec:
    """Encodes and decodes events by a connector's configuration: its format, registry, transforms and encryption.

    A context manager. For one thread at a time. What ``encode`` needs registered is registered, as by the connector
    (``auto.register.schemas``); Kafka is not asked for anything.
    """

    def __init__(
        self, config: Configuration, describe: Mapping[str, object] | Path | str | None = None
    ) -> None:
        """``describe``: Salesforce's describe of the event (of a change event its object's), as the parsed JSON or the
        file with it. Where it is given, Salesforce is not asked for anything, so that a contract which maps its data
        classification cannot be followed: with encryption that is Fatal, without it is warned of. None: the org that
        the connector logs in to is asked.

        Raises ConfigurationError.
        """
        loaded = self._loaded = loaded_of(config)
        self._closes: list[Callable[[], None]] = []
        self._metadata = self._asked() if describe is None else _described(describe)
        self._writers = Writers(loaded, self._metadata)
        self._closes.append(self._writers.close)
        self._decoders: dict[tuple[str, bool], Reads] = {}
        self._guard = ConversionGuard(for_connector(config.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the waiting for whoever does not answer; the codec is of no use afterwards."""
        while self._closes:
            self._closes.pop()()

    def encode(
        self,
        payload: Mapping[str, object],
        *,
        replay_id: int = 0,
        event_uuid: str | None = None,
        schema_id: str | None = None,
    ) -> tuple[Record, ...]:
        """The record of one event. None where a transform drops it; several of a change event about several records,
        where each becomes a record.

        ``payload``: the event's fields as Salesforce sends them (moments as ISO 8601 text); what is missing is null.
        ``schema_id``: the event's ``schema``, which a channel of several events needs.

        Raises BadRecord for an event that cannot be carried, Fatal for one that does not fit the registered schema,
        Retriable where the registry, the key management service or Salesforce do not answer in
        ``request.max.retries.time.ms``.
        """
        data = Data(msgspec.Raw(_json(payload, replay_id)), Head(replay_id, event_uuid), schema_id)
        while True:
            route = self._writers.resolve(schema_id, data)
            try:
                return self._converted(route, data)
            except (Unprepared, Unreserved) as target:
                target.prepare()

    def decode(
        self, value: bytes | None, headers: Headers = None, *, topic: str | None = None, decrypt: bool = True
    ) -> Any:
        """A record's value as JSON has it: a dict of fields for what ``encode`` made of an event, None for no value.
        Moments are ISO 8601 text (in JSON and JSON_SR the numbers that Kafka Connect writes), decimals text, bytes
        base64.

        ``headers``: the record's, as Kafka's clients give them. ``topic``: where it was, if the connector writes to
        several. ``decrypt``: open what is encrypted; without it the ciphertext stays, in base64.

        Raises BadRecord saying why for what cannot be decoded or decrypted, Retriable or Fatal where the registry or
        the key management service cannot be asked.
        """
        protects = decrypt and bool(self._loaded.connector.get("csfle.enabled"))
        read = self._decoder(topic or self._topic(), protects).decode(value, list(pairs_of(headers)))
        if read.note is not None:
            raise BadRecord(read.note, stage=Stage.PARSE)
        return read.value

    def _decoder(self, topic: str, decrypt: bool) -> Reads:
        """One for each topic, because each remembers the schemas that it fetched."""
        if (topic, decrypt) not in self._decoders:
            source = source_of(self._loaded, topic)
            self._decoders[topic, decrypt] = source.decoder(decrypt=decrypt)
        return self._decoders[topic, decrypt]

    def _asked(self) -> Metadata:
        login = Login(self._loaded.connector)
        rest = open_rest(self._loaded.connector, login)
        self._closes += login.close, rest.close
        return rest

    def _topic(self) -> str:
        return str(self._loaded.connector["kafka.topic"])

    def _converted(self, route: Route, data: Data) -> tuple[Record, ...]:
        convert = route.record or route.convert
        try:
            made = convert(data)
        except (BridgeError, Unprepared):
            raise
        except Exception as error:
            raise self._guard.refusal(error, convert, data) from error
        if isinstance(made, bytes):
            return (Record(route.topic, made),)
        return () if made is None else tuple(map(_record, (*made.before, made)))


def _record(made: Routed) -> Record:
    return Record(made.topic, made.value, made.key, made.headers, made.timestamp)


def _described(describe: Mapping[str, object] | Path | str) -> _Described:
    if isinstance(describe, Mapping):
        return _Described(describe)
    try:
        document = json_of(Path(describe).read_bytes())
    except OSError as error:
        raise ConfigurationError(
            [Fault("describe", f"{describe} cannot be read: {error.strerror}")]
        ) from None
    except Broken as broken:
        raise ConfigurationError([Fault("describe", f"{describe} {broken}")]) from None
    if not isinstance(document, dict):
        raise ConfigurationError([Fault("describe", f"{describe} is not a JSON object")])
    return _Described(document)


def _json(payload: Mapping[str, object], replay_id: int) -> bytes:
    try:
        return msgspec.json.encode(dict(payload))
    except (TypeError, ValueError, RecursionError):
        pass
    for name, value in payload.items():
        try:
            msgspec.json.encode({name: value})
        except (TypeError, ValueError, RecursionError):
            what = f"field {name} holds what JSON does not have ({type(value).__name__})"
            raise BadRecord(what, stage=Stage.PARSE, position=replay_id) from None
    raise Fatal("the payload is no mapping of names to JSON values", stage=Stage.PARSE)
