"""What a request line may name: the forms of RFC 9112 (3.2), and the paths that Kafka Connect's web server refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

CLOUD: Final = "/connect/v1/"
_ABSOLUTE: Final = re.compile(r"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_AMBIGUOUS: Final = {
    "%2f": "Ambiguous URI path separator",
    "%25": "Ambiguous URI path encoding",
    "%5c": "Suspicious Path Character",
    "\\": "Suspicious Path Character",
    "%00": "Bad Request",
}
_CONTROL: Final = re.compile(r"%(?:[01][0-9a-f]|7f)")
_HALF: Final = re.compile(r"%(?![0-9a-f]{2})")
_ILLEGAL: Final = re.compile(r'[^!-~]|["<>^`{|}\[\]]')


def resolved(target: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """The target in origin form, and the headers that belong to it.

    Of a target in absolute form (``GET http://host/path``) the authority replaces Host, whatever that says: it is the
    address that the request was sent to, and guarded as such (RFC 9112, 3.2.2). A fragment is no part of a target.
    """
    match = _ABSOLUTE.fullmatch(target.partition("#")[0])
    if match is None:
        return target.partition("#")[0], headers
    rest = match[2] if match[2].startswith("/") else f"/{match[2]}"
    return rest, {**headers, "host": match[1]}


def unusable(path: str, ours: tuple[str, ...]) -> str | None:
    """Why Kafka Connect's web server refuses a path, in its words.

    The cloud-style API and what begins like one of ``ours`` take all but what is no path.
    """
    if not path.startswith("/"):
        return "Bad URI path"
    if "//" in path:
        return "Ambiguous URI empty segment"
    if path.startswith((CLOUD, *ours)):
        return None
    folded = path.lower()
    for code, words in _AMBIGUOUS.items():
        if code in folded:
            return words
    if _CONTROL.search(folded):
        return "Suspicious Path Character"
    if _ILLEGAL.search(path):
        return "Illegal Path Character"
    return "Bad Request" if _HALF.search(folded) else _undecodable(path)


def _undecodable(path: str) -> str | None:
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return "Bad UTF-8 encoding"
    return None
