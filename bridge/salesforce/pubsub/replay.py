"""Replay ids as the Pub/Sub API carries them: opaque bytes, of which the first eight are CometD's number.

Recorded ids are that number in 8 bytes, big-endian, and two zero bytes; 8 bytes alone are accepted, too. Ids of another
form are kept and used as they came.
"""

from __future__ import annotations

from typing import Final

from bridge.progress import ALL_RETAINED, NEW_ONLY
from bridge.salesforce.pubsub import messages as wire

_TAIL: Final = b"\0\0"
_SIZE: Final = 8


def number_of(replay_id: bytes) -> int:
    """The number that orders it, and that a position names. ValueError for an id that has none."""
    if len(replay_id) < _SIZE:
        raise ValueError("is shorter than 8 bytes")
    number = int.from_bytes(replay_id[:_SIZE], "big")
    if number >= 1 << 63:
        raise ValueError("is beyond the numbers there are")
    return number


def bytes_of(number: int) -> bytes:
    """The id with this number, in the usual form."""
    return number.to_bytes(_SIZE, "big") + _TAIL


def preset_of(replay_from: int, raw: bytes | None = None) -> tuple[int, bytes]:
    """A replay option of ``bridge.progress``, or an id, as preset and id of a request. ``raw``: the id as it came, used
    where it is that of the number."""
    if replay_from == NEW_ONLY:
        return wire.LATEST, b""
    if replay_from == ALL_RETAINED:
        return wire.EARLIEST, b""
    known = raw is not None and raw[:_SIZE] == replay_from.to_bytes(_SIZE, "big")
    return wire.CUSTOM, raw if known and raw is not None else bytes_of(replay_from)
