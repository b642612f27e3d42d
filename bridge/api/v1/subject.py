"""What a job is about: the connector that was asked for, or a configuration that somebody typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from bridge.api.exchange import Ask, config_in, fields
from bridge.api.v1.here import Here
from bridge.config import Loaded
from bridge.worker.masks import keep
from bridge.worker.plugins import SalesforcePlugin
from bridge.worker.refusals import Refused

_UNNAMED: Final = "unnamed"


@frozen
class Subject:
    """A connector by its name and configuration, as it is stored or was typed."""

    name: str
    plugin: SalesforcePlugin
    config: Mapping[str, str]

    def loaded(self) -> Loaded:
        """Ready to be used. Raises ConfigurationError with every fault."""
        return self.plugin.loaded(self.name, self.config)


def stored(here: Here, name: str) -> Subject:
    """A connector of the group. Raises Refused."""
    here.connector(name)
    config = here.herder().config(name, literally=True)
    return Subject(name, _plugin(here, config), config)


def typed(here: Here, body: Mapping[str, object]) -> Subject:
    """A configuration in a request; a mask in it stands for what is stored under its name. Raises Refused (400)."""
    given = {key: text for key, text in config_in(body.get("config"), "config").items() if text is not None}
    name = given.get("name", "").strip() or _UNNAMED
    with here.state.changed:
        known = here.state.configs.get(name)
    kept = keep(given, known)
    if kept.again:
        raise Refused(400, "; ".join(f"{key} {why}" for key, why in kept.again.items()))
    return Subject(name, _plugin(here, kept.config), kept.config)


def _plugin(here: Here, config: Mapping[str, str]) -> SalesforcePlugin:
    plugin = here.herder().plugin_of(config)
    if not isinstance(plugin, SalesforcePlugin):
        raise Refused(
            400, f"connector.class {config.get('connector.class', '')!r} is none that can be looked into"
        )
    return plugin


def options(ask: Ask, *allowed: str) -> dict[str, object]:
    """The members of a request's body, which may be left out. Raises Refused (400, 415)."""
    document = ask.json()
    return {} if document is None else fields(document, allowed, "the request")


def whole(given: Mapping[str, object], name: str, default: int, low: int, high: int) -> int:
    """A whole number of a body. Raises Refused (400)."""
    value = given.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Refused(400, f"{name} must be a whole number from {low} to {high}")
    return value


def flag(given: Mapping[str, object], name: str) -> bool:
    """A boolean of a body, false where it is missing. Raises Refused (400)."""
    value = given.get(name)
    if value is not None and not isinstance(value, bool):
        raise Refused(400, f"{name} must be true or false")
    return bool(value)


def word_of(given: Mapping[str, object], name: str, default: str, *known: str) -> str:
    """One of several words. Raises Refused (400)."""
    value = given.get(name)
    if value is None:
        return default
    if value not in known:
        raise Refused(400, f"{name} must be one of {', '.join(known)}")
    return str(value)


def text_of(given: Mapping[str, object], name: str, longest: int = 1000) -> str | None:
    """A text of a body, None where it is missing. Raises Refused (400)."""
    value = given.get(name)
    if value is not None and not (isinstance(value, str) and len(value) <= longest):
        raise Refused(400, f"{name} must be a text of at most {longest} characters")
    return value
