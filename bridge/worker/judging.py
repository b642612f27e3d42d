"""What is said of a configuration before it is stored: all that is wrong with it at once, in Kafka Connect's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.config.declarations.framework import KEYS as FRAMEWORK
from bridge.config.infos import ConfigInfos
from bridge.java.texts import control_characters, trimmed
from bridge.worker.masks import Kept
from bridge.worker.plugins import Plugin
from bridge.worker.refusals import INVALID, Refused

Sent = Mapping[str, str | None]
"""A configuration as a request holds it: null is not the same as not given."""
_NAME: Final = "Invalid value {} for configuration name: {}"
_NULL: Final = "Null value can not be supplied as the configuration value."


def judged(plugin: Plugin, name: str, sent: Sent, kept: Kept) -> dict[str, str]:
    """The configuration to store for the connector of this name. Raises Refused (400) with every error."""
    infos = kept.into(plugin.validate(kept.config))
    wrong = name_fault(name)
    errors = [] if wrong is None else [_NAME.format(name, wrong)]
    errors += [
        _named(one["value"]["name"], text)
        for one in infos["configs"]
        for text in one["value"]["errors"]
        if wrong is None or one["value"]["name"] != "name"
    ]
    errors += [_NULL] * len(_nulls(plugin, sent) - {"name"})
    if errors:
        raise Refused(400, INVALID.format(len(errors), "\n".join(errors)))
    return kept.config


def with_nulls(infos: ConfigInfos, sent: Sent) -> ConfigInfos:
    """The infos, told which values are null: an error of the framework's own properties."""
    for value in (one["value"] for one in infos["configs"]):
        if sent.get(value["name"], "") is None:
            value["value"] = None
            if value["name"] in FRAMEWORK:
                value["errors"] = [_NULL]
    infos["error_count"] = sum(len(one["value"]["errors"]) for one in infos["configs"])
    return infos


def name_fault(name: str) -> str | None:
    """What is wrong with a connector's name as it is used, the blanks around it included."""
    if not trimmed(name):
        return "String may not be empty"
    if codes := control_characters(name):
        held = ", ".join(map(str, codes))
        return f"String may not contain control sequences but had the following ASCII chars: {held}"
    return None


def _nulls(plugin: Plugin, sent: Sent) -> set[str]:
    """The properties whose null is an error: Kafka Connect's, and those that nobody declares. One of the connector's
    own counts as not given."""
    nulls = {key for key, text in sent.items() if text is None}
    return (
        nulls - {one["name"] for one in plugin.definitions() if one["name"] not in FRAMEWORK}
        if nulls
        else nulls
    )


def _named(key: str, error: str) -> str:
    """An error that makes sense without its property beside it. Kafka Connect's own name it; ours need not."""
    return error if key in error else f"{key}: {error}"
