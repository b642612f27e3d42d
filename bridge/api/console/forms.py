"""A connector's configuration as a form, made of what validation says of each property: a page for the first dozen,
the rest by group.

Secrets never come back: a field of one is empty, and says whether it is set. What is left empty stays what it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import field, frozen

from bridge.api.console.page import Api, quoted
from bridge.config.secrecy import MASK

PREFIX: Final = "c."
TOUCHED: Final = "touched"
CLASS: Final = "connector.class"
PLATFORM: Final = "SalesforcePlatformEventSource"
CDC: Final = "SalesforceCdcSource"
FIRST: Final[Mapping[str, tuple[str, ...]]] = {
    "Login": (
        "salesforce.grant.type", "salesforce.instance", "salesforce.username", "salesforce.password",
        "salesforce.password.token", "salesforce.consumer.key", "salesforce.consumer.secret",
        "salesforce.jwt.keystore.file", "salesforce.jwt.keystore.path", "salesforce.jwt.keystore.password",
        "oauth.refresh.token",
    ),
    "Event": ("salesforce.platform.event.name", "salesforce.cdc.name", "salesforce.initial.start"),
    "Kafka": ("kafka.topic", "output.data.format", "kafka.api.key", "kafka.api.secret", "schema.context.name"),
    "Protection": ("csfle.enabled", "bridge.schema.contract"),
}  # fmt: skip
UPLOADED: Final[Mapping[str, str]] = {
    "salesforce.jwt.keystore.file": ".jks,.p12,.pfx,.pem,application/x-pkcs12"
}
"""What is the content of a file, as a data URL → which files a browser offers for it."""
MOST: Final = 256 * 1024
"""Bytes of such a file: in base64 and percent-encoded it fits into a request. A keystore with one key has 5 kB."""
HIDDEN: Final = (CLASS, "name", "tasks.max")
_SAID_OTHERWISE: Final = re.compile(r" (?:Required|Valid values): (?:[^.]|\.(?! |$))*\.")
"""What the form itself shows: what is needed, and what can be chosen."""
_LAST: Final = ("Accepted and not needed",)


@frozen
class Field:
    """One property as an input."""

    key: str
    title: str
    help: str
    kind: str
    value: str
    default: str
    choices: tuple[str, ...]
    errors: tuple[str, ...]
    needed: bool
    secret: bool
    is_set: bool
    """Of a secret: that there is one, which is not shown."""
    files: str = ""
    """The files that may be uploaded for it; empty where none may."""
    most: int = MOST

    @property
    def id(self) -> str:
        """Of its input."""
        return "f-" + "".join(c if c.isalnum() else "-" for c in self.key)


@frozen
class Form:
    """The whole of it. ``faults``: how many there are, of which a page shows those of fields that were touched."""

    name: str
    kind: str
    first: Mapping[str, tuple[Field, ...]]
    groups: Mapping[str, tuple[Field, ...]]
    faults: tuple[tuple[str, str, str], ...]
    """Id of the input, title, sentence."""
    touched: str
    config: Mapping[str, str] = field(factory=dict)
    stored: bool = False


def config_in(given: Mapping[str, str], stored: Mapping[str, str]) -> dict[str, str]:
    """The configuration that a form holds: what is empty is not given, a secret that is empty stays what it was."""
    config = {}
    for name, text in given.items():
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX)
        if text.strip():
            config[key] = text
        elif stored.get(key) == MASK and given.get(f"remove.{key}") != "on":
            config[key] = MASK
    return config


def made(
    api: Api,
    config: Mapping[str, str],
    given: Mapping[str, str],
    *,
    stored: bool = False,
    all_faults: bool = False,
) -> Form:
    """The form of a configuration, judged by the worker."""
    kind = config.get(CLASS) or PLATFORM
    body = {CLASS: kind, **config}
    infos = api.call("PUT", f"/connector-plugins/{quoted(kind)}/config/validate", body)
    touched = set(given.get(TOUCHED, "").split())
    every = {one["definition"]["name"]: one for one in infos["configs"]}
    fields = {
        key: _field(one, config, all_faults or key in touched)
        for key, one in every.items()
        if one["value"]["visible"] or key in config
    }
    placed = {key for keys in FIRST.values() for key in keys} | set(HIDDEN)
    groups: dict[str, list[Field]] = {}
    for key, each in fields.items():
        if key not in placed:
            groups.setdefault(every[key]["definition"]["group"] or "Other properties", []).append(each)
    first = {title: tuple(fields[key] for key in keys if key in fields) for title, keys in FIRST.items()}
    titles = sorted(groups, key=lambda title: title in _LAST)
    shown = [
        *(each for some in first.values() for each in some),
        *(each for some in groups.values() for each in some),
    ]
    named = [fields[key] for key in ("name",) if key in fields]
    faults = tuple((each.id, each.title, error) for each in [*named, *shown] for error in each.errors)
    return Form(
        config.get("name", ""), kind, first, {title: tuple(groups[title]) for title in titles}, faults,
        " ".join(sorted(touched)), config, stored,
    )  # fmt: skip


def _field(info: Mapping[str, Any], config: Mapping[str, str], tell: bool) -> Field:
    definition, value = info["definition"], info["value"]
    key, kind = definition["name"], definition["type"]
    secret = kind == "PASSWORD"
    given = config.get(key, "")
    is_set = secret and bool(given)
    shown = "" if secret and not given.startswith("${") else given
    words = definition["documentation"]
    return Field(
        key=key,
        title=definition["display_name"] or key,
        help=_SAID_OTHERWISE.sub("", words),
        kind=kind,
        value=shown,
        default=definition["default_value"] or "",
        choices=_choices(kind, value["recommended_values"]),
        errors=tuple(value["errors"]) if tell else (),
        needed=bool(definition["required"]) or "Required: " in words,
        secret=secret,
        is_set=is_set and not shown,
        files=UPLOADED.get(key, ""),
    )


def _choices(kind: str, recommended: Iterable[str]) -> tuple[str, ...]:
    if kind == "BOOLEAN":
        return ("true", "false")
    return () if kind in ("LIST", "PASSWORD") else tuple(recommended)
