"""Which schema registry a connector uses, out of the four places that may name one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.config.config import Config

_CONVERTER: Final = "value.converter."
_GENERAL: Final = "schema.registry."
_AUTH: Final = ("basic.auth.credentials.source", "basic.auth.user.info")


def of_converter(given: Mapping[str, str]) -> dict[str, str]:
    """What the converter's properties say: ``value.converter.`` before ``schema.registry.…``, ``basic.auth.…`` or
    ``bearer.auth.…``."""
    settings: dict[str, str] = {}
    for key, value in given.items():
        name = key.removeprefix(_CONVERTER)
        if name == key or not value.strip():
            continue
        if name.startswith(_GENERAL):
            settings[name.removeprefix(_GENERAL)] = value.strip()
        elif name in _AUTH or name.startswith("bearer.auth."):
            settings[name] = value.strip()
    return settings


def _of_worker(given: Mapping[str, str]) -> dict[str, str]:
    return {
        key.removeprefix(_GENERAL): value.strip()
        for key, value in given.items()
        if key.startswith(_GENERAL) and value.strip()
    }


def registry_properties(connector: Mapping[str, str], worker: Mapping[str, str]) -> dict[str, str]:
    """The registry's settings without prefix: ``url``, ``basic.auth.user.info``, ``bearer.…``, ``ssl.…``.

    Takes what was given (``Config.raw()``). From the particular to the general: the connector's
    ``value.converter.*``, the worker's, the worker's ``schema.registry.*``, the connector's own
    ``schema.registry.url``. The first that has a URL names the registry. Credentials come from there or from
    something more particular, never from something more general: a worker's password is not sent to whatever
    address a connector's file names. Empty if there is no URL.
    """
    levels = [of_converter(connector), of_converter(worker), _of_worker(worker)]
    settings: dict[str, str] = {}
    for level in levels:
        settings = {**level, **settings}
        if "url" in settings:
            return settings
    exported = connector.get("schema.registry.url", "").strip()
    return {**settings, "url": exported} if exported else {}


def origin(name: str, connector: Mapping[str, str], worker: Mapping[str, str]) -> str:
    """The property, as it is given, that a setting without prefix comes from; the general one if none is given."""
    spellings = (f"{_CONVERTER}{_GENERAL}{name}", _CONVERTER + name, _GENERAL + name)
    places = ((connector, spellings[:2]), (worker, spellings))
    return next((key for given, keys in places for key in keys if given.get(key, "").strip()), spellings[2])


def registry_settings(connector: Config, worker: Config) -> dict[str, str]:
    """The same, of configurations that have been read."""
    return registry_properties(connector.raw(), worker.raw())
