"""How this command is called again, for lines that a person copies."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from typing import Final

NAME: Final = "sfbridge"


def program(argv0: str | None = None, environ: Mapping[str, str] = os.environ) -> str:
    """``sfbridge`` where the shell finds this one by that name; else as it was started, ready for a shell.

    ``argv0``: what it was started as; the process's own where it is not given.
    """
    started = sys.argv[0] if argv0 is None else argv0
    there = shutil.which(NAME, path=environ.get("PATH", ""))
    if os.path.basename(started) == NAME:
        return NAME if _same(there, started) else shlex.quote(started)
    if started.endswith(f"bridge{os.sep}__main__.py"):  # python -m bridge
        beside = os.path.join(os.path.dirname(sys.executable), NAME)
        return NAME if _same(there, beside) else f"{shlex.quote(sys.executable)} -m bridge"
    return NAME


def _same(one: str | None, other: str) -> bool:
    try:
        return one is not None and os.path.samefile(one, other)
    except OSError:
        return False
