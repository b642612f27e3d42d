"""What the connector of change events has that the connector of platform events has not, and has otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from bridge.config.checks import change_channel, change_key
from bridge.config.classes import CDC_MANAGED
from bridge.config.declarations.connection import CONNECTION
from bridge.config.declarations.formats import NAMES, RAW
from bridge.config.declarations.output import OUTPUT
from bridge.config.declarations.salesforce import LOGIN
from bridge.config.property import BOOLEAN, HIGH, LIST, LOW, STRING, Property, When, group

_OF_PLATFORM_EVENTS: Final = "salesforce.platform."

_CHANNEL = (
    Property(
        "salesforce.channel.type",
        STRING,
        "Whether salesforce.cdc.name is the channel of one object's change events (SINGLE) or one that carries those "
        "of several (MULTI). Where it is not given, the name tells.",
        valid=("SINGLE", "MULTI"),
        importance=HIGH,
        display="Salesforce channel type",
    ),
    Property(
        "salesforce.cdc.name",
        STRING,
        "The change event or channel, without /data/: AccountChangeEvent, Employee__ChangeEvent; for several objects "
        "ChangeEvents (all that are selected in Setup) or a custom channel such as Sales__chn. Upper and lower case "
        "count.",
        importance=HIGH,
        required_when=When("connector.class", (CDC_MANAGED,)),
        check=change_channel,
        range_text="AccountChangeEvent, ChangeEvents, Sales__chn",
        display="Salesforce CDC name",
    ),
    Property(
        "salesforce.cdc.channel",
        STRING,
        "The self-managed connector's name for salesforce.cdc.name.",
        importance=HIGH,
        check=change_channel,
        range_text="AccountChangeEvent, ChangeEvents, Sales__chn",
    ),
    Property(
        "salesforce.channel.entities",
        LIST,
        "The change events to carry, separated by commas; others that the channel delivers are passed over. With "
        "MULTI. Where it is not given, all are carried, which csfle.enabled does not allow. Several events in one "
        "topic need value.converter.value.subject.name.strategy=RecordNameStrategy or TopicRecordNameStrategy.",
        default="",
        range_text="change events such as AccountChangeEvent, separated by commas",
    ),
)

_CHANGES = (
    Property(
        "convert.changed.fields",
        BOOLEAN,
        "Whether the parts of a name stand in the header's changedFields as the record has them: FirstName instead of "
        "Name.FirstName.",
        default="false",
        importance=LOW,
    ),
    Property(
        "bridge.cdc.fields",
        STRING,
        "What a record says of fields that did not change: 'all' writes null for them, as the managed connector does; "
        "'changed' leaves them out, in JSON only.",
        default="all",
        valid=("all", "changed"),
        importance=LOW,
    ),
    Property(
        "bridge.cdc.header",
        STRING,
        "The fields of ChangeEventHeader: 'recorded' are the ten that Confluent's connector writes; 'full' adds "
        "nulledFields and diffFields. Both are Kafka headers of the record in either case.",
        default="recorded",
        valid=("recorded", "full"),
        importance=LOW,
    ),
    Property(
        "bridge.cdc.tombstone.on.delete",
        BOOLEAN,
        "Whether a DELETE is written as a record without a value (a tombstone), so that a compacted topic forgets the "
        "Salesforce record. Needs bridge.record.key.",
        default="false",
        importance=LOW,
    ),
)

_OTHERWISE: Final[Mapping[str, Mapping[str, Any]]] = {
    "salesforce.initial.start": {"importance": HIGH},
    "output.data.format": {
        "valid": (*NAMES, RAW),
        "doc": "The format of record values. AVRO, JSON_SR and PROTOBUF need a schema registry; JSON is written "
        "without schema; SF_API is the message as Salesforce's Streaming API sends it. Where it is not given, the "
        "connector's value.converter decides, then the worker's.",
    },
    "bridge.record.timestamp": {
        "doc": "The timestamp of records: 'none' leaves it to Kafka, as the managed connector does; 'created_date' "
        "takes the moment at which the change was committed (commitTimestamp).",
    },
    "bridge.record.key": {
        "check": change_key,
        "range_text": "none, record_id, field:NAME",
        "doc": "The key of records, written by key.converter (StringConverter where none is given): 'none' as the "
        "managed connector, 'record_id' the id of the Salesforce record, or a field as 'field:NAME'. With record_id "
        "an event about several records becomes a record for each. A field that is to be encrypted is refused. "
        "Transforms of the connector come after it.",
    },
}
"""Property → what is declared of it otherwise."""


def for_changes(*groups: tuple[Property, ...]) -> tuple[tuple[Property, ...], ...]:
    """The groups of the connector of platform events, as the connector of change events has them."""
    return tuple(_of(one) for one in groups)


def _of(members: tuple[Property, ...]) -> tuple[Property, ...]:
    title = members[0].group
    kept = [p for p in members if not p.key.startswith(_OF_PLATFORM_EVENTS)]
    kept = [evolve(p, **_OTHERWISE.get(p.key, {})) for p in kept]
    if members is LOGIN:
        at = next(i for i, p in enumerate(kept) if p.key == "oauth.refresh.token") + 1
        kept[at:at] = _CHANNEL
    if members is OUTPUT:
        kept += _CHANGES
    return group(title, *kept) if members in (LOGIN, OUTPUT, CONNECTION) else tuple(kept)
