"""The sample events of the sandbox: our own, in the shape and size of a usual platform event."""

from __future__ import annotations

import datetime
from typing import Final

from bridge.documents import Json
from bridge.sandbox.definition import EventDefinition, FieldDefinition

# Stands for a ten digit running number while payloads are prepared.
MARKER: Final = "##########"


def _personal(name: str, type: str = "string", *, length: int) -> FieldDefinition:
    return FieldDefinition(
        name, type, compliance_group="PII;GDPR", security_classification="Confidential", length=length
    )


ORDER_PLACED: Final = EventDefinition(
    "Order_Placed__e",
    label="Order Placed",
    fields=(
        FieldDefinition(
            "Order_Number__c", "string", length=30, required=True, security_classification="Internal"
        ),
        _personal("Customer_Name__c", "string", length=120),
        _personal("Customer_Email__c", "string", length=80),
        _personal("Customer_Phone__c", "string", length=40),
        FieldDefinition("Status__c", "string", length=40, security_classification="Public"),
        FieldDefinition("Amount__c", "double", precision=18, scale=2, security_classification="Internal"),
        FieldDefinition("Quantity__c", "double", precision=18, scale=0),
        FieldDefinition("Is_Gift__c", "boolean"),
        FieldDefinition("Delivery_Date__c", "date"),
        FieldDefinition("Ordered_At__c", "datetime"),
        _personal("Shipping_Address__c", "textarea", length=1000),
        FieldDefinition("Notes__c", "textarea", length=32768),
    ),
)

SHIPMENT_UPDATED: Final = EventDefinition(
    "Shipment_Updated__e",
    label="Shipment Updated",
    fields=(
        FieldDefinition("Tracking_Number__c", "string", length=40, required=True),
        FieldDefinition("Order_Number__c", "string", length=30),
        FieldDefinition("Carrier__c", "string", length=40),
        FieldDefinition("Weight_Kg__c", "double", precision=10, scale=3),
        FieldDefinition("Delivered__c", "boolean"),
        FieldDefinition("Expected_At__c", "datetime"),
    ),
)

EVENTS: Final = (ORDER_PLACED, SHIPMENT_UPDATED)

ORDERS_CHANNEL: Final = "Orders__chn"
"""A custom channel that delivers both."""

CONTACT_CHANGE: Final = EventDefinition(
    "ContactChangeEvent",
    label="Contact Change Event",
    fields=(
        FieldDefinition("AccountId", "reference"),
        FieldDefinition("Name", "personname", compliance_group="PII"),
        FieldDefinition("MailingAddress", "address"),
        FieldDefinition("Phone", "phone", length=40),
        _personal("Email", "email", length=80),
        FieldDefinition("Title", "string", length=128),
        FieldDefinition("Birthdate", "date"),
        FieldDefinition("Description", "textarea", length=32000),
        FieldDefinition("OwnerId", "reference"),
        FieldDefinition("CreatedDate", "datetime"),
        FieldDefinition("CreatedById", "reference"),
        FieldDefinition("LastModifiedDate", "datetime"),
        FieldDefinition("LastModifiedById", "reference"),
        FieldDefinition("Level__c", "picklist"),
        FieldDefinition("Score__c", "double"),
        FieldDefinition("Revenue__c", "currency"),
        FieldDefinition("Active__c", "boolean"),
        FieldDefinition("Site__c", "location"),
    ),
)

EMPLOYEE_CHANGE: Final = EventDefinition(
    "Employee__ChangeEvent",
    label="Employee Change Event",
    fields=(
        FieldDefinition("Name", "string", length=80),
        FieldDefinition("Salary__c", "currency", security_classification="Restricted"),
        FieldDefinition("LastModifiedDate", "datetime"),
    ),
)

CHANGES: Final = (CONTACT_CHANGE, EMPLOYEE_CHANGE)

_NAMES = (
    "Ada Winter",
    "Jiří Novák",
    "Mei Tanaka",
    "Samuel O'Neil",
    "Zoë Müller",
    "Amara Diallo",
    "Luís Prado",
)
_MAIL = ("ada", "jiri", "mei", "samuel", "zoe", "amara", "luis")
_STATUS = ("Placed", "Paid", "Picked", "Shipped")
_STREETS = ("Harbour Street", "Nábřeží Míru", "Rue des Lilas", "Mill Lane", "Sonnenallee")
_CITIES = ("8001 Zürich", "110 00 Praha", "75011 Paris", "Bristol BS1", "12045 Berlin")
_NOTES = (
    "Please ring twice; the parcel locker is behind the house.",
    "Leave at the door.",
    None,
    'Gift: write "Happy birthday" on the card.',
)
_EPOCH = datetime.datetime(2026, 1, 5, 8, 0, tzinfo=datetime.UTC)


def payload(definition: EventDefinition, number: int, *, key: str | None = None) -> dict[str, Json]:
    """The ``number``-th payload of any definition. ``key`` replaces the first text field's value."""
    order = _order(number)
    values: dict[str, Json] = {}
    key_pending = key is not None
    for field in definition.fields:
        value = order[field.name] if field.name in order else _value(field, number)
        if key_pending and field.type in ("string", "textarea"):
            value, key_pending = f"O-{key}", False
        values[field.name] = value
    return values


def _order(number: int) -> dict[str, Json]:
    name = _NAMES[number % len(_NAMES)]
    moment = _EPOCH + datetime.timedelta(minutes=7 * number)
    address = f"{number % 90 + 1} {_STREETS[number % len(_STREETS)]}\n{_CITIES[number // 3 % len(_CITIES)]}"
    return {
        "Order_Number__c": f"O-{100000 + number}",
        "Customer_Name__c": name,
        "Customer_Email__c": f"{_MAIL[number % len(_MAIL)]}.{number % 1000}@example.com",
        "Customer_Phone__c": f"+44 20 7946 {number * 37 % 10000:04d}",
        "Status__c": _STATUS[number % len(_STATUS)],
        "Amount__c": round(19.9 + number * 7.35 % 900, 2),
        "Quantity__c": float(number % 9 + 1),
        "Is_Gift__c": number % 4 == 3,
        "Delivery_Date__c": (moment + datetime.timedelta(days=3)).date().isoformat(),
        "Ordered_At__c": moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "Shipping_Address__c": f"{name}\n{address}",
        "Notes__c": _NOTES[number % len(_NOTES)],
    }


def _value(field: FieldDefinition, number: int) -> Json:
    moment = _EPOCH + datetime.timedelta(minutes=number)
    match field.type:
        case "personname":
            first, _, last = _NAMES[number % len(_NAMES)].partition(" ")
            return {"FirstName": first, "LastName": last}
        case "address":
            return {"Street": f"{number % 90 + 1} {_STREETS[number % len(_STREETS)]}", "City": "Bristol"}
        case "location":
            return {"Latitude": round(number * 0.5 % 90, 2), "Longitude": round(number * 0.25 % 180, 2)}
        case "boolean":
            return number % 2 == 0
        case "double" | "currency" | "percent":
            return round(number * 1.25 % 1000, 2)
        case "int":
            return number % 1000
        case "date":
            return moment.date().isoformat()
        case "datetime":
            return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        case "time":
            return moment.strftime("%H:%M:%S.000Z")
        case "picklist" if field.values:
            return field.values[number % len(field.values)]
        case _:
            return f"{field.name.removesuffix('__c')} {number}"[: field.length or 255]
