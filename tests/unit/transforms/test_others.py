"""The transforms that are not Kafka's own, by what their documentation says."""

import gzip
from typing import Any

import pytest

from bridge.java.exceptions import InvalidConfig, JavaError
from bridge.model.schema import DATE, TIMESTAMP, Field, Kind, Schema
from bridge.transforms.json_path import Path
from bridge.transforms.record import ConnectRecord
from bridge.transforms.table import TRANSFORMS

CONFLUENT = "io.confluent.connect.transforms."
COMMON = "com.github.jcustenborder.kafka.connect.transform.common."
TEXT, NUMBER = Schema(Kind.STRING, optional=True), Schema(Kind.INT32, optional=True)
INNER = Schema(
    Kind.STRUCT, optional=True, fields=(Field("city", TEXT, frozenset({"PII"})), Field("zip", TEXT))
)
SCHEMA = Schema(
    Kind.STRUCT, name="R", fields=(Field("id", NUMBER), Field("to", INNER), Field("status", TEXT))
)
VALUE = {"id": 7, "to": {"city": "Brno", "zip": "60200"}, "status": "OPEN"}


def applied(name: str, record: ConnectRecord | None = None, **config: str) -> ConnectRecord | None:
    entry = TRANSFORMS[name]
    record = record or ConnectRecord("orders", SCHEMA, VALUE)
    settings = {key.replace("__", "."): value for key, value in config.items()}
    kept = entry.make(entry.spec.parse(settings), entry.side).apply(record)
    return record if kept else None


def result(*args: Any, **config: str) -> ConnectRecord:
    record = applied(*args, **config)
    assert record is not None
    return record


@pytest.mark.parametrize(
    ("regex", "replacement", "topic", "routed"),
    [
        ("soe-(.*)", "$1", "soe-Order", "Order"),
        (".*", "acme_$0", "Order", "acme_Order"),
        ("(.*)Stream_(.*)", "$1$2", "Order_Stream_Data", "Order_Data"),
        ("(?P<n>a).*", "${n}", "abc", "a"),
    ],
)
def test_topic_regex_router(regex: str, replacement: str, topic: str, routed: str) -> None:
    name = "io.confluent.connect.cloud.transforms.TopicRegexRouter"
    record = ConnectRecord(topic, SCHEMA, VALUE)
    assert result(name, record, regex=regex, replacement=replacement).topic == routed


def test_re2_has_no_look_ahead() -> None:
    with pytest.raises(InvalidConfig, match="RE2"):
        applied("io.confluent.connect.cloud.transforms.TopicRegexRouter", regex="(?=a)b", replacement="x")


def test_drop() -> None:
    record = result(CONFLUENT + "Drop$Value")
    assert (record.value, record.value_schema) == (None, None)
    retained = result(CONFLUENT + "Drop$Value", schema__behavior="retain")
    assert retained.value_schema is SCHEMA
    forced = result(CONFLUENT + "Drop$Value", schema__behavior="force_optional").value_schema
    assert forced is not None
    assert forced.optional
    with pytest.raises(JavaError, match="not optional"):
        applied(CONFLUENT + "Drop$Value", schema__behavior="validate")


