"""Events, layouts and hypothesis strategies that the tests of formats share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from attrs import evolve
from hypothesis import strategies as st

from bridge.event import Data, Head
from bridge.formats.rows import Layout, layout
from bridge.metadata.infer import event_type, record_schema
from bridge.model.schema import EventType

SAMPLES = Path(__file__).parents[3] / "schemas"
SCHEMA_ID = "q0mW4nJrT1yq0Wv9Zb7wLA"
UUID = "3b1f7d70-6d0a-4a53-9c11-6f6a1ec1a5b2"


def sample(event: str) -> EventType:
    """An event of ``schemas/``, by describe."""
    describe = json.loads((SAMPLES / f"{event}.describe.json").read_text())
    return evolve(event_type(event, describe, None), schema_id=SCHEMA_ID)


ORDER = sample("Order_Placed__e")
EVERY = sample("Every_Type__e")


def rows(event: EventType = ORDER, **options: Any) -> Layout:
    return layout(event, record_schema(event), **options)


def data(payload: Any, replay_id: int = 2621, uuid: str | None = UUID) -> Data:
    """An event as the receiver hands it over; ``payload`` is a value or the very bytes."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload, ensure_ascii=False).encode()
    return Data(msgspec.Raw(raw), Head(replay_id, uuid), SCHEMA_ID)


FULL = {
    "CreatedDate": "2024-08-07T12:12:19.078Z",
    "CreatedById": "0055g00000Ab1cdAAA",
    "Order_Number__c": "O-10018",
    "Customer_Name__c": "Žaneta",
    "Customer_Email__c": "zaneta@example.com",
    "Phone__c": "+420 777 123456",
    "Amount__c": 12.5,
    "Quantity__c": 3.0,
    "Is_Gift__c": True,
    "Ship_Date__c": "2024-08-09",
    "Promised_At__c": "2024-08-10T08:00:00Z",
    "Comment__c": None,
    "Status__c": "New",
    "Country__c": "CZ",
}

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
doubles = st.floats(allow_nan=False, allow_infinity=False)
_moments = st.datetimes().map(lambda moment: f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}Z")
_days = st.dates().map(lambda day: day.isoformat())
moments = st.builds(lambda day, time: f"{day}T{time}", _days, _moments)
days = _days | _days.map(lambda day: f"{day}T00:00:00.000Z")

_BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "double": doubles,
    "percent": doubles,
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "date": days,
    "datetime": moments,
    "currency": st.integers(-(10**15), 10**15) | st.integers(0, 10**9).map(lambda n: n / 100),
    "location": st.fixed_dictionaries({}, optional={"Latitude": st.none() | doubles, "Longitude": doubles}),
    "address": st.fixed_dictionaries({}, optional={"Street": st.none() | text, "Latitude": doubles}),
}


def payloads(event: EventType) -> st.SearchStrategy[dict[str, Any]]:
    """Payloads as Salesforce sends them: every field there, absent or null."""
    fields = {f.name: st.none() | _BY_TYPE.get(f.type, text) for f in event.fields}
    return st.fixed_dictionaries({}, optional=fields)
