"""What sets the registry's schema languages apart for those who are no readers of them: one line for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen


@frozen
class Traits:
    """``numbered``: a field is its number on the wire, so that numbers are never used again, and a value begins with
    the indexes of its message. ``strict``: a registry refuses a further field of an open record, unless the subject
    is LENIENT. ``camel_case``: two fields may have one name in JSON, because underscores are left out of it."""

    numbered: bool = False
    strict: bool = False
    camel_case: bool = False


TRAITS: Final[Mapping[str, Traits]] = {
    "AVRO": Traits(),
    "JSON": Traits(strict=True),
    "PROTOBUF": Traits(numbered=True, camel_case=True),
}
"""The registry's word for a language (``schemaType``) → what is particular about it."""


def traits_of(language: str | None) -> Traits:
    """Of a language that is none of these, or of none: nothing particular."""
    return TRAITS.get(language or "", Traits())
