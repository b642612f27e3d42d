"""Reading what other tools export: the cloud CLI, the cloud's API, Kafka Connect's REST API, plain files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.config import files
from bridge.errors import ConfigurationError, Fault


def read_export(path: Path) -> dict[str, str]:
    """The connector's properties in an exported file. Raises ConfigurationError that names the file."""
    try:
        text = files.text_of(files.content_of(path))
        if path.suffix.lower() == ".json" or files.is_json(text):
            return _texts(files.load_json(text))
        return dict(files.properties(text).values)
    except files.UnreadableError as fault:
        raise ConfigurationError([Fault(str(path), str(fault))]) from None


def _texts(document: Any) -> dict[str, str]:
    found = files.texts(properties_of(document))
    if not found:
        raise files.UnreadableError("holds no properties")
    return found


def properties_of(document: Any) -> Mapping[str, Any]:
    """The properties wherever they stand. Raises UnreadableError.

    Forms: flat · ``{"name", "config": {}}`` · ``{"info": {"name", "config": {}}}`` · one connector's entry in
    ``{"<name>": {"info": …}}`` · ``{"connector": {"name"}, "configs": [{"config", "value"}]}`` (the cloud CLI's
    ``describe -o json``) · a list that holds one of these.
    """
    if isinstance(document, list):
        if len(document) != 1:
            raise files.UnreadableError(
                f"holds a list of {len(document)}; give one connector's configuration"
            )
        return properties_of(document[0])
    if not isinstance(document, dict):
        raise files.UnreadableError("holds no JSON object of properties")
    if isinstance(document.get("configs"), list):
        return _named(_pairs(document["configs"]), document.get("connector"))
    if isinstance(document.get("config"), dict):
        return _named(document["config"], document)
    if isinstance(document.get("info"), dict):
        return properties_of(document["info"])
    entries = [value for value in document.values() if isinstance(value, dict) and "info" in value]
    if len(entries) > 1:
        raise files.UnreadableError(f"holds {len(entries)} connectors; give one connector's configuration")
    return properties_of(entries[0]) if entries else document


def _pairs(items: list[Any]) -> dict[str, Any]:
    found = {}
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("config"), str):
            raise files.UnreadableError('must have {"config", "value"} for each item of "configs"')
        found[item["config"]] = item.get("value")
    return found


def _named(config: Mapping[str, Any], outer: Any) -> dict[str, Any]:
    """The configuration with its name, which may stand only outside."""
    name = outer.get("name") if isinstance(outer, dict) else None
    return {"name": name, **config} if name is not None and not config.get("name") else dict(config)
