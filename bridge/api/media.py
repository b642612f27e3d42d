"""The headers Accept and Content-Type, read as Kafka Connect's web server (Jersey) reads them."""

from __future__ import annotations

import re
from typing import Final

JSON: Final = "application/json"
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110, 5.6.2
_TYPE: Final = re.compile(rf'\s*({_TOKEN}/{_TOKEN})\s*(?:;\s*(?:{_TOKEN}\s*=\s*(?:{_TOKEN}|"[^"]*")\s*)?)*')
_WEIGHT: Final = re.compile(r"0(?:\.[0-9]*)?|1(?:\.0*)?|\.[0-9]+")
_LEADING: Final = re.compile(rf"({_TOKEN})(?:/({_TOKEN}))?")


class MalformedError(ValueError):
    """What is no media type; answered 400."""


def type_of(content_type: str) -> str:
    """The media type of a body, in small letters. Raises MalformedError."""
    match = _TYPE.fullmatch(content_type)
    if match is None:
        raise MalformedError("The Content-Type header holds no media type")
    return match[1].lower()


def takes_json(accept: str) -> bool:
    """Whether a client takes JSON. As in Jersey, a type alone is all of its kind (``*`` is ``*/*``), and a weight of 0
    does not refuse. Raises MalformedError."""
    kinds = [_kind(part) for part in accept.split(",") if part.strip()]
    return not kinds or any(one in ("*", "application") and two in ("*", "json") for one, two in kinds)


def _kind(part: str) -> tuple[str, str]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    match = _LEADING.fullmatch(name)
    weights = [
        text.strip() for key, _, text in (each.partition("=") for each in parameters) if key.strip() == "q"
    ]
    if match is None or any(_WEIGHT.fullmatch(weight) is None for weight in weights):
        raise MalformedError("The Accept header holds no list of media types")
    return match[1].lower(), (match[2] or "*").lower()
