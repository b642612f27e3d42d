"""What the tests need beside Python, as packages, where the machine lacks it: fetched once into ``.cache/``.

``tests/requirements/<name>.txt`` are locked and hashed (``make lock``); what is on the machine is used first.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "requirements"
CACHE = ROOT / ".cache" / "python"


class Missing(RuntimeError):
    """Something the tests need is not on this machine; one sentence says what and how to get it."""


def packages(name: str, otherwise: str) -> Path:
    """The folder with the packages of ``tests/requirements/<name>.txt``. Raises Missing: ``otherwise`` says what to
    install instead."""
    locked = REQUIREMENTS / f"{name}.txt"
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    target = CACHE / f"{name}-{version}-{hashlib.sha256(locked.read_bytes()).hexdigest()[:12]}"
    if target.is_dir():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / f"{name}.lock"):
        if not target.is_dir():
            _install(locked, target, otherwise)
    return target


def provided(*needed: Callable[[], object]) -> int:
    """Have all of it there, so that the tests need no network; the exit code of a command that does that."""
    try:
        for one in needed:
            one()
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


def trusting(*variables: str) -> dict[str, str]:
    """The environment, in which a program that brings its own authorities is pointed at the machine's: a company's
    proxy may have one of its own."""
    system = ssl.get_default_verify_paths().cafile
    return {**({} if system is None else dict.fromkeys(variables, system)), **os.environ}


def _install(locked: Path, target: Path, otherwise: str) -> None:
    print(f"fetching what stands in for {locked.stem} here", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        folder = Path(temporary) / "packages"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command = [*pip, "--require-hashes", "--no-deps", "--target", str(folder), "-r", str(locked)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missing(f"{otherwise} (no package could be fetched instead: {done.stderr.strip()[-500:]})")
        os.rename(folder, target)
