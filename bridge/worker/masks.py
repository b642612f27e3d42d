"""A mask that is sent back stands for the secret that is stored, but only as long as the secret stays where it went.

Who may write connectors cannot read their secrets. Whoever could keep a password and change the address it is sent to
would read it there. So a secret that is not given anew is kept only while every address it may travel to is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen

from bridge.config import secrecy
from bridge.config.declarations import CONNECTOR
from bridge.config.infos import ConfigInfos, Value, definition

_SALESFORCE: Final = (
    "salesforce.instance",
    "bridge.salesforce.ca.file",
    "bridge.salesforce.api",
    "bridge.pubsub.",
    "http.proxy",
)
_REGISTRY: Final = (
    "schema.registry.url",
    "value.converter.schema.registry.url",
    "value.converter.schema.registry.ssl.",
    "value.converter.bearer.auth.",
    "value.converter.schema.registry.bearer.auth.",
)
_BROKER: Final = (
    "kafka.endpoint",
    "producer.override.security.",
    "producer.override.sasl.",
    "producer.override.ssl.",
)
_KMS: Final = (*_REGISTRY, "bridge.schema.contract", "schema.context.name")
_EVERYWHERE: Final = (*_SALESFORCE, *_KMS, *_BROKER)
#: Beginnings of secrets' names → the properties (or their beginnings) that say where it goes; the first that fits.
_GOES_TO: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("salesforce.", _SALESFORCE),
    ("oauth.", _SALESFORCE),
    ("http.proxy", ("http.proxy",)),
    ("kafka.", _BROKER),
    ("producer.override.", _BROKER),
    ("rule.executors.", _KMS),
    ("value.converter.rule.executors.", _KMS),
    ("value.converter.", _REGISTRY),
    ("", _EVERYWHERE),
)
_LOGIN_MASK: Final = "://****@"


@frozen
class Kept:
    """A configuration with its secrets; ``again``: those that were not kept → why, as the end of a sentence."""

    config: dict[str, str]
    again: dict[str, str] = field(factory=dict)

    def into(self, infos: ConfigInfos) -> ConfigInfos:
        """ConfigInfos of the configuration, told what must be given again."""
        values = {one["value"]["name"]: one["value"] for one in infos["configs"]}
        for key, why in self.again.items():
            if key not in values:
                value = Value(name=key, value=secrecy.MASK, recommended_values=[], errors=[], visible=True)
                infos["configs"].append({"definition": definition(CONNECTOR, key), "value": value})
                values[key] = value
            values[key]["errors"] = [why]
        infos["error_count"] = sum(len(value["errors"]) for value in values.values())
        return infos


def keep(
    given: Mapping[str, str], stored: Mapping[str, str] | None, untouched: frozenset[str] = frozenset()
) -> Kept:
    """The configuration that a request means.

    ``untouched``: secrets that the request did not name at all, as in a PATCH; they count as masks.
    """
    before = stored or {}
    config: dict[str, str] = {}
    masks: list[str] = []
    for key, text in given.items():
        config[key] = text
        if before.get(key) and _stands_for(text, before[key]):
            config[key] = before[key]
            masks.append(key)
    masks += [key for key in untouched if key in given and _hides(key, given[key])]
    changed = [
        key for key in dict.fromkeys([*before, *config]) if _address(before, key) != _address(config, key)
    ]
    again = {}
    for key in dict.fromkeys(masks):
        elsewhere = [one for one in changed if one != key and _goes(key, one)]
        if elsewhere and not secrecy.is_only_reference(before[key]):
            again[key] = f"must be given again because {', '.join(elsewhere)} changed"
            config[key] = secrecy.MASK
    again |= dict.fromkeys(_masked_logins(config), "holds a masked login; give the real one")
    return Kept(config, again)


def _stands_for(text: str, stored: str) -> bool:
    """Whether the text is what was shown instead of the stored one."""
    return secrecy.is_masked(text) or (text != stored and text == secrecy.without_login(stored))


def _hides(key: str, text: str) -> bool:
    return bool(text) and (CONNECTOR.is_secret(key) or secrecy.without_login(text) != text)


def _goes(secret: str, place: str) -> bool:
    """Whether the secret may travel to where the other property says."""
    places = next(places for prefix, places in _GOES_TO if secret.startswith(prefix))
    return any(place == one or (one.endswith(".") and place.startswith(one)) for one in places)


def _address(config: Mapping[str, str], key: str) -> str:
    """A property as far as it is an address: what is left at its default is the default."""
    declared = CONNECTOR.find(key)
    text = config.get(key, "").strip() or (declared.default if declared else "") or ""
    return text.rstrip("/")


def _masked_logins(config: Mapping[str, str]) -> Iterator[str]:
    return (key for key, text in config.items() if _LOGIN_MASK in text)
