"""How an answer travels: compressed where the client takes that, not at all where the client has it already.

ETag and If-None-Match as RFC 9110 (8.8.3, 13.1.2); tags are weak, because what is compressed has other bytes.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from typing import Final

from attrs import evolve

from bridge.api.exchange import Answer

_LEAST: Final = 1_000  # bytes; less does not become fewer packets
_LEVEL: Final = 5
_TEXTS: Final = ("text/", "application/json", "application/yaml", "application/javascript", "image/svg")
REVALIDATED: Final = "private, no-cache"
"""Kept by nobody but the browser that asked, which asks again each time."""


def represented(answer: Answer, method: str, headers: Mapping[str, str]) -> Answer:
    """The answer to a GET or HEAD as it is sent to this client; any other is sent as it is."""
    if method not in ("GET", "HEAD") or answer.status != 200 or answer.body is None:
        return answer
    content, more = answer.content(), dict(answer.headers)
    more.setdefault("Cache-Control", REVALIDATED)
    tag = more.setdefault("ETag", f'W/"{hashlib.sha256(content).hexdigest()[:20]}"')
    if _has(headers.get("if-none-match", ""), tag):
        return Answer(304, None, more)
    packed = "Content-Encoding" in more
    if answer.kind.startswith(_TEXTS) and len(content) >= _LEAST and not packed:
        more["Vary"] = "Accept-Encoding"
        if method == "GET" and _takes_gzip(headers.get("accept-encoding", "")):
            more["Content-Encoding"] = "gzip"
            content = gzip.compress(content, _LEVEL, mtime=0)
    return evolve(answer, body=content, headers=more)


def _has(given: str, tag: str) -> bool:
    tags = [one.strip().removeprefix("W/") for one in given.split(",")]
    return given.strip() == "*" or tag.removeprefix("W/") in tags


def _takes_gzip(accepted: str) -> bool:
    for part in accepted.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() in ("gzip", "x-gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
