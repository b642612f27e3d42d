"""A configuration that has been read: typed values, defaults filled in, and what was really given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from attrs import frozen

from bridge.config.egress import ANYWHERE, Egress
from bridge.config.external import Origin
from bridge.quoting import MASK


class Config(Mapping[str, Any]):
    """Immutable. Every declared property has a value (``None`` without default), and every key below a prefix
    that was given. Its representation shows no value, because some are secret."""

    __slots__ = (
        "_raw", "_values", "egress", "name", "origin", "references", "resolved", "secrets", "unsound",
    )  # fmt: skip

    def __init__(
        self,
        values: Mapping[str, object],
        raw: Mapping[str, str],
        name: str = "",
        secrets: frozenset[str] = frozenset(),
        resolved: Mapping[str, str] = MappingProxyType({}),
        origin: Origin = Origin.FILE,
        egress: Egress = ANYWHERE,
        references: frozenset[str] = frozenset(),
        unsound: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.secrets = secrets
        """Every text that must not be logged, what references stand for among them."""
        self.resolved = resolved
        """What references stand for → the reference."""
        self.origin = origin
        """Whoever writes by REST is not the operator of the worker."""
        self.egress = egress
        """Where connections may be made to."""
        self.references = references
        """``${…}`` as they are written, whatever they stand for."""
        self.unsound = unsound
        """Keys that have a fault of their own, and stand at their defaults."""
        self._values = MappingProxyType(dict(values))
        self._raw = MappingProxyType(dict(raw))

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Config({self.name!r}, {len(self._raw)} given)"

    def hidden(self) -> dict[str, str]:
        """Every text that must not be logged → what is written instead: a mask, or the reference it stands behind."""
        return {**dict.fromkeys(self.secrets, MASK), **self.resolved}

    def given(self, key: str) -> bool:
        """Whether the user set this property."""
        return key in self._raw

    def sound(self, *keys: str) -> bool:
        """Whether none of these has a fault, so that rules about them make sense."""
        return self.unsound.isdisjoint(keys)

    def prefixed(self, prefix: str) -> dict[str, str]:
        """Every given key that begins with ``prefix``, the prefix cut, values as text."""
        return {
            key[len(prefix) :]: value
            for key, value in self._raw.items()
            if key.startswith(prefix) and len(key) > len(prefix)
        }

    def raw(self) -> Mapping[str, str]:
        """What was given, as text, ``${…}`` resolved."""
        return self._raw


@frozen
class Loaded:
    """A connector and its worker, valid together, and what a person should know although it is no error."""

    connector: Config
    worker: Config
    notices: tuple[str, ...] = ()

    def secrets(self) -> dict[str, str]:
        """Every secret text in either configuration → what the log writes instead."""
        return self.worker.hidden() | self.connector.hidden()
