"""Types of the fields of request bodies: read as the server's JSON reader reads them, else refused with 400.

A text may also be a number or a boolean, a number may be a text of digits, a boolean a whole number or its word. What
is read has the type that is meant; what is not named is let through.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from bridge.languages.compatibility.json_text import Number
from bridge.sandbox.registry.error_codes import RegistryError
from bridge.sandbox.registry.numerals import INT, whole

_STRING: Final = "String"
_INTEGER: Final = "Integer"
_BOOLEAN: Final = "Boolean"
_FLAG: Final = "boolean"
"""A boolean that is never absent: null and an empty text are false."""
# a type, a list or a set of one, a mapping's values, an enumeration's names, or the fields of an object with its class
Shape = Any

_TAGS: Final = {"set": _STRING}
_METADATA: Final = {
    "class": "Metadata",
    "tags": {"map": {"set": _STRING}, "full": "Metadata"},
    "properties": {"map": _STRING},
    "sensitive": {"set": _STRING},
}
_RULE: Final = {
    "class": "Rule",
    **dict.fromkeys(("name", "doc", "type", "expr", "onSuccess", "onFailure"), _STRING),
    "tags": _TAGS,
    "params": {"map": _STRING},
    "disabled": _BOOLEAN,
}
_RULE_SET: Final = {
    "class": "RuleSet",
    "migrationRules": {"list": _RULE},
    "domainRules": {"list": _RULE},
    "encodingRules": {"list": _RULE},
    "enableAt": _STRING,
}
_ENTITY: Final = {
    "class": "SchemaEntity",
    "entityPath": {"needed": _STRING, "by": "SchemaEntity"},
    "entityType": {"enum": "EntityType", "names": ("sr_record", "sr_field")},
}
_SCHEMA_TAGS: Final = {"class": "SchemaTags", "schemaEntity": _ENTITY, "tags": {"list": _STRING}}
_REFERENCE: Final = {"class": "SchemaReference", "name": _STRING, "subject": _STRING, "version": _INTEGER}
_REGISTER: Final = {
    "class": "RegisterSchemaRequest",
    "schema": _STRING,
    "schemaType": _STRING,
    "references": {"list": _REFERENCE},
    "metadata": _METADATA,
    "ruleSet": _RULE_SET,
    "version": _INTEGER,
    "id": _INTEGER,
    "schemaTagsToAdd": {"list": _SCHEMA_TAGS},
    "schemaTagsToRemove": {"list": _SCHEMA_TAGS},
    "propagateSchemaTags": _BOOLEAN,
}
_CONFIG: Final = {
    "class": "ConfigUpdateRequest",
    **dict.fromkeys(
        ("alias", "aliasForDeks", "compatibility", "compatibilityPolicy", "compatibilityGroup"), _STRING
    ),
    **dict.fromkeys(("normalize", "validateFields", "validateNewSchemas", "validateRules"), _BOOLEAN),
    "defaultMetadata": _METADATA,
    "overrideMetadata": _METADATA,
    "defaultRuleSet": _RULE_SET,
    "overrideRuleSet": _RULE_SET,
}
_TAG_REQUEST: Final = {
    "class": "TagSchemaRequest",
    "newVersion": _INTEGER,
    "tagsToAdd": {"list": _SCHEMA_TAGS},
    "tagsToRemove": {"list": _SCHEMA_TAGS},
    "metadata": _METADATA,
    "ruleSet": _RULE_SET,
    "rulesToMerge": _RULE_SET,
    "rulesToRemove": {"list": _STRING},
}
_KEK_PROPERTIES: Final = {"kmsProps": {"map": _STRING}, "doc": _STRING}
_KEK: Final = {
    "class": "CreateKekRequest",
    **dict.fromkeys(("name", "kmsType", "kmsKeyId"), _STRING),
    **_KEK_PROPERTIES,
    "shared": _FLAG,
    "deleted": _FLAG,
}
_DEK: Final = {
    "class": "CreateDekRequest",
    "subject": _STRING,
    "version": _INTEGER,
    "algorithm": {"enum": "DekFormat", "names": ("AES128_GCM", "AES256_SIV", "AES256_GCM")},
    "encryptedKeyMaterial": _STRING,
    "deleted": _FLAG,
}
_SHAPES: Final[Mapping[str, Shape]] = {
    "register.request": _REGISTER,
    "lookup.request": _REGISTER,
    "compatibilityCheck.request": _REGISTER,
    "tagSchema.request": _TAG_REQUEST,
    "updateSubjectLevelConfig.request": _CONFIG,
    "updateTopLevelConfig.request": _CONFIG,
    "updateMode.request": {"class": "ModeUpdateRequest", "mode": _STRING},
    "createKek.request": _KEK,
    "putKek.request": {"class": "UpdateKekRequest", **_KEK_PROPERTIES, "shared": _BOOLEAN},
    "createDek.request": _DEK,
}


def read(what: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The request with every field in its type. Raises 400 where one has another type than it must have."""
    return dict(_read(_SHAPES[what], dict(body))) if what in _SHAPES else dict(body)


def class_of(what: str) -> str:
    """The name of a request's class."""
    return str(_SHAPES[what]["class"]) if what in _SHAPES else "Request"


