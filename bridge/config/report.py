"""A connector and its worker under examination, for showing: what was given, what is wrong, what follows."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, frozen

from bridge.config import infos
from bridge.config.config import Loaded
from bridge.config.examine import Examined
from bridge.errors import ConfigurationError, Fault

_LONGEST = 60


@frozen
class Report:
    """What became of both files. ``connector`` is empty if its file could not be read at all."""

    connector: Examined
    worker: Examined
    faults: tuple[Fault, ...]
    notices: tuple[str, ...] = field(factory=tuple)
    steps: infos.Steps = field(factory=dict)
    """What the connector's transforms and predicates take."""

    def loaded(self) -> Loaded:
        """The configuration. Raises ConfigurationError if there are faults."""
        if self.faults:
            raise ConfigurationError(self.faults)
        return Loaded(self.connector.config(), self.worker.config(), self.notices)

    def infos(self) -> infos.ConfigInfos:
        """Kafka Connect's ConfigInfos, the worker's faults among them."""
        return infos.infos_of(self.connector, self.steps, self.faults)

    def both(self, *, every: bool = False) -> Iterator[list[tuple[str, str, str, str]]]:
        """Rows (property, value, default, error) of what was given, or is faulty, or of ``every`` property: connector,
        then worker. None of a file that could not even be read."""
        for examined in (self.connector, self.worker):
            yield list(_rows(examined, every))


def _rows(examined: Examined, every: bool) -> Iterator[tuple[str, str, str, str]]:
    errors: dict[str, list[str]] = {}
    for fault in examined.faults:
        errors.setdefault(fault.key, []).append(fault.message)
    others = [declared.key for declared in examined.catalogue.exact()] if every and examined.values else []
    for key in dict.fromkeys([*examined.written, *errors, *others]):
        declared = examined.catalogue.find(key)
        default = "" if declared is None or declared.default is None else declared.default
        value = examined.shown(key) if key in examined.written else infos.text_of(examined.values.get(key))
        shown = examined.quotable(value or "")
        yield key, short(shown), short(default), "; ".join(errors.get(key, ()))


def short(text: str) -> str:
    """A value as a table shows it: in one line that is not too long."""
    line = text.replace("\n", "\\n")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
