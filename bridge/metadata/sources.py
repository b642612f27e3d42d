"""Where an event's declaration comes from: Salesforce by schema id, completed by describe, and the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from attrs import evolve

from bridge.changes import SUFFIX, entity_of
from bridge.changes import event_of as change_event_of
from bridge.config.subscription import CHANGED_ENTITIES, ENTITIES, event_of
from bridge.contents import UnusableError, file_content
from bridge.errors import BadRecord, ConfigurationError, Fatal, Fault, Stage
from bridge.metadata.classification import Classifications, LastAnswers, Source
from bridge.metadata.infer import event_type
from bridge.model.contract import Contract, parse
from bridge.model.schema import EventType

_CONTRACT: Final = ".contract.yaml"
SETTING: Final = "bridge.schema.contract"
"""What names a contract file, unless it is an option of a command."""


class Metadata(Source, Protocol):
    """What is asked of Salesforce; ``bridge.salesforce.rest.Rest`` answers it."""

    def event_schema(self, schema_id: str) -> dict[str, object] | None:
        """The event as one schema id declares it; None where the id is unknown."""
        ...


class PassedOver(Exception):
    """A channel's event that the connector does not carry."""


class NotDescribed(Fatal):
    """The object of a change event is not there, or the user may not read it."""


class EventTypes:
    """Declarations by schema id, with tags. What an id says never changes, so it is asked once; how Salesforce
    classifies the fields may change, and is known later than the fields are (``Classifications``)."""

    def __init__(
        self,
        events: Sequence[str],
        metadata: Metadata,
        contracts: Mapping[str, Contract],
        warn: Callable[[str], None],
        *,
        protecting: bool,
        some: bool = False,
        full_header: bool = False,
        ttl: float = 300.0,
        patience: float = 0.0,
        last: LastAnswers | None = None,
    ) -> None:
        """``protecting``: ``csfle.enabled``. ``some``: the channel carries change events that are none of
        ``events``; where ``events`` is empty, all are wanted. ``patience``: seconds to wait for a field's
        classification. ``last``: what was answered before, kept by whoever outlives this object."""
        self._events, self._metadata, self._contracts, self._warn = tuple(events), metadata, contracts, warn
        self._some, self._full_header = some, full_header
        self._classifications = Classifications(
            metadata, contracts, warn, last, protecting=protecting, ttl=ttl, patience=patience
        )
        self._known: dict[str, EventType] = {}
        self._warned: set[str | None] = set()
        self._checked: set[str] = set()
        self._gone: set[str] = set()
        self._tagged: set[str | None] = set()

    def close(self) -> None:
        """From any thread: wait for no classification any more."""
        self._classifications.close()

    def forget(self, schema_id: str | None) -> None:
        """Keep nothing of a schema."""
        if schema_id is not None:
            self._known.pop(schema_id, None)
        self._tagged.discard(schema_id)
        self._warned.discard(schema_id)

    def of(self, schema_id: str | None, channel: str | None = None, entity: str | None = None) -> EventType:
        """The event's declaration for a schema id; by describe alone, with one warning, where it is unknown.

        ``channel``: of the message, which names the event where its schema id does not, and ``entity``: the object that
        a change event names. Raises PassedOver, Retriable and Fatal, the last also where the classification of a field
        does not become known.
        """
        declared = self._known.get(schema_id or "") or self._asked(schema_id, channel, entity)
        tagged = self._classifications.tagged(declared, new=schema_id not in self._tagged)
        if schema_id in self._known:
            self._tagged.add(schema_id)
        return tagged

    def today(self, event: str, schema: Mapping[str, object] | None = None) -> EventType:
        """An event as describe shows it today, with tags; for what is asked before any of its events has come.
        ``schema``: the one that the event has now, where somebody asked for it."""
        declared = event_type(event, self._metadata.describe(event), schema)
        return self._classifications.tagged(evolve(declared, full_header=self._full_header), new=False)

    def _asked(self, schema_id: str | None, channel: str | None, entity: str | None) -> EventType:
        schema = self._metadata.event_schema(schema_id) if schema_id else None
        named = None if schema is None else schema.get("name")
        event = (
            self._change(schema_id, named, entity) if self._some else self._event(schema_id, named, channel)
        )
        describe = self._described(event, by_schema=schema is not None)
        declared = event_type(event, describe, schema)
        self._check_contract(declared, describe or {})
        declared = evolve(declared, schema_id=schema_id, full_header=self._full_header)
        if schema is not None and schema_id:
            self._known[schema_id] = declared
        elif schema_id not in self._warned:
            self._warned.add(schema_id)
            what = f"Salesforce does not know the schema {schema_id} of {event}"
            if schema_id is None:
                what = f"a message of {event} names no schema"
            self._warn(f"{what}: its fields are taken from describe, which shows the event as it is today")
        return declared

    def _described(self, event: str, *, by_schema: bool) -> Mapping[str, Any] | None:
        """``by_schema``: the event's schema is known, and will do where its object is not described."""
        try:
            return self._metadata.describe(event)
        except NotDescribed as lacking:
            if not by_schema:
                raise
            if event not in self._warned:
                self._warned.add(event)
                self._warn(f"{lacking.message}; fields of {event} have the order and the types of its schema")
            return None

    def _event(self, schema_id: str | None, named: Any, channel: str | None) -> str:
        """Which of the events it is: by the schema's own name, else by the message's channel."""
        events = self._events
        if len(events) == 1:
            if named not in (events[0], None):
                raise Fatal(
                    f"schema {schema_id} is of the event {named}, and the connector carries {events[0]}",
                    stage=Stage.METADATA,
                )
            return events[0]
        if schema_id is None:  # routes are remembered by it, and it would stand for every event
            raise BadRecord(
                f"a message of a channel with {len(events)} events names no schema", stage=Stage.METADATA
            )
        name = named or event_of(channel)
        if name in events:
            return str(name)
        if name is None:
            raise Fatal(
                f"Salesforce does not know the schema {schema_id}, and the message does not say of which event "
                f"it is ({', '.join(events)})",
                stage=Stage.METADATA,
            )
        raise Fatal(
            f"the channel carries the event {name}, which {ENTITIES} does not list; add it there",
            stage=Stage.METADATA,
        )

    def _change(self, schema_id: str | None, named: Any, entity: str | None) -> str:
        """Which change event of a channel it is."""
        if entity is None or schema_id is None:
            raise BadRecord(
                "a message of a channel of change events names no schema, or no object in ChangeEventHeader.entityName",
                stage=Stage.METADATA,
            )
        name = str(named or change_event_of(entity)).rpartition(".")[2]
        if self._events and name not in self._events:
            raise PassedOver(name)
        return name

    def _check_contract(self, declared: EventType, describe: Mapping[str, Any]) -> None:
        """A field that is not there is a mistake at the start; one that goes while running is evolution."""
        contract = self._contracts.get(declared.name)
        if contract is None:
            return
        names = (f.get("name") for f in describe.get("fields", ()))
        faults = not_there(contract, declared, names)
        if faults and declared.name not in self._checked:
            raise ConfigurationError(faults)
        self._checked.add(declared.name)
        if gone := {fault.key for fault in faults} - self._gone:
            self._gone |= gone
            self._warn(f"the contract of {declared.name} speaks of what is gone: {', '.join(sorted(gone))}")


