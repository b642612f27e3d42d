"""What a worker without a group remembers instead of topics: records as lines of a file, or for as long as it lives.

A file holds one JSON object a line, ``{"key":…,"value":…}``, and the later line of a key counts, as in a compacted
topic; keys and values are those of ``records.py``. A line that a crash has cut was never acknowledged, and is left
out. The file is written anew, with the last line of each key alone, when it is opened and when it has grown.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from bridge.documents import Broken, read
from bridge.errors import Fatal, Retriable, Stage
from bridge.log import for_connector
from bridge.worker.logs import Apply
from bridge.worker.records import Record

_GROWN: Final = 1000  # lines beyond four for each key


class MemoryLog:
    """A ``Log`` that ends with its process. It keeps nothing: the state that takes records in does."""

    def __init__(self, apply: Apply) -> None:
        self._apply = apply

    def append(self, added: Sequence[Record]) -> None:
        for key, value in added:
            self._apply(key, value)

    def close(self) -> None: ...


class _Line(msgspec.Struct):
    key: str
    value: msgspec.Raw


class FileLog:
    """A ``Log`` in one file, which is this process's alone. What was read is given to ``apply``, then what is added.

    Raises Fatal for a file that cannot be read or is none of ours, and from ``append`` Retriable where it cannot be
    written: then nothing was.
    """

    def __init__(self, path: Path, apply: Apply) -> None:
        self._path, self._apply = path, apply
        self._kept: dict[str, bytes] = {}
        self._lines = 0
        self._lock = threading.Lock()
        for key, value in self._read():
            self._keep(key, value)
        try:
            self._write_anew()
        except OSError as error:
            raise Fatal(f"{path} cannot be written: {error.strerror}", stage=Stage.CONFIGURATION) from None
        for key, kept in self._kept.items():
            try:
                apply(key, kept)
            except Broken as broken:
                for_connector("").warning("the record %s of %s is passed over: it %s", key, path, broken)

    def append(self, added: Sequence[Record]) -> None:
        """See :class:`bridge.worker.logs.Log`."""
        with self._lock:
            try:
                self._write(b"".join(_line(key, value) for key, value in added))
                for key, value in added:
                    self._keep(key, value)
                if self._lines > 4 * len(self._kept) + _GROWN:
                    self._write_anew()
            except OSError as error:
                for_connector("").error("%s cannot be written: %s", self._path, error.strerror)
                raise Retriable(
                    f"{self._path} cannot be written: {error.strerror}", stage=Stage.POSITION
                ) from None
        for key, value in added:
            self._apply(key, value)

    def close(self) -> None:
        """Nothing is left undone: every line was written as it was added."""

    def _keep(self, key: str, value: bytes | None) -> None:
        self._lines += 1
        if value is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = value

    def _read(self) -> list[Record]:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Fatal(f"{self._path} cannot be read: {error.strerror}", stage=Stage.CONFIGURATION) from None
        *lines, _cut = raw.split(b"\n")
        records: list[Record] = []
        for number, text in enumerate(lines, 1):
            try:
                line = read(text, _Line)
            except Broken as broken:
                raise Fatal(
                    f"line {number} of {self._path} {broken}; mend the line, or take it out to forget what it says",
                    stage=Stage.CONFIGURATION,
                ) from None
            value = bytes(line.value)
            records.append((line.key, None if value == b"null" else value))
        return records

    def _write(self, text: bytes) -> None:
        """All of it on the disk, or none in the file. Raises OSError."""
        with self._path.open("ab") as file:
            before = file.tell()
            try:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(self._path, before)
                raise

    def _write_anew(self) -> None:
        """One line for each key. A crash leaves the file of before or the new one. Raises OSError."""
        new = self._path.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.writelines(_line(key, value) for key, value in self._kept.items())
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        self._lines = len(self._kept)


def _line(key: str, value: bytes | None) -> bytes:
    return b'{"key":%s,"value":%s}\n' % (msgspec.json.encode(key), value or b"null")
