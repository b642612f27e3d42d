"""A configuration in Kafka Connect's ``ConfigInfos`` form, as PUT …/config/validate answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

from bridge.config import secrecy, values
from bridge.config.catalogue import Catalogue
from bridge.config.declarations import WORKER
from bridge.config.examine import Examined
from bridge.config.external import has_reference
from bridge.config.property import Property, Type
from bridge.errors import Fault

_WIDTHS = {Type.BOOLEAN: "SHORT", Type.INT: "SHORT", Type.LONG: "SHORT", Type.LIST: "LONG"}


class Definition(TypedDict):
    """Kafka Connect's ConfigKeyInfo."""

    name: str
    type: str
    required: bool
    default_value: str | None
    importance: str
    documentation: str
    group: str | None
    order: int
    order_in_group: int
    width: str
    display_name: str
    dependents: list[str]
    alias: NotRequired[str]
    """In the cloud's API only."""


class Value(TypedDict):
    """Kafka Connect's ConfigValueInfo."""

    name: str
    value: str | None
    recommended_values: list[str]
    errors: list[str]
    visible: bool


class ConfigInfo(TypedDict):
    """One property."""

    definition: Definition
    value: Value
    metadata: NotRequired[dict[str, object]]
    """In the cloud's API only."""


class ConfigInfos(TypedDict):
    """The whole answer."""

    name: str
    error_count: int
    """Of all errors: a property may have several."""
    groups: list[str]
    configs: list[ConfigInfo]


Steps = Mapping[str, tuple[Definition, Sequence[str]]]
"""What the transforms and predicates of a configuration take: key → definition, the values it can have."""


def infos_of(examined: Examined, steps: Steps, faults: Sequence[Fault] | None = None) -> ConfigInfos:
    """The same, of a configuration that has been judged; ``faults`` where there are more than its own."""
    errors: dict[str, list[str]] = {}
    for fault in examined.faults if faults is None else faults:
        errors.setdefault(fault.key, []).append(fault.message)
    catalogue = examined.catalogue
    undeclared = [
        k for k in examined.written if catalogue.find(k) is not None and k not in catalogue.properties
    ]
    keys = dict.fromkeys([*(p.key for p in catalogue.exact()), *steps, *undeclared, *errors])
    groups = [*(p.group for p in catalogue), *(each["group"] or "" for each, _ in steps.values())]
    return {
        "name": examined.written.get("connector.class", ""),
        "error_count": sum(map(len, errors.values())),
        "groups": list(dict.fromkeys(groups)),
        "configs": [
            _step(examined, key, *steps[key], errors.get(key, []))
            if key in steps
            else {
                "definition": definition(catalogue, key),
                "value": _value(examined, key, errors.get(key, [])),
            }
            for key in keys
        ],
    }


def _step(
    examined: Examined, key: str, defined: Definition, choices: Sequence[str], errors: list[str]
) -> ConfigInfo:
    text = examined.shown(key)
    value = defined["default_value"] if text is None else _read(Type(defined["type"].lower()), text, errors)
    return {
        "definition": defined,
        "value": {
            "name": key,
            "value": value,
            "recommended_values": list(choices),
            "errors": errors,
            "visible": True,
        },
    }


def definitions(catalogue: Catalogue) -> list[Definition]:
    """Every property's definition (Kafka Connect's ``ConfigKeyInfo``)."""
    return [definition(catalogue, p.key) for p in catalogue.exact()]


def definition(catalogue: Catalogue, key: str) -> Definition:
    """One property's definition. ``order`` is Kafka Connect's name up to 4.1 and Confluent Cloud's,
    ``order_in_group`` that of 4.2 and later."""
    declared = catalogue.find(key) or WORKER.find(key) or Property(key, Type.STRING, "Not a known property.")
    return {
        "name": key,
        "type": declared.type.upper(),
        "required": declared.required,
        "default_value": declared.default,
        "importance": declared.importance.upper(),
        "documentation": _documentation(declared),
        "group": declared.group or None,
        "order": declared.order,
        "order_in_group": declared.order,
        "width": _WIDTHS.get(declared.type, "MEDIUM"),
        "display_name": key if declared.is_prefix else declared.display_name,
        "dependents": [p.key for p in catalogue if p.shown_when and p.shown_when.key == key],
    }


def _documentation(declared: Property) -> str:
    """The sentences of the page on configuration, for which Kafka Connect's form has no places of their own."""
    more = (
        ("Valid values", declared.valid_text),
        ("Required", declared.required_text),
        ("Support", declared.support_text),
    )
    return " ".join([declared.doc, *(f"{name}: {text}." for name, text in more if text)])


def _value(examined: Examined, key: str, errors: list[str]) -> Value:
    declared = examined.catalogue.find(key)
    shown = examined.shown(key)
    if shown is None and declared is not None and not declared.is_prefix:
        text = text_of(examined.values.get(key))  # a default may be made of another property
        shown = None if text is None else examined.quotable(text)
    elif shown is not None and declared is not None:
        shown = _read(declared.type, shown, errors)
        if declared.type is Type.CLASS and not errors and not has_reference(shown or ""):
            shown = str(examined.values.get(key, shown))  # a short name stands for a class
    return {
        "name": key,
        "value": shown,
        "recommended_values": []
        if declared is None
        else [v for v in declared.valid if v not in declared.refused],
        "errors": errors,
        "visible": _visible(examined, declared),
    }


def _read(type_: Type, text: str, errors: list[str]) -> str | None:
    """A value that was given, as it was read: None where it could not be. A mask or a reference stays as it is."""
    read = text if secrecy.is_masked(text) or has_reference(text) else values.shown(type_, text)
    if read is None and not errors:  # nobody judges it
        return text
    return None if errors and type_ is Type.CLASS else read


def text_of(value: object) -> str | None:
    """A typed value as a configuration would give it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else str(value)


def _visible(examined: Examined, declared: Property | None) -> bool:
    """A form shows what has a meaning with the chosen grant type and modes, and whatever was given."""
    if declared is None or declared.shown_when is None or examined.has(declared.key):
        return True
    return text_of(examined.values.get(declared.shown_when.key)) in declared.shown_when.values