def _read(shape: Shape, value: Any) -> Any:
    if isinstance(shape, str):
        return _scalar(shape, value)
    if "needed" in shape:
        if value is None:
            raise _unbuildable(shape["by"], "a null where a value is needed")
        return _scalar(shape["needed"], value)
    if value is None:
        return None
    if "enum" in shape:
        return _name(shape, value)
    if "list" in shape or "set" in shape:
        return _items(shape, value)
    if not isinstance(value, dict):
        raise refusal("LinkedHashMap" if "map" in shape else shape["class"], value)
    if "map" in shape:
        if "full" in shape and None in value.values():
            raise _unbuildable(shape["full"], "a null where a set is needed")
        return {key: _read(shape["map"], item) for key, item in value.items()}
    named = {key: _read(inner, value.get(key)) for key, inner in shape.items() if key != "class"}
    return {**value, **{key: item for key, item in named.items() if key in value}}


def _items(shape: Shape, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise refusal("ArrayList" if "list" in shape else "HashSet", value)
    if "set" in shape and None in value:
        raise _unbuildable("Metadata", "a null in a sorted set")
    return [_read(shape["list"] if "list" in shape else shape["set"], item) for item in value]


def _name(shape: Shape, value: Any) -> str:
    if isinstance(value, str) and value in shape["names"]:
        return value
    if isinstance(value, dict | list | bool):
        raise refusal(shape["enum"], value)
    names = ", ".join(shape["names"])
    why = f'from String "{value}": not one of the values accepted for Enum class: [{names}]'
    raise RegistryError(400, f"Cannot deserialize value of type `{shape['enum']}` {why}")


def _scalar(shape: str, value: Any) -> Any:
    if isinstance(value, dict | list):
        raise refusal(shape, value)
    if shape == _STRING:
        return _text(value)
    if shape == _INTEGER:
        return _integer(value)
    flag = _boolean(shape, value)
    return bool(flag) if shape == _FLAG else flag


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return value.text if isinstance(value, Number) else str(value)


def _integer(value: Any) -> int | None:
    if value is None or (isinstance(value, str) and value.strip() in ("", "null")):
        return None
    if isinstance(value, bool):
        raise refusal(_INTEGER, value)
    if isinstance(value, str):
        number = whole(value.strip())
        if number is None:
            raise _unread(_INTEGER, value, "not a valid `java.lang.Integer` value")
        if number not in INT:
            limits = "out of range of `java.lang.Integer` (-2147483648 -2147483647)"
            raise _unread(_INTEGER, value, f"Overflow: numeric value ({value.strip()}) {limits}")
        return number
    if math.isnan(value):
        return 0  # the reader casts it, and Java's NaN is 0 as a whole number
    if not INT.start - 1 < value < INT.stop:
        limits = "out of range of int (-2147483648 - 2147483647)"
        raise RegistryError(400, f"Numeric value ({_text(value)}) {limits}")
    return int(value)


def _boolean(shape: str, value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value != 0
    if not isinstance(value, str):
        raise refusal(shape, value)
    word = value.strip()
    if word in ("", "null"):
        return None
    if word in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return word.lower() == "true"
    words = (
        'only "true" or "false"'
        if shape == _BOOLEAN
        else 'only "true"/"True"/"TRUE" or "false"/"False"/"FALSE"'
    )
    raise _unread(shape, value, f"{words} recognized")


def _unread(kind: str, value: str, why: str) -> RegistryError:
    return RegistryError(400, f'Cannot deserialize value of type `{kind}` from String "{value}": {why}')


def _unbuildable(kind: str, why: str) -> RegistryError:
    return RegistryError(400, f"Cannot construct instance of `{kind}`, problem: {why}")


_TOKENS: Final[Mapping[type, tuple[str, str]]] = {
    dict: ("Object value", "START_OBJECT"),
    list: ("Array value", "START_ARRAY"),
    int: ("Integer value", "VALUE_NUMBER_INT"),
    Number: ("Floating-point value", "VALUE_NUMBER_FLOAT"),
    str: ("String value", "VALUE_STRING"),
}


def refusal(kind: str, value: Any) -> RegistryError:
    """400: a value of another JSON type than ``kind`` is read from."""
    if isinstance(value, bool):
        words, token = "Boolean value", f"VALUE_{str(value).upper()}"
    else:
        words, token = _TOKENS[type(value)]
    argument, shown = _arguments(value)
    if kind not in _SCALARS and argument and (argument == "String" or kind not in _COLLECTIONS):
        way = f"no {argument}-argument constructor/factory method to deserialize from {shown}"
        creator = "although at least one Creator exists"
        return RegistryError(400, f"Cannot construct instance of `{kind}` ({creator}): {way}")
    text = f"Cannot deserialize value of type `{kind}` from {words} (token `JsonToken.{token}`)"
    return RegistryError(400, text)


_SCALARS: Final = (_BOOLEAN, _FLAG, _INTEGER, _STRING)
_COLLECTIONS: Final = ("ArrayList", "HashSet", "LinkedHashMap")


def _arguments(value: Any) -> tuple[str, str]:
    """What a constructor would have to take to make an object of this value, and the value in words."""
    if isinstance(value, bool):
        return "boolean/Boolean", f"boolean value ({str(value).lower()})"
    if isinstance(value, int):
        return "int/Int", f"Number value ({value})"
    return ("String", f"String value ('{value}')") if isinstance(value, str) else ("", "")
