"""The headers Accept and Content-Type, read as Kafka Connect's web server (Jersey) reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

JSON: Final = "application/json"
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110, 5.6.2
# No blank can be read in two ways, so that no header takes long: what comes after a parameter belongs to it.
_PARAMETERS: Final = rf"(?:;[ \t]*(?:{_TOKEN}=(?:{_TOKEN}|\"[^\"]*\")[ \t]*)?)*"
_TYPE: Final = re.compile(rf"[ \t]*({_TOKEN}/{_TOKEN})[ \t]*{_PARAMETERS}")
_RANGE: Final = re.compile(rf"[ \t]*(?:({_TOKEN})(?:/({_TOKEN}))?[ \t]*({_PARAMETERS}))?(?:,|\Z)")
_WEIGHT: Final = re.compile(r";[ \t]*q=([^ \t;]*)", re.IGNORECASE)
_NUMBER: Final = re.compile(r"0(?:\.[0-9]*)?|1(?:\.0*)?|\.[0-9]+")


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
    kinds = list(_ranges(accept))
    return not kinds or any(one in ("*", "application") and two in ("*", "json") for one, two in kinds)


def _ranges(accept: str) -> Iterator[tuple[str, str]]:
    """Type and subtype of each media range."""
    place = 0
    while place < len(accept):
        match = _RANGE.match(accept, place)
        if match is None or not all(_NUMBER.fullmatch(text) for text in _WEIGHT.findall(match[3] or "")):
            raise MalformedError("The Accept header holds no list of media types")
        place = match.end()
        if match[1] is not None:
            yield match[1].lower(), (match[2] or "*").lower()
