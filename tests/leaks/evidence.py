"""What left the process, and what of it is plaintext. A search that looked at nothing is no proof, so it counts."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterable
from typing import Final

from attrs import define, field
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.leaks.lying import FORGED_KEY

_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]{38,}={0,2}")
_forged = AESGCM(FORGED_KEY)


def spellings(secret: str) -> tuple[bytes, ...]:
    """The secret as it stands in texts, in UTF-16, in hex, and in base64 wherever it begins."""
    raw = secret.encode()
    encoded = [
        base64.b64encode(b"\0" * shift + raw)[(4, 4, 4)[shift] if shift else 0 : -4] for shift in range(3)
    ]
    return raw, raw.hex().encode(), secret.encode("utf-16-le"), *encoded


@define
class Evidence:
    """Everything that left, by where it went."""

    pieces: dict[str, list[bytes]] = field(factory=dict)

    def add(self, where: str, piece: bytes | str | None) -> None:
        """One piece; of nothing no note is taken."""
        if piece:
            self.pieces.setdefault(where, []).append(piece.encode() if isinstance(piece, str) else piece)

    @property
    def looked_at(self) -> dict[str, int]:
        """Bytes by place."""
        return {where: sum(map(len, pieces)) for where, pieces in self.pieces.items()}

    def found(self, secrets: Iterable[str]) -> set[tuple[str, str]]:
        """(secret, place) wherever a secret can be read."""
        wanted = {spelling: secret for secret in secrets for spelling in spellings(secret)}
        # one pattern, so that a place is read once
        pattern = re.compile(b"|".join(map(re.escape, sorted(wanted, key=len, reverse=True))))
        return {
            (wanted[match], where)
            for where, pieces in self.pieces.items()
            for match in pattern.findall(b"\n".join(pieces))
        }

    def forged(self) -> set[str]:
        """Places of ciphertexts that whoever answers for the registry can read."""
        return {
            where
            for where, pieces in self.pieces.items()
            if any(_opens(text) for piece in pieces for text in _BASE64.findall(piece))
        }


def _opens(text: bytes) -> bool:
    """Whether a ciphertext under the forged key is in it; a byte beside it may look like a part of it."""
    for start, end in itertools.product(range(4), range(4)):
        part = text.rstrip(b"=")[start : len(text.rstrip(b"=")) - end]
        if len(part) % 4 == 1:
            continue
        data = base64.b64decode(part + b"=" * (-len(part) % 4))
        for version in (0, 5):  # without and with the key's version before it
            try:
                _forged.decrypt(data[version : version + 12], data[version + 12 :], None)
            except (InvalidTag, ValueError):
                continue
            return True
    return False
