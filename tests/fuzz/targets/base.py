"""What a target of the fuzzer is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from bridge.documents import Broken
from bridge.errors import BridgeError

ROOT: Final = Path(__file__).parents[3]
SAMPLES: Final = ROOT / "schemas"


@frozen
class Target:
    """One parser. ``feed`` may raise ``allowed`` and nothing else, and takes at most ``seconds``."""

    name: str
    feed: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    allowed: tuple[type[Exception], ...] = (BridgeError, Broken)
    seconds: float = 3.0


def document(value: Any) -> bytes:
    """JSON."""
    return json.dumps(value).encode()


def sample(name: str) -> bytes:
    """A file of ``schemas/``."""
    return (SAMPLES / name).read_bytes()


def samples(ending: str) -> tuple[bytes, ...]:
    """All files of ``schemas/`` with an ending."""
    return tuple(path.read_bytes() for path in sorted(SAMPLES.glob(f"*{ending}")))


def text(raw: bytes) -> str:
    """What a parser of texts is given for any bytes."""
    return raw.decode("utf-8", "replace")


def scratch(name: str) -> Path:
    """A file of this process, for parsers that take a path."""
    directory = Path(os.environ.get("TMPDIR", "/tmp")) / f"fuzz-{os.getpid()}"
    directory.mkdir(exist_ok=True)
    return directory / name
