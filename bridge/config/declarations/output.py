"""What is written: format, schema context and schema policy, and the connector's registry."""

from __future__ import annotations

from bridge.config.checks import context, file, record_key, urls
from bridge.config.declarations.formats import NAMES
from bridge.config.property import BOOLEAN, HIGH, LONG, LOW, STRING, Property, group

SCHEMA = group(
    "Schema Config",
    Property(
        "schema.context.name",
        STRING,
        "The registry's context in which schemas are registered; 'default', in small or capital letters, is the "
        "default context. One that is called so otherwise has a dot before its name: .Default.",
        default="default",
        check=context,
        range_text="a name without colons",
    ),
    Property(
        "schema.registry.url",
        STRING,
        "The registry as an exported configuration names it. Used where neither the worker nor "
        "value.converter.schema.registry.url names one.",
        importance=LOW,
        check=urls,
        range_text="a URL, several separated by commas",
    ),
    Property(
        "bridge.schema.contract",
        STRING,
        "The event's contract file: tags, metadata and rules. Without it schemas/<Event>.contract.yaml "
        "counts, where there is one.",
        check=file,
        range_text="the path of a file",
    ),
    Property(
        "bridge.schema.on.incompatible",
        STRING,
        "What to do with events whose schema is incompatible with the registered one: stop with the "
        "difference spelled out, or send them to the dead-letter topic.",
        default="fail",
        valid=("fail", "dead_letter"),
    ),
    Property(
        "bridge.schema.metadata.tags",
        BOOLEAN,
        "Whether tags are registered in the schema's metadata (metadata.tags), too, beside those that stand inline.",
        default="false",
        importance=LOW,
    ),
    Property(
        "bridge.schema.latest.ttl.ms",
        LONG,
        "After how many milliseconds registered schemas and rule sets are read again.",
        default="300000",
        low=0,
        importance=LOW,
    ),
)

OUTPUT = group(
    "Output messages",
    Property(
        "output.data.format",
        STRING,
        "The format of record values. AVRO, JSON_SR and PROTOBUF need a schema registry; JSON is written "
        "without schema. Where it is not given, the connector's value.converter decides, then the worker's.",
        default="JSON",
        valid=NAMES,
        importance=HIGH,
        display="Output value format",
    ),
    Property(
        "bridge.record.timestamp",
        STRING,
        "The timestamp of records: 'none' leaves it to Kafka, as the managed connector does; 'created_date'"
        " takes the event's CreatedDate.",
        default="none",
        valid=("none", "created_date"),
        importance=LOW,
    ),
    Property(
        "bridge.record.key",
        STRING,
        "The key of records, written by key.converter (StringConverter where none is given): 'none' as the managed "
        "connector, 'event_uuid', or a field as 'field:NAME'; 'record_id' is the key of change events. A "
        "field that is to be encrypted is refused. Transforms of the connector come after it.",
        default="none",
        check=record_key,
        range_text="none, event_uuid, field:NAME",
        importance=LOW,
    ),
    Property(
        "datapreview.schemas.enable",
        BOOLEAN,
        "Whether a preview (sfbridge preview) shows the schema beside the records.",
        default="false",
        importance=LOW,
    ),
)
