"""Files that a command makes for a user: a connector's JSON, a worker's properties; whole, all or none."""

from __future__ import annotations

import errno
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bridge.errors import ConfigurationError, Fault

_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Of a file that is open, so that its name is not in the error."""


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
    """All files or none; readable by their owner only, because secrets may stand in them. ConfigurationError."""
    there = [path for path in paths if path.exists()]
    if there and not force:
        raise ConfigurationError([Fault(str(path), "exists; --force overwrites it") for path in there])
    with writing("", paths[0].parent):
        for path in paths:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        put(dict(zip(paths, (text.encode() for text in texts), strict=True)))


def put(contents: Mapping[Path, bytes], mode: int = 0o600) -> None:
    """Files in folders that are there: all of them, whole, or none. A file of before stays until then. OSError."""
    drafts: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in contents.items():
            target = path.resolve()
            draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            drafts[draft] = path
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
        for draft, path in drafts.items():
            draft.replace(path.resolve())
    except OSError as error:
        error.filename = str(path)  # the draft's name says nothing to anybody
        raise
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


@contextmanager
def writing(option: str, folder: Path) -> Iterator[None]:
    """Around the writing of files into a folder: where that cannot be, one sentence about the option that names it.
    ConfigurationError."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno not in _DISK:  # of a socket, say
            raise
        place = str(error.filename or folder)
        what = f"cannot be written: {(error.strerror or 'unknown reason').lower()}"
        raise ConfigurationError(
            [Fault(option, f"{place} {what}") if option else Fault(place, what)]
        ) from None


@contextmanager
def temporary() -> Iterator[Path]:
    """A folder that goes away again. ConfigurationError where there can be none."""
    try:
        directory = tempfile.TemporaryDirectory(prefix="sfbridge-")
    except OSError as error:
        why = f"must name a folder that can be written to: {error.strerror or error}"
        raise ConfigurationError([Fault("TMPDIR", why)]) from None
    with directory as name:
        yield Path(name)