def test_extract_topic() -> None:
    assert result(CONFLUENT + "ExtractTopic$Value", field="status").topic == "OPEN"
    path = result(CONFLUENT + "ExtractTopic$Value", field='$["to"]["city"]', field__format="JSON_PATH")
    assert path.topic == "Brno"
    with pytest.raises(JavaError, match="missing or null"):
        applied(CONFLUENT + "ExtractTopic$Value", field="nope")
    assert (
        result(CONFLUENT + "ExtractTopic$Value", field="nope", skip__missing__or__null="true").topic
        == "orders"
    )
    with pytest.raises(JavaError, match="no text"):
        applied(CONFLUENT + "ExtractTopic$Value", field="id")
    record = ConnectRecord("orders", SCHEMA, VALUE, headers=(("where", TEXT, "there"),))
    assert result(CONFLUENT + "ExtractTopic$Header", record, field="where").topic == "there"
    with pytest.raises(InvalidConfig):
        applied(CONFLUENT + "ExtractTopic$Header")


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("$[?(@.status == 'OPEN')]", True),
        ('$[?(@.status == "CLOSED" || @.id >= 7)]', True),
        ("$[?(@.status == 'OPEN' && @.id < 7)]", False),
        ("$.to[?(@.city == 'Brno')]", True),
        ("$[?(@.nothing)]", False),
        ("$[?(!(@.nothing))]", True),
        ("$[?(@.status in ['OPEN', 'NEW'])]", True),
        ("$[?(@.status =~ /op.*/i)]", True),
        ("$[?(@.to.zip != '60200')]", False),
        ("$.to.city", True),
    ],
)
def test_filter(condition: str, matches: bool) -> None:
    included = applied(CONFLUENT + "Filter$Value", filter__condition=condition, filter__type="include")
    excluded = applied(CONFLUENT + "Filter$Value", filter__condition=condition, filter__type="exclude")
    assert (included is not None) is matches
    assert (excluded is None) is matches


def test_filter_where_something_is_missing() -> None:
    config = {"filter__condition": "$.nothing", "filter__type": "include"}
    with pytest.raises(JavaError, match="missing or null"):
        applied(CONFLUENT + "Filter$Value", **config)
    assert applied(CONFLUENT + "Filter$Value", **config, missing__or__null__behavior="include") is not None
    assert applied(CONFLUENT + "Filter$Value", **config, missing__or__null__behavior="exclude") is None
    with pytest.raises(InvalidConfig):
        applied(CONFLUENT + "Filter$Value", filter__condition="$[?(", filter__type="include")


def test_json_paths() -> None:
    document = {"a": [{"b": 1}, {"b": 2}], "c": {"b": 3}}
    assert Path("$..b").find(document) == [1, 2, 3]
    assert Path("$.a[*].b").find(document) == [1, 2]
    assert Path("$.a[-1].b").find(document) == [2]
    assert Path("$.a[?(@.b > 1)].b").find(document) == [2]


def test_message_timestamp_router() -> None:
    name = CONFLUENT + "MessageTimestampRouter"
    config = {
        "topic__format": "foo-${topic}-${timestamp}",
        "message__timestamp__format": "yyyy-MM-dd",
        "topic__timestamp__format": "yyyy.MM.dd",
        "message__timestamp__keys": "timestamp,time,ts",
    }
    assert (
        result(name, ConnectRecord("bar", None, {"time": "2019-08-06"}), **config).topic
        == "foo-bar-2019.08.06"
    )
    for schema, value in (
        (Schema(Kind.INT32, name=DATE), 18114),
        (Schema(Kind.INT64, name=TIMESTAMP), 18114 * 86_400_000),
    ):
        record = ConnectRecord("bar", Schema(Kind.STRUCT, fields=(Field("ts", schema),)), {"ts": value})
        assert result(name, record, **config).topic == "foo-bar-2019.08.06"
    with pytest.raises(JavaError, match="none of"):
        applied(name, **config)


@pytest.mark.parametrize(
    ("test", "value", "matches"),
    [
        ('@.a in ["x,y","z"]', "x,y", True),
        ("@.a in [\"x]\", '[']", "[", True),
        ("@.a in [true]", True, True),
        ("@.a in [1]", True, False),
        ("@.a in [1, null]", None, True),
        ("@.a in []", 1, False),
        ("@.a in @.b", 1, True),
        ("@.a nin @.b", 2, True),
        ("@.a in @.missing", 1, False),
        ("@.a nin @.missing", 1, False),
        ("@.a nin @.a", 1, False),
    ],
)
def test_lists_in_json_paths(test: str, value: object, matches: bool) -> None:
    assert bool(Path(f"$[?({test})]").find({"a": value, "b": [1]})) is matches


