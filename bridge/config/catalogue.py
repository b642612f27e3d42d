"""A table of declarations with its look-ups: by key, by prefix, by resemblance, by secrecy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import evolve, frozen

from bridge.config.property import Property
from bridge.config.supported import REFUSED_PROPERTIES, REFUSED_VALUES

_SECRET: Final = re.compile(
    r"password|passwd|passphrase|secret|token(?!\.endpoint)|jaas|private\.key|keystore\.key|user\.?info|api\.key"
    r"|access\.key|credentials$|license$|\bpin\b",
    re.IGNORECASE,
)
"""Names below an open prefix whose values are never shown, although nobody declared them."""


_LONGEST_NAME: Final = 200


def _marked(declared: Property) -> Property:
    why, values = REFUSED_PROPERTIES.get(declared.key), REFUSED_VALUES.get(declared.key)
    return evolve(declared, unsupported=why, refused=values or {}) if why or values else declared


@frozen
class Catalogue:
    """Declared properties in their order."""

    properties: Mapping[str, Property]
    prefixes: tuple[Property, ...]

    @classmethod
    def of(cls, *groups: tuple[Property, ...]) -> Catalogue:
        """The catalogue of these groups, with what is not supported yet marked from the one table."""
        marked = [_marked(p) for group in groups for p in group]
        prefixes = sorted((p for p in marked if p.is_prefix), key=lambda p: -len(p.key))
        return cls({p.key: p for p in marked}, tuple(prefixes))

    def __iter__(self) -> Iterator[Property]:
        return iter(self.properties.values())

    def exact(self) -> Iterator[Property]:
        """The properties that are one key each."""
        return (p for p in self if not p.is_prefix)

    def find(self, key: str) -> Property | None:
        """The declaration a key falls under: its own, else that of the longest open prefix."""
        own = self.properties.get(key)
        if own is not None and not own.is_prefix:
            return own
        for prefix in self.prefixes:
            stem = prefix.key[:-1]
            if key.startswith(stem) and len(key) > len(stem):
                suffix = key[len(stem) :]
                return prefix if prefix.suffixes is None or suffix in prefix.suffixes else None
        return None

    def nearest(self, key: str) -> str | None:
        """The known key that resembles an unknown one most, if any does; nothing resembles a very long one."""
        if len(key) > _LONGEST_NAME:
            return None
        from difflib import get_close_matches

        known = [p.key for p in self.exact()]
        known += [p.key[:-1] + s for p in self.prefixes for s in p.suffixes or ()]
        folded = {name.lower(): name for name in known}
        found = get_close_matches(key.strip().lower(), list(folded), n=1, cutoff=0.75)
        return folded[found[0]] if found else None

    def is_secret(self, key: str) -> bool:
        """Whether the value of this key must never be shown; unknown keys by their name."""
        declared = self.find(key)
        if declared is None:
            return True
        return declared.secret or (declared.is_prefix and _SECRET.search(key) is not None)
