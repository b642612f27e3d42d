"""Whatever goes wrong while one event becomes a record concerns that event alone, and says where."""

import io
import json
from typing import Any

import pytest

from bridge.errors import BadRecord, Fatal, Stage, Unexpected
from bridge.event import Data
from bridge.formats import FORMATS
from bridge.java.numbers import float32
from bridge.log import for_connector
from bridge.routing.conversion import ConversionGuard
from tests.unit.formats.events import ORDER, data, rows
from tests.unit.routing.test_transforming import APACHE, converted, registered, route

NO_UTF8 = b'{"Order_Number__c":"O-1","Customer_Name__c":"M\xfcller","Amount__c":1.5}'


def fails_on(name: str) -> Any:
    def convert(event: Data) -> bytes:
        if json.loads(bytes(event.payload)).get(name) is not None:
            int("4711-geheim")
        return b"{}"

    return convert


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_bytes_that_are_no_utf8_name_the_field_and_show_no_value(form: str) -> None:
    layout, written = rows(ORDER), registered(form, {})(rows(ORDER).schema, "orders")
    text = written.registered.text if written else None
    from bridge.model.protection import NOTHING

    fused = FORMATS[form].compile_fused(layout, text, b"", {}, NOTHING)
    same = {"transforms": "same", "transforms.same.type": APACHE + "ReplaceField$Value"}
    through_a_chain = route(same, form)
    for convert in (fused, lambda event: converted(through_a_chain, event)):
        with pytest.raises(
            BadRecord, match="field Customer_Name__c of Order_Placed__e is not UTF-8"
        ) as refused:
            convert(data(NO_UTF8))
        assert refused.value.stage is Stage.PARSE
        assert "M" not in refused.value.message.replace("Customer_Name__c", "")


def test_a_name_that_is_no_utf8_is_said_so() -> None:
    layout = rows(ORDER)
    from bridge.formats.reader import read_with

    with pytest.raises(BadRecord, match="cannot be parsed: it is no UTF-8"):
        read_with(layout)(data(b'{"\xff":1}'))


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize(
    "number", ["3.4028235e38", "-3.4028235E38", "3.3999999e38", "1.1754944e-38", "1e-45"]
)
def test_the_ends_of_the_range_of_a_float_pass_through_every_format(form: str, number: str) -> None:
    chain = {
        "transforms": "mask,cast",
        "transforms.mask.type": APACHE + "MaskField$Value",
        "transforms.mask.fields": "Amount__c",
        "transforms.mask.replacement": number,
        "transforms.cast.type": APACHE + "Cast$Value",
        "transforms.cast.spec": "Amount__c:float32",
    }
    record = converted(route(chain, form), data({"Amount__c": 1.5}))
    assert record is not None
    assert record.value is not None
    if form == "JSON":
        written = json.loads(record.value)["Amount__c"]
        assert float32(written) == float32(float(number))
        assert len(repr(written)) <= len("-3.4028235e+38")


def test_an_exception_becomes_a_bad_record_of_the_field_without_its_text(log_lines: io.StringIO) -> None:
    guard = ConversionGuard(for_connector("orders"))
    convert = fails_on("Secret__c")
    event = data({"Amount__c": 1, "Secret__c": "4711-geheim", "Other__c": None})
    for _ in range(3):
        try:
            convert(event)
        except ValueError as error:
            refusal = guard.refusal(error, convert, event)
        assert isinstance(refusal, Unexpected)
        assert refusal.position == event.event.replayId
        assert refusal.message.startswith("field Secret__c: an unexpected ValueError in ")
    written = log_lines.getvalue()
    assert written.count("logged once") == 1
    assert ", in convert" in written
    assert "invalid literal" not in written + refusal.message


def test_the_chain_of_causes_is_logged_without_texts(log_lines: io.StringIO) -> None:
    guard = ConversionGuard(for_connector("orders"))
    try:
        try:
            int("geheim")
        except ValueError as error:
            raise KeyError("geheim") from error
    except KeyError as error:
        refusal = guard.refusal(error, lambda event: 1 / 0, data({"A__c": 1}))
    assert "field" not in refusal.message
    assert "builtins.ValueError" in log_lines.getvalue()
    assert "builtins.KeyError" in log_lines.getvalue()
    assert "geheim" not in log_lines.getvalue().replace('int("geheim")', "").replace('KeyError("geheim")', "")


def test_the_stage_is_that_of_the_room_that_failed() -> None:
    guard = ConversionGuard(for_connector("orders"))
    for call, stage in ((lambda: float32("no"), Stage.TRANSFORMATION), (lambda: {}["x"], Stage.ENCODE)):  # type: ignore[arg-type]
        with pytest.raises(Exception) as raised:
            call()
        assert guard.refusal(raised.value, lambda event: b"", data(b"[")).stage is stage


def test_a_recursion_is_one_event_s_fault_and_its_trace_is_short(log_lines: io.StringIO) -> None:
    def deeper(event: Data) -> bytes:
        return deeper(event)

    try:
        deeper(data({}))
    except RecursionError as error:
        refusal = ConversionGuard(for_connector("orders")).refusal(error, deeper, data({}))
    assert "RecursionError" in refusal.message
    assert len(log_lines.getvalue()) < 10_000


def test_what_happens_between_two_conversions_is_no_event_s_fault() -> None:
    guard = ConversionGuard(for_connector("orders"))
    with pytest.raises(Fatal, match="unexpected KeyError"), guard.between():
        raise KeyError("subject")
    refusal = BadRecord("as it is", stage=Stage.SCHEMA)
    with pytest.raises(BadRecord) as passed, guard.between():
        raise refusal
    assert passed.value is refusal


@pytest.mark.parametrize(
    "payload",
    [
        b'{"CreatedDate":"\xff"}',
        b'{"CreatedDate":"0001-01-01T00:00:00+14:00"}',
        b'{"CreatedDate":"0001-01-01T00:00:00"}',
        b"[" * 5000,
    ],
)
def test_when_an_event_was_published_never_stops_a_commit(payload: bytes) -> None:
    data(payload).created_ms()


def test_a_sample_that_breaks_the_chain_is_judged_when_its_turn_comes() -> None:
    chain = {
        "transforms": "t",
        "transforms.t.type": APACHE + "Cast$Value",
        "transforms.t.spec": "Amount__c:float32",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bridge.java.numbers.float32", lambda value: 1 / 0)
        broken = route(chain, sample={"Amount__c": 1.5})
        with pytest.raises(ZeroDivisionError):
            converted(broken, data({"Amount__c": 1.5}))