@pytest.mark.parametrize(
    "test", ['@.a =~ "x"', "@.a =~ @.b", "@.a in 5", "@.a in null", "@.a nin 'x'", "@.a in [x]"]
)
def test_json_paths_that_could_match_nothing_are_refused(test: str) -> None:
    with pytest.raises(ValueError, match=r"behind|the list"):
        Path(f"$[?({test})]")


def test_a_text_has_no_nested_field() -> None:
    names = {
        "input__outer__field__name": "to",
        "input__inner__field__name": "city",
        "output__field__name": "city",
    }
    name = COMMON + "ExtractNestedField$Value"
    assert result(name, ConnectRecord("t", None, {"to": None}), **names).value == {"to": None, "city": None}
    with pytest.raises(JavaError, match=r"the field to is java.lang.String"):
        applied(name, ConnectRecord("t", None, {"to": "Brno"}), **names)


def test_tombstone_handler() -> None:
    dead = ConnectRecord("orders", None, None)
    assert applied(CONFLUENT + "TombstoneHandler", dead, behavior="ignore") is None
    assert applied(CONFLUENT + "TombstoneHandler", behavior="fail") is not None
    with pytest.raises(JavaError):
        applied(CONFLUENT + "TombstoneHandler", dead, behavior="fail")


def test_the_documented_example_of_nested_renames() -> None:
    value = {
        "abc": 42,
        "etc": "etc",
        "foo": {
            "a1": "k1",
            "a2": {"b2": {"c1": "f4"}, "b1": {"c1": "f4"}},
            "a3": {"b2": {"c1": "f4"}, "b1": {"c1": "f4"}},
        },
        "dont": "whatever",
    }
    record = result(
        CONFLUENT + "ReplaceField$Value",
        ConnectRecord("t", None, value),
        exclude="dont",
        renames="foo.a2:xyz,foo:bar,foo.a3.b1:luck,foo.a3.b2.c1:happy",
    )
    assert record.value == {
        "etc": "etc",
        "bar": {
            "a1": "k1",
            "a3": {"b2": {"happy": "f4"}, "luck": {"c1": "f4"}},
            "xyz": {"b2": {"c1": "f4"}, "b1": {"c1": "f4"}},
        },
        "abc": 42,
    }


def test_nested_renames_with_a_schema() -> None:
    record = result(CONFLUENT + "ReplaceField$Value", include="to.city,id", renames="to.city:town")
    assert record.value == {"id": 7, "to": {"town": "Brno"}}
    assert record.value_schema is not None
    to = record.value_schema.field_named("to")
    assert to is not None
    assert to.schema.fields == (Field("town", TEXT, frozenset({"PII"})),)
    assert to.schema.optional


def test_flatten_may_keep_a_map() -> None:
    text_map = Schema(Kind.MAP, key_schema=Schema(Kind.STRING), value_schema=TEXT)
    user = Schema(Kind.STRUCT, fields=(Field("id", NUMBER), Field("attributes", text_map)))
    record = ConnectRecord(
        "t", Schema(Kind.STRUCT, fields=(Field("user", user),)), {"user": {"id": 1, "attributes": {"a": "b"}}}
    )
    kept = result(CONFLUENT + "Flatten$Value", record.copy(), behaviour__on__nested__map="INCLUDE")
    assert kept.value == {"user.id": 1, "user.attributes": {"a": "b"}}
    with pytest.raises(JavaError, match="MAP"):
        applied(CONFLUENT + "Flatten$Value", record)


def test_gzip_decompress() -> None:
    schema = Schema(Kind.BYTES)
    record = ConnectRecord("t", schema, gzip.compress(b"content"))
    assert result(CONFLUENT + "GzipDecompress$Value", record).value == b"content"
    for value in (b"nothing", gzip.compress(b"x")[:-4]):
        with pytest.raises(JavaError, match="no gzipped bytes"):
            applied(CONFLUENT + "GzipDecompress$Value", ConnectRecord("t", schema, value))
    with pytest.raises(JavaError, match="Only bytes"):
        applied(CONFLUENT + "GzipDecompress$Value")


