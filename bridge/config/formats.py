"""Which output format is meant: ``output.data.format``, or a converter in Kafka Connect's spelling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.config.config import Config
from bridge.config.declarations import CONNECTOR
from bridge.config.declarations.formats import CONVERTERS
from bridge.config.examine import Examined, default_of
from bridge.config.supported import CONVERTER_OPTIONS
from bridge.config.values import InvalidError, typed

FORMAT: Final = "output.data.format"
CONVERTER: Final = "value.converter"
_ENABLE: Final = "value.converter.schemas.enable"


def decide(c: Examined, worker: Config | None) -> None:
    """Settle ``output.data.format``, then judge the converter's options by it."""
    if c.has(FORMAT):
        _contradiction(c)
    elif c.has(CONVERTER):
        _from_connector(c)
    elif worker is not None and worker.get(CONVERTER) and worker.given(CONVERTER):
        _from_worker(c, worker)
    if c.sound(FORMAT, CONVERTER):
        _options(c, c.values[FORMAT])


def format_word(given: Mapping[str, str], worker: Config | None = None) -> str:
    """The format that a configuration means, without judging it; what is given as it is where it is none."""
    if given.get(FORMAT, "").strip():
        return given[FORMAT].strip().upper()
    converter = given.get(CONVERTER) or (worker.raw().get(CONVERTER) if worker is not None else None)
    if not converter:
        return str(default_of(CONNECTOR.properties[FORMAT]))
    try:
        return CONVERTERS[typed(CONNECTOR.properties[CONVERTER], converter)]
    except (InvalidError, KeyError):
        return converter


def _contradiction(c: Examined) -> None:
    if not c.has(CONVERTER) or CONVERTER in c.broken:
        return
    converter = c.values[CONVERTER]
    given = c.given[FORMAT].strip().upper()
    if CONVERTERS[converter] != given:
        c.fault(
            CONVERTER,
            f"writes {CONVERTERS[converter]} and contradicts {FORMAT}={c.shown(FORMAT)}; remove one of the "
            f"two",
        )


def _from_connector(c: Examined) -> None:
    if CONVERTER in c.broken:
        return
    name = CONVERTERS[c.values[CONVERTER]]
    if _settle(c, name, "") and name == "JSON" and not c.has(_ENABLE):
        _wrap(c, "true")


def _from_worker(c: Examined, worker: Config) -> None:
    try:
        converter = typed(c.catalogue.properties[CONVERTER], worker[CONVERTER])
    except InvalidError:
        c.notice(f"{FORMAT} is not given and the worker's {CONVERTER} is no format of ours; JSON is written")
        return
    name = CONVERTERS[converter]
    if not _settle(c, name, " (the worker's default)"):
        return
    c.values[CONVERTER] = converter
    c.notice(f"{FORMAT} is not given; the worker's {CONVERTER} makes it {name}")
    if name == "JSON" and not c.has(_ENABLE):
        _wrap(c, worker.raw().get(_ENABLE) or "true")


def _wrap(c: Examined, enabled: str) -> None:
    """Whether values are wrapped with their schemas. JsonConverter's own default is true, that of the managed
    connector's ``output.data.format`` false."""
    try:
        c.values[_ENABLE] = typed(c.catalogue.properties[_ENABLE], enabled)
    except InvalidError as error:
        c.fault(CONVERTER, f"is the worker's, whose {_ENABLE} {error}")
        return
    c.given[_ENABLE] = enabled
    if c.values[_ENABLE]:
        c.notice(
            f"JsonConverter wraps each value with its schema unless {_ENABLE}=false: "
            '{"schema":…,"payload":…}'
        )


def _settle(c: Examined, name: str, origin: str) -> bool:
    refused = c.catalogue.properties[FORMAT].refused.get(name)
    if refused:
        c.fault(CONVERTER, refused + origin)
        return False
    c.values[FORMAT] = name
    return True


def _options(c: Examined, name: str) -> None:
    without_effect = []
    for option, (touched, honoured) in CONVERTER_OPTIONS.items():
        key = "value.converter." + option
        declared = c.catalogue.properties[key]
        if key in c.broken or c.values[key] == default_of(declared):
            continue
        if name in honoured:
            continue
        if name in touched:
            c.fault(key, f"is not supported yet for {name}; leave it at {declared.default}")
        elif c.has(key):
            without_effect.append(key)
    if without_effect:
        c.notice(f"without effect for {name}: {', '.join(without_effect)}")
