"""A connector's configuration, out of files or of properties that the application has at hand."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from bridge import log
from bridge.config import Loaded
from bridge.errors import Fault
from bridge.inspection.configuration import examine_files, load

Properties = Mapping[str, object]
"""Properties by name: text, numbers and booleans, spelled as in JSON; None is 'not given'."""
Source = Path | str | Properties
"""A file's path, or the properties themselves."""


@frozen
class Configuration:
    """A connector and its worker, valid together. Made by ``configuration``. Its representation shows no value."""

    _loaded: Loaded = field(repr=False)

    @property
    def name(self) -> str:
        """The connector's name."""
        return self._loaded.connector.name

    @property
    def notices(self) -> tuple[str, ...]:
        """What a person should know although it is no error, a sentence each."""
        return self._loaded.notices


def configuration(
    connector: Source, worker: Source | None = None, *, environ: Mapping[str, str] | None = None
) -> Configuration:
    """A valid configuration. Raises ConfigurationError with every fault of both.

    ``connector``: the connector's file (JSON or ``.properties``) or its properties, flat or below ``config``.
    ``worker``: Kafka, registry and what all connectors share; without it, the worker's properties of ``environ``.
    ``environ``: the variables that ``${env:NAME}`` and ``CONNECT_*`` mean; the process's own if None, ``{}`` for none.

    Secrets of the configuration are masked from now on in the lines of the logger ``bridge`` and of those below it.
    """
    loaded = load(_source(connector), _given(worker), environ=_variables(environ))
    log.register_secrets(loaded.secrets())
    mask_lines()
    return Configuration(loaded)


def loaded_of(config: Configuration) -> Loaded:
    """What is behind it, for the other modules of this room; not public."""
    return config._loaded


def validate(
    connector: Source, worker: Source | None = None, *, environ: Mapping[str, str] | None = None
) -> tuple[Fault, ...]:
    """Every fault of a configuration, as ``sfbridge validate`` tells them; empty if it is valid. Parameters as of
    ``configuration``. Raises nothing for what is in the configuration, and asks nobody.

    A ``Fault`` has ``key`` (the property, or a file that cannot be read), ``message`` (what is wrong and what to do)
    and ``value`` (what was given; None where it is secret).
    """
    return examine_files(_source(connector), _given(worker), _variables(environ)).faults


def _source(given: Source) -> Path | Properties:
    return Path(given) if isinstance(given, str) else given


def _given(worker: Source | None) -> Path | Properties | None:
    return None if worker is None else _source(worker)


def _variables(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environ is None else environ


def mask_lines() -> None:
    """Mask secrets in the lines of our loggers, those that are there by now: a logger's filter is for its own alone."""
    present = list(logging.Logger.manager.loggerDict)
    for name in ("bridge", log.LIBRDKAFKA, *(name for name in present if name.startswith("bridge."))):
        logging.getLogger(name).addFilter(_masking)


def _masking(record: logging.LogRecord) -> bool:
    """Mask secrets in a line, whoever's handlers write it."""
    record.msg, record.args = log.masked(record.getMessage()), ()
    if (trace := log.exception_text(record)) is not None:
        record.exc_text = log.masked(trace)
    return True
