"""Types of the fields of request bodies; what does not fit is refused with 400, as the server's JSON reader does.

A text may also be a number or a boolean, and a number may be a text of digits; what is not named is let through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from bridge.sandbox.registry.error_codes import RegistryError

_STRING: Final = "java.lang.String"
_INTEGER: Final = "java.lang.Integer"
_BOOLEAN: Final = "java.lang.Boolean"
# a type, a list of one, a mapping's values, or the fields of an object with its class
Shape = Any

_TAGS: Final = {"list": _STRING}
_METADATA: Final = {
    "class": "Metadata",
    "tags": {"map": {"list": _STRING}},
    "properties": {"map": _STRING},
    "sensitive": {"list": _STRING},
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
_ENTITY: Final = {"class": "SchemaEntity", "entityPath": _STRING, "entityType": _STRING}
_SCHEMA_TAGS: Final = {"class": "SchemaTags", "schemaEntity": _ENTITY, "tags": _TAGS}
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
_SHAPES: Final[Mapping[str, Shape]] = {
    "register.request": _REGISTER,
    "lookup.request": _REGISTER,
    "compatibilityCheck.request": _REGISTER,
    "tagSchema.request": _TAG_REQUEST,
    "updateSubjectLevelConfig.request": _CONFIG,
    "updateTopLevelConfig.request": _CONFIG,
    "updateMode.request": {"class": "ModeUpdateRequest", "mode": _STRING},
}


def check(what: str, body: Mapping[str, Any]) -> None:
    """Raises 400 where a field of the request has another type than it must have."""
    if what in _SHAPES:
        _check(_SHAPES[what], body)


def _check(shape: Shape, value: Any) -> None:
    if value is None:
        return
    if isinstance(shape, str):
        if not _is_scalar(shape, value):
            raise _refusal(shape, value)
    elif "list" in shape:
        if not isinstance(value, list):
            raise _refusal("java.util.ArrayList", value)
        for item in value:
            _check(shape["list"], item)
    elif not isinstance(value, dict):
        raise _refusal("java.util.LinkedHashMap" if "map" in shape else shape["class"], value)
    elif "map" in shape:
        for item in value.values():
            _check(shape["map"], item)
    else:
        for key, inner in shape.items():
            if key != "class":
                _check(inner, value.get(key))


def _is_scalar(shape: str, value: Any) -> bool:
    if isinstance(value, dict | list):
        return False
    if shape == _INTEGER:
        digits = isinstance(value, str) and re.fullmatch(r"\s*(-?\d{1,10})?\s*", value) is not None
        return digits or (isinstance(value, int | float) and not isinstance(value, bool))
    if shape == _BOOLEAN:
        return isinstance(value, bool | int) or str(value).lower() in ("true", "false", "")
    return True


def _refusal(kind: str, value: Any) -> RegistryError:
    if isinstance(value, dict | list):
        token = ("Object", "START_OBJECT") if isinstance(value, dict) else ("Array", "START_ARRAY")
        return RegistryError(
            400,
            f"Cannot deserialize value of type `{kind}` from {token[0]} value (token `JsonToken.{token[1]}`)",
        )
    if kind == _INTEGER and isinstance(value, str):
        shown = f'String "{value}": not a valid `{kind}` value'
        return RegistryError(400, f"Cannot deserialize value of type `Integer` from {shown}")
    if isinstance(value, str) and "." not in kind.removeprefix("java.util.LinkedHashMap"):
        name = kind.rpartition(".")[2]
        creator = "although at least one Creator exists"
        way = f"no String-argument constructor/factory method to deserialize from String value ('{value}')"
        return RegistryError(400, f"Cannot construct instance of `{name}` ({creator}): {way}")
    found = "VALUE_STRING" if isinstance(value, str) else f"VALUE_{str(value).upper()}"
    text = f"Cannot deserialize value of type `{kind}` from {found.split('_')[1].title()} value"
    return RegistryError(400, f"{text} (token `JsonToken.{found}`)")
