"""Findings as files: ``tests/fuzz/found/<target>/<digest>``."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "found"


def keep(name: str, raw: bytes) -> Path:
    """Write a finding down."""
    path = FOLDER / name / hashlib.sha256(raw).hexdigest()[:12]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def kept(name: str) -> list[Path]:
    """The findings of before."""
    folder = FOLDER / name
    return sorted(folder.iterdir()) if folder.is_dir() else []


def current(name: str) -> Path:
    """Where a run writes the input it works on, for whoever finds the run dead."""
    return Path(tempfile.gettempdir()) / f"sfbridge-fuzz-{name}"


def stopped(name: str) -> bytes | None:
    """The input that a run died of, once."""
    path = current(name)
    if not path.exists():
        return None
    raw = path.read_bytes()
    path.unlink()
    length = int.from_bytes(raw[:8], "big")
    return raw[8 : 8 + length] if length else None
