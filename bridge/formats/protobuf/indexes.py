"""Confluent's message indexes: which message of a schema's file a value is."""

from __future__ import annotations


def message_indexes(path: tuple[int, ...]) -> bytes:
    """A message's place: count and each index as zigzag varints, ``[0]`` shortened to one 0."""
    if path == (0,):
        return b"\0"
    out = bytearray()
    for number in (len(path), *path):
        rest = number << 1
        while rest > 127:
            out.append(rest & 127 | 128)
            rest >>= 7
        out.append(rest)
    return bytes(out)
