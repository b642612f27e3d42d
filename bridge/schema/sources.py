"""Where an event's declaration comes from: Salesforce by schema id, completed by describe, and the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from attrs import evolve

from bridge.errors import ConfigurationError, Fatal, Fault, Stage
from bridge.schema.contract import Contract, parse, protects
from bridge.schema.infer import event_type
from bridge.schema.model import EventType


class Metadata(Protocol):
    """What is asked of Salesforce; ``bridge.salesforce.rest.Rest`` answers it."""

    def describe(self, event: str) -> dict[str, Any]:
        """The event as it is declared today."""
        ...

    def event_schema(self, schema_id: str) -> dict[str, Any] | None:
        """The event as one schema id declares it; None where the id is unknown."""
        ...


class EventTypes:
    """Declarations by schema id. What an id says never changes, so it is asked once."""

    def __init__(
        self, event: str, metadata: Metadata, contract: Contract | None, warn: Callable[[str], None]
    ) -> None:
        self._event, self._metadata, self._contract, self._warn = event, metadata, contract, warn
        self._known: dict[str, EventType] = {}
        self._warned: set[str | None] = set()

    def of(self, schema_id: str | None) -> EventType:
        """The event's declaration for a schema id; by describe alone, with one warning, where it is unknown."""
        known = self._known.get(schema_id or "")
        if known is not None:
            return known
        found = self._metadata.event_schema(schema_id) if schema_id else None
        describe = self._metadata.describe(self._event)
        if found is not None and found.get("name") not in (self._event, None):
            raise Fatal(
                f"schema {schema_id} is of the event {found['name']}, and the connector carries {self._event}",
                stage=Stage.METADATA,
            )
        declared = self._tagged(event_type(self._event, describe, found), describe)
        declared = evolve(declared, schema_id=schema_id)
        if found is not None and schema_id:
            self._known[schema_id] = declared
        elif schema_id not in self._warned:
            self._warned.add(schema_id)
            self._warn(
                f"Salesforce does not know the schema {schema_id} of {self._event}: its fields are taken from "
                "describe, which shows the event as it is today"
            )
        return declared

    def _tagged(self, declared: EventType, describe: Mapping[str, Any]) -> EventType:
        if self._contract is None:
            return declared
        today = {f.get("name") for f in describe.get("fields", ())} | {f.name for f in declared.fields}
        faults = [
            Fault(f"fields.{name}", f"{self._event} has no such field; correct or remove it in the contract")
            for name in self._contract.fields
            if name not in today
        ]
        if faults:
            raise ConfigurationError(faults)
        tags = {n: dict.fromkeys(entry.tags, "contract") for n, entry in self._contract.fields.items()}
        return evolve(declared, fields=tuple(evolve(f, tags=tags.get(f.name, {})) for f in declared.fields))


def load_contract(event: str, path: str | None) -> Contract | None:
    """The event's contract: the file named, or ``schemas/<Event>.contract.yaml`` where it exists.

    ConfigurationError for what is wrong in it, and for rules that would have to encrypt.
    """
    file = Path(path) if path else Path("schemas") / f"{event}.contract.yaml"
    if not path and not file.is_file():
        return None
    try:
        contract = parse(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise ConfigurationError(
            [Fault("bridge.schema.contract", f"{file} cannot be read ({reason})")]
        ) from None
    if contract.event != event:
        message = f"{file} is the contract of {contract.event}, and the connector carries {event}"
        raise ConfigurationError([Fault("bridge.schema.contract", message)])
    if protects(contract):
        message = f"{file} has rules that encrypt, which is not supported yet: remove or disable them"
        raise ConfigurationError([Fault("bridge.schema.contract", message)])
    return contract