@pytest.mark.parametrize(
    ("given", "to", "topic", "changed"),
    [
        ("LOWER_UNDERSCORE", "LOWER_HYPHEN", "order_placed", "order-placed"),
        ("UPPER_CAMEL", "LOWER_UNDERSCORE", "OrderPlaced", "order_placed"),
        ("LOWER_HYPHEN", "LOWER_CAMEL", "order-placed", "orderPlaced"),
        ("LOWER_CAMEL", "UPPER_UNDERSCORE", "orderPlaced", "ORDER_PLACED"),
    ],
)
def test_change_topic_case(given: str, to: str, topic: str, changed: str) -> None:
    record = ConnectRecord(topic, SCHEMA, VALUE)
    assert result(COMMON + "ChangeTopicCase", record, **{"from": given, "to": to}).topic == changed


def test_timestamps() -> None:
    stamped = Schema(Kind.STRUCT, fields=(Field("at", Schema(Kind.INT64, name=TIMESTAMP)),))
    record = ConnectRecord("t", stamped, {"at": 1_714_557_600_123})
    assert result(COMMON + "ExtractTimestamp$Value", record, field__name="at").timestamp == 1_714_557_600_123
    with pytest.raises(JavaError):
        applied(COMMON + "ExtractTimestamp$Value", field__name="id")
    now = result(COMMON + "TimestampNow").timestamp
    assert now is not None
    assert now > 1_714_557_600_123
    record = result(COMMON + "TimestampNowField$Value", fields="now,status")
    assert record.value["now"] == record.value["status"] > now - 1
    assert (
        [f.name for f in record.value_schema.fields] == ["id", "to", "status", "now"]
        if record.value_schema
        else False
    )


def test_nested_fields_and_bytes() -> None:
    record = result(
        COMMON + "ExtractNestedField$Value",
        input__outer__field__name="to",
        input__inner__field__name="city",
        output__field__name="city",
    )
    assert record.value == VALUE | {"city": "Brno"}
    assert record.value_schema is not None
    assert record.value_schema.fields[-1].tags == {"PII"}
    schema = Schema(Kind.STRUCT, fields=(Field("raw", Schema(Kind.BYTES)),))
    record = result(
        COMMON + "BytesToString$Value", ConnectRecord("t", schema, {"raw": "ž".encode()}), fields="raw"
    )
    assert record.value == {"raw": "ž"}


def test_what_cannot_be_cast_or_converted_names_its_field() -> None:
    for schema in (SCHEMA, None):
        record = ConnectRecord("orders", schema, VALUE)
        with pytest.raises(JavaError) as refused:
            applied("org.apache.kafka.connect.transforms.Cast$Value", record, spec="status:int32")
        assert refused.value.without_value == "field status: a value was out of range for int32"
        more = {"field": "status", "target__type": "unix", "format": "yyyy"}
        with pytest.raises(JavaError) as refused:
            applied("org.apache.kafka.connect.transforms.TimestampConverter$Value", record, **more)
        assert (refused.value.without_value or "").startswith(
            "field status: a timestamp's text does not match"
        )


@pytest.mark.parametrize("charset", ["base64", "idna", "\ud800", "nothing", ""])
def test_what_is_no_character_set_is_refused(charset: str) -> None:
    entry = TRANSFORMS[COMMON + "BytesToString$Value"]
    assert entry.spec.validate({"charset": charset, "fields": "a"})["charset"]


def test_bytes_that_a_character_set_cannot_replace_make_a_bad_record() -> None:
    record = ConnectRecord("t", None, {"a": b"\xff"})
    with pytest.raises(JavaError, match="cannot be read as punycode"):
        applied(COMMON + "BytesToString$Value", record, fields="a", charset="punycode")
