"""Chromium, for tests that look at a page as a person does: the machine's, else from its package manager."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from typing import Final

from tests.support.fetched import Missing, provided

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@cache
def chromium() -> str:
    """The browser to run. Raises Missing, with one sentence, where there is none and none may be installed."""
    found = _there()
    if found is None and _may_install():
        print("installing Chromium", file=sys.stderr)
        subprocess.run([*_as_root(), "apt-get", "install", "-y", "-q", "chromium"], check=False)
        found = _there()
    if found is None:
        raise Missing("Chromium is needed for the tests of pages (on Debian: apt install chromium).")
    return found


def _there() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _may_install() -> bool:
    return shutil.which("apt-get") is not None and (os.getuid() == 0 or shutil.which("sudo") is not None)


def _as_root() -> list[str]:
    return [] if os.getuid() == 0 else ["sudo", "-n"]


if __name__ == "__main__":
    sys.exit(provided(chromium))
