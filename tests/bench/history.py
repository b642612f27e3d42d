"""What earlier runs measured: JSON lines with the commit and the class of machine, and what has changed since.

Runs are compared with the last one on the same class of machine: cores, processor, Python. A line holds nothing that
tells one machine of a class from another.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.bench.table import Row
from tests.support.java import ROOT

HISTORY: Final = Path(__file__).with_name("history.jsonl")


def machine() -> str:
    """The class of this machine, for example ``2 × Xeon Platinum 8370C, Python 3.11``."""
    return f"{os.cpu_count()} × {_processor()}, Python {'.'.join(platform.python_version_tuple()[:2])}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return " ".join((named or [platform.machine()])[0].replace("(R)", "").replace("(TM)", "").split())


def commit() -> str:
    """The commit that is checked out, ``+`` behind it where files have changed since."""
    said = _git("rev-parse", "--short=12", "HEAD")
    return f"{said}+" if _git("status", "--porcelain", "--untracked-files=no") else said


def _git(*words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return ran.stdout.strip() if ran.returncode == 0 else "unknown"


def append(rows: Sequence[Row], file: Path = HISTORY) -> None:
    """Add this run."""
    line = {
        "commit": commit(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "rows": {row.name: _numbers(row) for row in rows},
    }
    with file.open("a") as out:
        out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _numbers(row: Row) -> dict[str, Any]:
    kept = {"rate": row.rate, "micros": row.micros, "ratio": row.ratio, "peak_mb": row.peak_mb}
    numbers = {name: round(value, 3) for name, value in kept.items() if value is not None}
    return numbers | ({"value": row.value} if row.value else {})


def last(file: Path = HISTORY) -> dict[str, tuple[str, dict[str, Any]]]:
    """The last numbers of each row on this class of machine, with the commit they are of."""
    newest: dict[str, tuple[str, dict[str, Any]]] = {}
    for text in file.read_text().splitlines() if file.is_file() else ():
        line = json.loads(text)
        if line["machine"] == machine():
            newest |= {name: (line["commit"], numbers) for name, numbers in line["rows"].items()}
    return newest


def changes(rows: Sequence[Row], before: Mapping[str, tuple[str, dict[str, Any]]]) -> list[str]:
    """A line for each row that was measured before: the number that says most, then and now."""
    lines = []
    for row in rows:
        old_commit, old = before.get(row.name, ("", {}))
        now = _numbers(row)
        key = next((key for key in ("ratio", "micros", "rate", "peak_mb") if key in old and key in now), None)
        if key is not None:
            by = (now[key] / old[key] - 1) * 100 if old[key] else 0.0
            lines.append(
                f"{row.name}: {_WORDS[key]} {old[key]:g} → {now[key]:g} ({by:+.0f} %) since {old_commit}"
            )
        elif "value" in old and row.value:
            lines.append(f"{row.name}: {old['value']} → {row.value} since {old_commit}")
    return lines


_WORDS: Final = {"ratio": "× floor", "micros": "µs an event", "rate": "events/s", "peak_mb": "peak MB"}
