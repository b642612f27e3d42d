"""Connectors of this machine, shown to whoever asks on it: a socket of each process that runs some.

The sockets are in the user's own folder, which nobody else may enter. A question costs an answer; without one a
process that is shown does nothing but wait.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from bridge.documents import Broken, Json, json_of
from bridge.metrics import Stats

_ENDING: Final = ".sock"
_PATIENCE: Final = 2.0  # seconds for an answer of a process of this machine


def folder() -> Path:
    """Where processes of this user are found."""
    directory = Path(tempfile.gettempdir()) / f"sfbridge-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory


def document_of(stats: Stats, now: float) -> dict[str, Json]:
    """How a connector is doing: counts since its process started, lag in seconds, None where nothing is known yet."""
    lag = stats.lag_seconds(now)
    return {
        "connector": stats.connector,
        "state": stats.state,
        "committed": stats.carried(),
        "waiting": stats.buffered(),
        "lag_seconds": None if lag is None else round(lag, 1),
        "bad_records": stats.bad_records,
        "dead_letters": stats.dead_letters,
        "restarts": stats.restarts,
        "replay_id": stats.last_replay_id if stats.last_replay_id >= 0 else None,
    }


class Shown:
    """Answers until it is closed. Where no socket can be had, nothing is shown, and nothing fails."""

    def __init__(self, stats: Callable[[], Iterable[Stats]]) -> None:
        self._stats = stats
        self._path: Path | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path = folder() / f"{os.getpid()}{_ENDING}"
            self._path.unlink(missing_ok=True)
            self._socket.bind(str(self._path))
            self._socket.listen(8)
        except OSError:
            self._socket.close()
            return
        threading.Thread(target=self._answer, name="shown", daemon=True).start()

    def _answer(self) -> None:
        while True:
            try:
                asker, _ = self._socket.accept()
            except OSError:  # closed
                return
            with asker, contextlib.suppress(OSError):
                asker.settimeout(_PATIENCE)
                now = time.time()
                documents = [document_of(stats, now) for stats in self._stats()]
                asker.sendall(json.dumps(documents).encode())

    def close(self) -> None:
        """Be shown no more."""
        with contextlib.suppress(OSError):
            if self._path is not None:
                self._path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def connectors_here() -> Iterator[dict[str, Json]]:
    """What the processes of this user say; those that are gone are passed over, and their sockets removed."""
    try:
        paths = sorted(folder().glob(f"*{_ENDING}"))
    except OSError:
        return
    for path in paths:
        try:
            documents = json_of(_asked(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except (OSError, Broken):
            continue
        else:
            for document in documents if isinstance(documents, list) else ():
                if isinstance(document, dict):
                    yield {**document, "worker": f"pid {path.stem}"}


def _asked(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as here:
        here.settimeout(_PATIENCE)
        here.connect(str(path))
        text = b""
        while part := here.recv(65_536):
            text += part
    return text
