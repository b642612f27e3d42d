"""Schemas of an event out of Salesforce's own metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from bridge.errors import ConfigurationError, Fault
from bridge.inspection import generate
from bridge.metadata import source_files
from bridge.metadata.source_format import Declared
from bridge.metadata.sources import read_contract
from bridge.model.contract import Contract, parse

Metadata = Mapping[str, object] | Path | str
"""What Salesforce says of an event: describe, eventSchema, or the Pub/Sub API's Avro schema, as the parsed JSON or the
file with it; or the folder of an SFDX project."""


def schemas(
    metadata: Metadata,
    formats: Iterable[str] = ("AVRO", "JSON_SR", "PROTOBUF"),
    *,
    event: str | None = None,
    contract: Mapping[str, object] | Path | str | None = None,
    existing: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """File name → text: what ``sfbridge schemas generate`` writes, the contract included. The same gives the same
    text. Asks nobody and writes nothing.

    ``event``: the event's API name, needed where an SFDX project declares several. ``contract``: the event's contract
    (a file, or what it says), whose tags and rules the schemas get; without it a new one comes out, with tags by
    Salesforce's classification where the metadata tell it. ``existing``: files that were generated before; field
    numbers of a ``.proto`` among them stay what they are.

    Raises ConfigurationError for a parameter, Fatal for metadata that are none or that a format cannot express.
    """
    wanted = _wanted(formats)
    declared = _declared(metadata, event)
    earlier = None if contract is None else _contract(contract)
    if earlier is not None:
        generate.check(earlier, "contract", declared.event)
    its = generate.contract_for(declared.event, declared.classified, earlier, generate.Key())
    texts = generate.files(declared.event, declared.classified, its, wanted, {}, existing or {})
    name = f"{declared.event.name}{generate.CONTRACT}"
    return {**texts, name: generate.contract_text(its, declared.event, declared.classified)}


def _wanted(formats: Iterable[str]) -> tuple[str, ...]:
    every = generate.formats()
    asked = (formats,) if isinstance(formats, str) else tuple(formats)
    if wrong := [name for name in asked if name not in every]:
        raise ConfigurationError([Fault("formats", f"must be of {', '.join(every)}", str(wrong[0]))])
    return asked


def _declared(metadata: Metadata, event: str | None) -> Declared:
    if isinstance(metadata, Mapping):
        return source_files.from_document("metadata", metadata)
    try:
        return source_files.from_any(Path(metadata), event)
    except ConfigurationError as error:
        raise ConfigurationError(
            [Fault(f.key.lstrip("-"), f.message, f.value) for f in error.faults]
        ) from None


def _contract(given: Mapping[str, object] | Path | str) -> Contract:
    if isinstance(given, Mapping):
        # here: seldom
        import json

        return parse(json.dumps(given), "contract")
    return read_contract(Path(given))
