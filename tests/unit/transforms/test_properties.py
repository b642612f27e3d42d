"""For any record: nothing is changed in place, schema and value agree, tracing foresees the schema."""

import copy

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.java.exceptions import JavaError
from bridge.model.schema import Schema
from bridge.transforms.record import ConnectRecord
from bridge.transforms.step import State, Transform, all_tags
from bridge.transforms.table import TRANSFORMS

from .strategies import problem, schemas, transforms, values

QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Schema, object, str, dict[str, str]]:
    schema = draw(schemas())
    return schema, draw(values(schema)), *draw(transforms(schema))


def made(name: str, config: dict[str, str]) -> Transform:
    entry = TRANSFORMS[name]
    return entry.make(entry.spec.parse(config), entry.side)


@QUICK
@given(cases())
def test_schema_and_value_agree_and_the_input_stays(case: tuple[Schema, object, str, dict[str, str]]) -> None:
    schema, value, name, config = case
    record = ConnectRecord("orders", schema, value, timestamp=1)
    before = copy.deepcopy(value)
    try:
        kept = made(name, config).apply(record)
    except JavaError:
        kept = False
    assert repr(value) == repr(before)
    # nothing checks what InsertField leaves out, or that a null has a field to extract
    if kept and value is not None and not name.endswith("InsertField$Value"):
        assert problem(record.value, record.value_schema) is None
        if record.key_schema is not None:
            assert problem(record.key, record.key_schema) is None


@QUICK
@given(cases())
def test_tracing_foresees_the_schema(case: tuple[Schema, object, str, dict[str, str]]) -> None:
    schema, value, name, config = case
    transform = made(name, config)
    record = ConnectRecord("orders", schema, value, timestamp=1)
    try:
        transform.apply(record)
        state = transform.trace(State(value=schema))
    except JavaError:
        return
    if value is not None:
        assert state.value == record.value_schema
        assert state.key == record.key_schema


@QUICK
@given(cases())
def test_no_tag_is_lost_on_the_way(case: tuple[Schema, object, str, dict[str, str]]) -> None:
    schema, _, name, config = case
    try:
        state = made(name, config).trace(State(value=schema))
    except JavaError:
        return
    gone = config.get("exclude"), config.get("include")
    if any(gone) or "Drop" in name or "TimestampNowField" in name or "ExtractField" in name:
        return
    leaked = frozenset(tag for leak in state.leaks for tag in leak.tags)
    assert all_tags(schema) <= all_tags(state.value) | leaked
