"""Files that a command makes for a user: a connector's JSON, a worker's properties; private, all or none."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from bridge.errors import ConfigurationError, Fault


def connector_text(properties: Mapping[str, str]) -> str:
    """``connector.json``."""
    return json.dumps(dict(properties), indent=2, ensure_ascii=False) + "\n"


def worker_text(properties: Mapping[str, str], maker: str) -> str:
    """``worker.properties``. ``maker``: the command that made it."""
    heading = f"# Made by sfbridge {maker}. Kafka Connect's own names; see docs/configuration.md.\n"
    return heading + "".join(f"{key}={_escaped(value)}\n" for key, value in properties.items())


def _escaped(value: str) -> str:
    """A value as Java reads it back. Keys are known names and need no escape."""
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\f", "\\f")
    return "\\" + text if text[:1] in (" ", "\t") else text


def write(paths: list[Path], texts: list[str], *, force: bool) -> None:
    """All files or none; readable by their owner only, because secrets may stand in them."""
    there = [path for path in paths if path.exists()]
    if there and not force:
        raise ConfigurationError([Fault(str(path), "exists; --force overwrites it") for path in there])
    try:
        for path, text in zip(paths, texts, strict=True):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise ConfigurationError([Fault(str(error.filename), f"cannot be written: {reason}")]) from None
