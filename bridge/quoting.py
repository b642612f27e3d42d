"""The one place that decides what of a value may stand in a message: nothing that stands elsewhere, nothing secret.

A message about ``kafka.topic=${env:TOPIC}`` quotes the reference, never what the variable holds: whoever reads the
message may be allowed to write configurations, and not to read the worker's files and variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "****"
_PIECE: Final = re.compile(r"\w{3,}")
_WINDOW: Final = 8  # characters in a row that give away a text
_UNSAYABLE: Final = (
    "holds a value that stands elsewhere, and what is wrong with it cannot be said without quoting it"
)


def spellings(value: str) -> set[str]:
    """The value as it is, as it stands in a ``repr``, in JSON, in a URL and in a form."""
    in_json = (json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (False, True))
    encoded = value.encode("utf-8", "replace")
    return {value, repr(value)[1:-1], *in_json, quote(encoded, safe=""), quote_plus(encoded)}


def without(message: str, hidden: Mapping[str, str]) -> str:
    """The message without these texts, whole, in pieces, or spelled with other capitals.

    ``hidden``: text → what stands for it. A message that still holds a good part of one says only that it does.
    """
    standing: list[str] = []

    def stand(shown: str) -> str:
        standing.append(shown)
        return f"\0{len(standing) - 1}\0"

    elements = {part.strip(): MASK for text in hidden for part in text.split(",")}
    by_length = sorted(
        ((t, shown) for t, shown in (elements | dict(hidden)).items() if t), key=lambda h: -len(h[0])
    )
    for text, shown in by_length:
        for spelling in sorted(spellings(text) | spellings(text.strip()), key=len, reverse=True):
            message = _whole(spelling).sub(lambda _, shown=shown: stand(shown), message)  # type: ignore[misc]  # bound now
    for piece in {piece for text, _ in by_length for piece in _PIECE.findall(text)}:
        message = _word(piece).sub(lambda _: stand(MASK), message)
    if any(_gives_away(message, text) for text, _ in by_length):
        return _UNSAYABLE
    return re.sub("\0(\\d+)\0", lambda match: standing[int(match[1])], message)


def _whole(text: str) -> re.Pattern[str]:
    """A short text only where it stands alone: within other words it says nothing."""
    return re.compile(re.escape(text), re.IGNORECASE) if len(text) > 3 else _word(text)


def _word(text: str) -> re.Pattern[str]:
    """The text, but not as a part of a word."""
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)", re.IGNORECASE)


def _gives_away(message: str, text: str) -> bool:
    low, whole = message.lower(), text.lower()
    return any(whole[at : at + _WINDOW] in low for at in range(len(whole) - _WINDOW + 1))