def not_there(contract: Contract, declared: EventType, described: Iterable[object] = ()) -> list[Fault]:
    """A fault for each field that a contract speaks of and the event has not. ``described``: the names of its fields as
    describe has them."""
    today = {*described, *(f.name for f in declared.fields)}
    today |= {child.flat for f in declared.fields for child in f.children}
    return [
        Fault(f"fields.{name}", f"{declared.name} has no such field; correct or remove it in the contract")
        for name in contract.fields
        if name not in today
    ]


def load_contracts(events: Sequence[str], path: str | None, named: str = SETTING) -> dict[str, Contract]:
    """The contracts of several events. A file that is named counts for the event it is about.

    Without events, all change events are meant. ConfigurationError for all that is wrong in any of them.
    """
    events = events or _contracted(path, named)
    if len(events) == 1:
        contract = load_contract(events[0], path, named)
        return {} if contract is None else {events[0]: contract}
    contracts, faults = {}, []
    for event in events:
        try:
            about = path if path and read_contract(Path(path), named).event == event else None
            if (contract := load_contract(event, about, named)) is not None:
                contracts[event] = contract
        except ConfigurationError as error:
            faults += [fault for fault in error.faults if fault not in faults]
    if path and not faults and read_contract(Path(path), named).event not in events:
        about = read_contract(Path(path), named).event
        entities = CHANGED_ENTITIES if any(map(entity_of, events)) else ENTITIES
        message = f"{path} is the contract of {about}, which is not in {entities}"
        faults.append(Fault(named, message))
    if faults:
        raise ConfigurationError(faults)
    return contracts


def _contracted(path: str | None, named: str) -> list[str]:
    """The change events that there are contracts of."""
    files = Path("schemas").glob(f"*{SUFFIX}{_CONTRACT}")
    names = [file.name.removesuffix(_CONTRACT) for file in sorted(files)]
    if path and entity_of(about := read_contract(Path(path), named).event):
        names.append(about)
    return list(dict.fromkeys(names))


def load_contract(event: str, path: str | None, named: str = SETTING) -> Contract | None:
    """The event's contract: the file named, or ``schemas/<Event>.contract.yaml`` where it exists.

    ConfigurationError for what is wrong in it.
    """
    file = Path(path) if path else Path("schemas") / f"{event}{_CONTRACT}"
    if not path and not file.is_file():
        return None
    contract = read_contract(file, named)
    if contract.event != event:
        message = f"{file} is the contract of {contract.event}, and the connector carries {event}"
        raise ConfigurationError([Fault(named, message)])
    return contract


def read_contract(file: Path, named: str = SETTING) -> Contract:
    """A contract file, whatever event it is about; ``named``: what names it, to whoever reads that it cannot be used,
    empty for nothing but its place. ConfigurationError."""
    try:
        return parse(file_content(file).decode(), str(file))
    except UnicodeDecodeError:
        raise ConfigurationError([Fault(named, f"{file} is no UTF-8")]) from None
    except UnusableError as broken:
        raise ConfigurationError([Fault(named, f"{file} {broken}")]) from None
