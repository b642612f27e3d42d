"""Differences between JSON Schemas: which of them leave old data valid, and the registry's words for the others."""

from __future__ import annotations

from typing import Final

_ADDED: Final = "The keyword at path '{0}' in the {1} schema is not present in the {2} schema"
_MORE: Final = "The value at path '{0}' in the {1} schema is more than its value in the {2} schema"
_LESS: Final = "The value at path '{0}' in the {1} schema is less than its value in the {2} schema"
_OTHER: Final = "The value at path '{0}' is different between the {1} and {2} schema"
_FEWER: Final = (
    "An array or combined type at path '{0}' has fewer elements in the {1} schema than the {2} schema"
)
_LONGER: Final = (
    "An array or combined type at path '{0}' has more elements in the {1} schema than the {2} schema"
)
_TYPE: Final = "A type at path '{0}' is different between the {1} schema and the {2} schema"
_OPEN: Final = (
    "The {1} schema has an open content model and has a property or item at path '{0}' "
    "which is missing in the {2} schema"
)
_UNOPEN: Final = (
    "The {1} schema has an unopen content model and has a required property at path '{0}' "
    "which is missing in the {2} schema"
)
_CLOSED: Final = (
    "The {1} has a closed content model and is missing a property or item present at path '{0}' "
    "in the {2} schema"
)
_REMOVED_PARTLY: Final = (
    "A property or item is missing in the {1} schema but present at path '{0}' in the {2} schema "
    "and is not covered by its partially open content model"
)
_ADDED_PARTLY: Final = (
    "The {1} schema has a property or item at path '{0}' which is missing in the {2} schema "
    "and is not covered by its partially open content model"
)

# Every difference that counts in some policy; what is not here leaves all old data valid.
_WORDS: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "MAXIMUM_ADDED",
            "MINIMUM_ADDED",
            "EXCLUSIVE_MAXIMUM_ADDED",
            "EXCLUSIVE_MINIMUM_ADDED",
            "MULTIPLE_OF_ADDED",
            "MAX_LENGTH_ADDED",
            "MIN_LENGTH_ADDED",
            "PATTERN_ADDED",
            "REQUIRED_ATTRIBUTE_ADDED",
            "MAX_PROPERTIES_ADDED",
            "MIN_PROPERTIES_ADDED",
            "DEPENDENCY_ARRAY_ADDED",
            "DEPENDENCY_SCHEMA_ADDED",
            "MAX_ITEMS_ADDED",
            "MIN_ITEMS_ADDED",
            "MAX_CONTAINS_ADDED",
            "MIN_CONTAINS_ADDED",
            "UNIQUE_ITEMS_ADDED",
            "ADDITIONAL_ITEMS_REMOVED",
            "ADDITIONAL_PROPERTIES_REMOVED",
            "UNEVALUATED_PROPERTIES_REMOVED",
            "UNEVALUATED_ITEMS_REMOVED",
        ),
        _ADDED,
    ),
    **dict.fromkeys(
        (
            "MIN_LENGTH_INCREASED",
            "MINIMUM_INCREASED",
            "EXCLUSIVE_MINIMUM_INCREASED",
            "MIN_PROPERTIES_INCREASED",
            "MULTIPLE_OF_EXPANDED",
            "MIN_ITEMS_INCREASED",
            "MIN_CONTAINS_INCREASED",
        ),
        _MORE,
    ),
    **dict.fromkeys(
        (
            "MAX_LENGTH_DECREASED",
            "MAXIMUM_DECREASED",
            "MAX_ITEMS_DECREASED",
            "MAX_CONTAINS_DECREASED",
            "EXCLUSIVE_MAXIMUM_DECREASED",
            "MAX_PROPERTIES_DECREASED",
        ),
        _LESS,
    ),
    **dict.fromkeys(
        (
            "ADDITIONAL_ITEMS_NARROWED",
            "ENUM_ARRAY_NARROWED",
            "SUM_TYPE_NARROWED",
            "ADDITIONAL_PROPERTIES_NARROWED",
            "UNEVALUATED_PROPERTIES_NARROWED",
            "UNEVALUATED_ITEMS_NARROWED",
        ),
        _FEWER,
    ),
    **dict.fromkeys(("PATTERN_CHANGED", "MULTIPLE_OF_CHANGED", "DEPENDENCY_ARRAY_CHANGED"), _OTHER),
    **dict.fromkeys(
        (
            "TYPE_CHANGED",
            "TYPE_NARROWED",
            "COMBINED_TYPE_CHANGED",
            "COMBINED_TYPE_SUBSCHEMAS_CHANGED",
            "ENUM_ARRAY_CHANGED",
        ),
        _TYPE,
    ),
    **dict.fromkeys(("DEPENDENCY_ARRAY_EXTENDED", "PRODUCT_TYPE_EXTENDED", "NOT_TYPE_EXTENDED"), _LONGER),
    **dict.fromkeys(
        (
            "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
            "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
            "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
            "ITEM_ADDED_TO_OPEN_CONTENT_MODEL",
        ),
        _OPEN,
    ),
    "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL": _UNOPEN,
    "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL": _CLOSED,
    "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL": _CLOSED,
    "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": _REMOVED_PARTLY,
    "ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": _REMOVED_PARTLY,
    "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": _ADDED_PARTLY,
    "ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": _ADDED_PARTLY,
    "SCHEMA_ADDED": "",
}
# What the lenient policy lets pass beyond that: properties may come and go whatever the content model.
_LENIENT: Final = frozenset(
    {
        "ADDITIONAL_PROPERTIES_NARROWED",
        "ADDITIONAL_PROPERTIES_REMOVED",
        "UNEVALUATED_PROPERTIES_NARROWED",
        "UNEVALUATED_PROPERTIES_REMOVED",
        "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
        "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
        "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
    }
)


def counts(kind: str, *, lenient: bool) -> bool:
    """Whether a difference stands against reading old data."""
    return kind in _WORDS and not (lenient and kind in _LENIENT)


def words(kind: str, path: str, reader: str, writer: str) -> str:
    """The difference in the registry's words."""
    return f'{{errorType:"{kind}", description:"{_WORDS[kind].format(path, reader, writer)}\'}}'
