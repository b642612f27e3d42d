from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BadRecord, Stage
from bridge.event import Data
from bridge.formats.bad_values import UnknownField
from bridge.formats.code import source_of
from bridge.formats.reader import careful_reader, compile_reader, read_with
from bridge.formats.rows import Layout, Row, attribute_name
from bridge.metadata.infer import record_schema
from bridge.model.schema import EventField, EventType

from .events import EVERY, FULL, ORDER, SCHEMA_ID, UUID, data, payloads, rows


def _builtins(layout: Layout, row: Row) -> dict[str, Any]:
    """A row's values with nested rows as dicts, NaN-free."""
    import msgspec

    return {
        k: v if isinstance(v, str | int | float | None) else msgspec.to_builtins(v)
        for k, v in layout.values(row).items()
    }


def _read_or_bad(layout: Layout, event: Data) -> bool:
    try:
        return layout.values(read_with(layout)(event))["ReplayId"] == "2621"
    except BadRecord as error:
        return error.position == 2621 and error.stage is Stage.PARSE


def test_a_row_has_the_layout_in_its_final_form() -> None:
    layout = rows()
    row = read_with(layout)(data(FULL))
    assert layout.values(row) == {
        "ReplayId": "2621",
        "CreatedDate": 1723032739078,
        "CreatedById": "0055g00000Ab1cdAAA",
        "EventUuid": UUID,
        "Order_Number__c": "O-10018",
        "Customer_Name__c": "Žaneta",
        "Customer_Email__c": "zaneta@example.com",
        "Phone__c": "+420 777 123456",
        "Amount__c": 12.5,
        "Quantity__c": 3.0,
        "Is_Gift__c": True,
        "Ship_Date__c": 19944,
        "Promised_At__c": 1723276800000,
        "Comment__c": None,
        "Status__c": "New",
        "Country__c": "CZ",
        "_ObjectType": "Order_Placed__e",
        "_EventType": SCHEMA_ID,
    }


@settings(deadline=None)
@given(payloads(EVERY))
def test_the_quick_and_the_careful_way_read_the_same(payload: dict[str, Any]) -> None:
    layout = rows(EVERY)
    event = data(payload)
    quick, careful = read_with(layout)(event), careful_reader(layout)(event)
    expected = _builtins(layout, careful)
    for name in ("Location_Field", "Address_Field"):
        if expected[name] is not None:
            whole = layout.schema.field_named(name)
            assert whole is not None
            expected[name] = {f.name: expected[name].get(f.name) for f in whole.schema.fields}
    assert _builtins(layout, quick) == expected


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("Amount__c", "12.50", 12.5),
        ("Amount__c", 12, 12.0),
        ("Amount__c", " 7 ", 7.0),
        ("CreatedDate", "2024-08-07T12:12:19.078+0000", 1723032739078),
        ("CreatedDate", "2024-08-07T14:12:19.078+02:00", 1723032739078),
        ("CreatedDate", "2024-08-07T12:12:19.078", 1723032739078),
        ("CreatedDate", 1723032739078, 1723032739078),
        ("CreatedDate", "12024-08-07T12:12:19Z", 317292552739000),
        ("Ship_Date__c", 1723161600000, 19944),
        ("Ship_Date__c", "2024-08-09T00:00:00.000+0000", 19944),
        ("Is_Gift__c", "true", True),
    ],
)
def test_what_is_written_otherwise_is_read_leniently(field: str, value: Any, expected: Any) -> None:
    layout = rows()
    assert layout.values(read_with(layout)(data({field: value})))[field] == pytest.approx(expected, abs=0)


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("Amount__c", "secret", "text where a number"),
        ("Amount__c", True, "a boolean where a number"),
        ("Amount__c", [1], "an array where a number"),
        ("Order_Number__c", 7, "a number where text"),
        ("Order_Number__c", {"a": 1}, "an object where text"),
        ("Is_Gift__c", "yes", "text where a boolean"),
        ("CreatedDate", "yesterday", "text where a date-time"),
        ("Ship_Date__c", "2024-02-30", "text where a date"),
    ],
)
def test_what_cannot_be_read_is_named_without_its_value(field: str, value: Any, found: str) -> None:
    with pytest.raises(BadRecord) as caught:
        compile_reader(ORDER, record_schema(ORDER))(data({field: value}, replay_id=77))
    assert caught.value.stage is Stage.PARSE
    assert caught.value.position == 77
    assert f"field {field} of Order_Placed__e is {found}" in caught.value.message
    assert str(value) not in caught.value.message.replace(field, "") or value in (True, 7)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1.5, "x"])
def test_an_int_beyond_its_range_is_refused(value: Any) -> None:
    with pytest.raises(BadRecord, match=r"Int_Field .* 32-bit"):
        read_with(rows(EVERY))(data({"Int_Field": value}))


def test_a_whole_double_is_an_int() -> None:
    layout = rows(EVERY)
    assert layout.values(read_with(layout)(data({"Int_Field": 3.0})))["Int_Field"] == 3


@pytest.mark.parametrize("number", ["12.50", "1e3", "100", "-0.00", "123456789012345678.91"])
def test_currency_is_the_numbers_text_as_it_stands(number: str) -> None:
    layout = rows(EVERY)
    payload = f'{{"Currency_Field": {number}, "Json_Field": {{"a": 1}}, "Anytype_Field": true}}'.encode()
    values = layout.values(read_with(layout)(data(payload)))
    assert (values["Currency_Field"], values["Json_Field"], values["Anytype_Field"]) == (
        number,
        '{"a": 1}',
        "true",
    )


def test_an_unknown_field_is_named_or_dropped() -> None:
    with pytest.raises(UnknownField, match="Nope__c") as caught:
        read_with(rows())(data({"Nope__c": 1}, replay_id=5))
    assert (caught.value.field, caught.value.position) == ("Nope__c", 5)
    layout = rows(drop_unknown=True)
    row = read_with(layout)(data({"Nope__c": 1, "Status__c": "New"}))
    assert layout.values(row)["Status__c"] == "New"


def test_an_unknown_part_of_an_address_is_named() -> None:
    with pytest.raises(UnknownField, match=r"Address_Field\.Planet"):
        read_with(rows(EVERY))(data({"Address_Field": {"Planet": "Earth"}}))
    read_with(rows(EVERY, drop_unknown=True))(data({"Address_Field": {"Planet": "Earth"}}))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_a_bad_record(payload: bytes) -> None:
    assert _read_or_bad(rows(), data(payload))


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([f.name for f in EVERY.fields]),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
            ),
        ),
    )
)
def test_any_json_is_read_or_a_bad_record(payload: dict[str, Any]) -> None:
    assert _read_or_bad(rows(EVERY), data(json.dumps(payload).encode()))


def test_odd_names_of_fields_are_carried() -> None:
    fields = tuple(EventField(name, "string") for name in ("class", "__init__", "a-b", "žluť", "from"))
    event = EventType("Odd__e", fields, "x")
    layout = rows(event)
    row = read_with(layout)(data({"class": "1", "__init__": "2", "a-b": "3", "žluť": "4", "from": "5"}))
    assert [layout.values(row)[f.name] for f in fields] == ["1", "2", "3", "4", "5"]
    assert attribute_name("class", 3) == "field_3"


def test_an_event_without_schema_id_or_uuid() -> None:
    layout = rows(evolve(ORDER, schema_id=None))
    values = layout.values(read_with(layout)(data({}, uuid=None)))
    assert values["_EventType"] is None
    assert values["EventUuid"] is None


def test_the_generated_source_can_be_read() -> None:
    assert "row.CreatedDate" in source_of(read_with(rows()))
