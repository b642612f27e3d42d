"""How an event is declared in the simulated org, and what ``describe`` says of it.

Field types are describe's own words. A custom platform event has only Checkbox (``boolean``), Date
(``date``), Date/Time (``datetime``), Number (``double``), Text (``string``) and Text Area Long
(``textarea``); the others occur in standard and change events.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen

SOAP_TYPES = {
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "int": "xsd:int",
    "long": "xsd:long",
    "time": "xsd:time",
    "reference": "tns:ID",
    "id": "tns:ID",
    "base64": "xsd:base64Binary",
    "address": "urn:address",
    "location": "urn:location",
}
_TEXT_LENGTHS = {"string": 255, "textarea": 32768, "email": 80, "phone": 40, "url": 255, "picklist": 255}


@frozen
class FieldDefinition:
    """One field: describe's type, and its data classification (which describe does not tell)."""

    name: str
    type: str = "string"
    label: str | None = None
    length: int | None = None
    precision: int = 18
    scale: int = 0
    required: bool = False
    values: tuple[str, ...] = ()
    help: str | None = None
    security_classification: str | None = None
    compliance_group: str | None = None

    def describe(self) -> dict[str, Any]:
        """This field as an element of ``describe``'s ``fields``."""
        length = (self.length or _TEXT_LENGTHS.get(self.type, 255)) if self._textual else 0
        numeric = self.type in ("double", "currency", "percent")
        return {
            **_FIELD_FLAGS,
            "byteLength": length * 3,
            "createable": True,
            "custom": self.name.endswith("__c"),
            "defaultValue": False if self.type == "boolean" else None,
            "digits": self.precision if self.type == "int" else 0,
            "inlineHelpText": self.help,
            "label": self.label or self.name.removesuffix("__c").replace("_", " "),
            "length": length,
            "name": self.name,
            "nillable": not self.required and self.type != "boolean",
            "picklistValues": [
                {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}
                for value in self.values
            ],
            "precision": self.precision if numeric else 0,
            "scale": self.scale if numeric else 0,
            "soapType": SOAP_TYPES.get(self.type, "xsd:string"),
            "type": self.type,
        }

    @property
    def _textual(self) -> bool:
        return SOAP_TYPES.get(self.type, "xsd:string") in ("xsd:string", "tns:ID")


_FIELD_FLAGS: dict[str, Any] = {
    "aggregatable": False,
    "autoNumber": False,
    "calculated": False,
    "caseSensitive": False,
    "deprecatedAndHidden": False,
    "encrypted": False,
    "externalId": False,
    "filterable": False,
    "groupable": False,
    "idLookup": False,
    "nameField": False,
    "referenceTo": [],
    "relationshipName": None,
    "restrictedPicklist": False,
    "sortable": False,
    "unique": False,
    "updateable": False,
}

# In the order in which a platform event's describe has been seen to list them.
STANDARD_FIELDS = (
    FieldDefinition("ReplayId", "string", "Replay ID", 1333),
    FieldDefinition("CreatedDate", "datetime", "Created Date", required=True),
    FieldDefinition("CreatedById", "reference", "Created By ID", 18, required=True),
    FieldDefinition("EventUuid", "string", "Event UUID", 36),
)


@frozen
class EventDefinition:
    """A platform event (``X__e``) or a change event (``XChangeEvent``) with its custom fields in order."""

    name: str
    fields: tuple[FieldDefinition, ...]
    label: str | None = None

    @property
    def channel(self) -> str:
        """Where its events are delivered."""
        return f"/data/{self.name}" if self.name.endswith("ChangeEvent") else f"/event/{self.name}"

    def with_field(self, field: FieldDefinition) -> EventDefinition:
        """The definition with one field added, or replaced where the name is known: a new schema id."""
        kept = [field if each.name == field.name else each for each in self.fields]
        added = () if any(each.name == field.name for each in self.fields) else (field,)
        return evolve(self, fields=(*kept, *added))

    def without_field(self, name: str) -> EventDefinition:
        """The definition with one field removed."""
        return evolve(self, fields=tuple(field for field in self.fields if field.name != name))

    def summary(self, prefix: str) -> dict[str, Any]:
        """Its element of the global describe's ``sobjects``; ``prefix`` is ``/services/data/vX``."""
        label = self.label or self.name.removesuffix("__e").replace("_", " ")
        return {
            "activateable": False,
            "createable": True,
            "custom": self.name.endswith("__e"),
            "customSetting": False,
            "deletable": False,
            "deprecatedAndHidden": False,
            "keyPrefix": "e01",
            "label": label,
            "labelPlural": f"{label}s",
            "name": self.name,
            "queryable": False,
            "retrieveable": False,
            "searchable": False,
            "triggerable": True,
            "undeletable": False,
            "updateable": False,
            "urls": {
                "sobject": f"{prefix}/sobjects/{self.name}",
                "describe": f"{prefix}/sobjects/{self.name}/describe",
                "eventSchema": f"{prefix}/sobjects/{self.name}/eventSchema",
                "rowTemplate": f"{prefix}/sobjects/{self.name}/{{ID}}",
            },
        }

    def describe(self, prefix: str) -> dict[str, Any]:
        """The whole describe: what the summary says, and the fields."""
        fields = [field.describe() for field in (*STANDARD_FIELDS, *self.fields)]
        for field in fields[: len(STANDARD_FIELDS)]:
            field["createable"] = False
        return {**self.summary(prefix), "childRelationships": [], "fields": fields, "recordTypeInfos": []}
