"""How much room an installation takes: the wheel's own files and everything that it needs, with and without extras."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from tests.bench.setting import Bench
from tests.bench.table import Row

PROJECT = "salesforce-kafka-bridge"
ROOT = Path(__file__).resolve().parents[2]
_MEGABYTE = 1_000_000


def size(bench: Bench) -> list[Row]:
    """Bytes of files as they are installed here, compiled files left out: those depend on what ran."""
    own = sum(path.stat().st_size for path in (ROOT / "bridge").rglob("*") if _counts(path))
    return [
        Row(
            "installed size, what always comes",
            value=f"{_megabytes('requirements.txt') + own / _MEGABYTE:.0f} MB",
        ),
        Row(
            "installed size, every extra",
            value=f"{_megabytes('requirements-all.txt') + own / _MEGABYTE:.0f} MB",
        ),
        Row("installed size, the bridge's own files", value=f"{own / _MEGABYTE:.1f} MB"),
    ]


def _megabytes(lock: str) -> float:
    names = re.findall(r"^([\w.-]+)==", (ROOT / lock).read_text(), re.M)
    return sum(_size(found) for name in names if name != "setuptools" and (found := _found(name))) / _MEGABYTE


def _found(name: str) -> Distribution | None:
    """None for what the lock has for other systems only."""
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _size(found: Distribution) -> int:
    paths = [Path(str(found.locate_file(file))) for file in found.files or ()]
    return sum(path.stat().st_size for path in paths if _counts(path))


def _counts(path: Path) -> bool:
    return path.is_file() and path.suffix != ".pyc"
