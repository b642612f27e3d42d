"""Every transform by its Java class name: the one table. Predicates: ``predicates.py``."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Final

from attrs import frozen

from bridge.transforms.smt import (
    bytes_to_string,
    cast,
    change_topic_case,
    confluent_filter,
    drop,
    drop_headers,
    extract_field,
    extract_nested_field,
    extract_timestamp,
    extract_topic,
    filter_,
    flatten,
    gzip_decompress,
    header_from,
    hoist_field,
    insert_field,
    insert_header,
    mask_field,
    message_timestamp_router,
    nested_flatten,
    nested_replace_field,
    regex_router,
    replace_field,
    set_schema_metadata,
    timestamp_converter,
    timestamp_now,
    timestamp_now_field,
    timestamp_router,
    timezone_converter,
    tombstone_handler,
    topic_regex_router,
    value_to_key,
)
from bridge.transforms.spec import Settings, Spec
from bridge.transforms.step import Side, Transform


@frozen
class Entry:
    """What a class name stands for."""

    spec: Spec
    make: Callable[[Settings, Side], Transform]
    side: Side = Side.VALUE


def _key(module: ModuleType) -> Entry:
    return Entry(module.SPEC, module.make, Side.KEY)


def _value(module: ModuleType) -> Entry:
    return Entry(module.SPEC, module.make, Side.VALUE)


_APACHE: Final = "org.apache.kafka.connect.transforms."
_CONFLUENT: Final = "io.confluent.connect.transforms."
_COMMON: Final = "com.github.jcustenborder.kafka.connect.transform.common."
_ROWS: Final[tuple[tuple[str, ModuleType, bool], ...]] = (
    # the class, its module, whether it has the variants $Key and $Value
    (_APACHE + "ReplaceField", replace_field, True),
    (_APACHE + "Cast", cast, True),
    (_APACHE + "InsertField", insert_field, True),
    (_APACHE + "TimestampConverter", timestamp_converter, True),
    (_APACHE + "ValueToKey", value_to_key, False),
    (_APACHE + "ExtractField", extract_field, True),
    (_APACHE + "RegexRouter", regex_router, False),
    (_APACHE + "Filter", filter_, False),
    (_APACHE + "Flatten", flatten, True),
    (_APACHE + "HoistField", hoist_field, True),
    (_APACHE + "MaskField", mask_field, True),
    (_APACHE + "SetSchemaMetadata", set_schema_metadata, True),
    (_APACHE + "HeaderFrom", header_from, True),
    (_APACHE + "InsertHeader", insert_header, False),
    (_APACHE + "DropHeaders", drop_headers, False),
    (_APACHE + "TimestampRouter", timestamp_router, False),
    ("io.confluent.connect.cloud.transforms.TopicRegexRouter", topic_regex_router, False),
    (_CONFLUENT + "Drop", drop, True),
    (_CONFLUENT + "ExtractTopic", extract_topic, True),
    (_CONFLUENT + "Filter", confluent_filter, True),
    (_CONFLUENT + "MessageTimestampRouter", message_timestamp_router, False),
    (_CONFLUENT + "TombstoneHandler", tombstone_handler, False),
    (_CONFLUENT + "ReplaceField", nested_replace_field, True),
    (_CONFLUENT + "Flatten", nested_flatten, True),
    (_CONFLUENT + "GzipDecompress", gzip_decompress, True),
    (_COMMON + "ChangeTopicCase", change_topic_case, False),
    (_COMMON + "TimestampNow", timestamp_now, False),
    (_COMMON + "TimestampNowField", timestamp_now_field, True),
    (_COMMON + "ExtractNestedField", extract_nested_field, True),
    (_COMMON + "BytesToString", bytes_to_string, True),
    ("io.debezium.transforms.TimezoneConverter", timezone_converter, False),
)

TRANSFORMS: Final[dict[str, Entry]] = {
    **{name: _value(module) for name, module, sided in _ROWS if not sided},
    **{f"{name}$Key": _key(module) for name, module, sided in _ROWS if sided},
    **{f"{name}$Value": _value(module) for name, module, sided in _ROWS if sided},
    _CONFLUENT + "ExtractTopic$Header": Entry(extract_topic.SPEC, extract_topic.make_of_header),
    _COMMON + "ExtractTimestamp$Value": _value(extract_timestamp),
}
"""Java class → what it is."""
