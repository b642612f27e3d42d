"""What is in files that a configuration names: regular ones, and not more than is sane."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

LARGEST: Final = 1_000_000
"""Bytes of a trust store, a key store, a contract, a file that references read from."""


class UnusableError(ValueError):
    """Why a file cannot be used, as the end of a sentence that begins with its name."""


_SWALLOWED: Final = re.compile(r"[A-Za-z]:[^/\\]")
"""``C:Users``, and not ``C:\\Users``."""


def backslashes(path: str) -> str:
    """What became of a Windows path in a ``.properties`` file, as the end of a sentence; empty for other paths."""
    if not _SWALLOWED.match(path):
        return ""
    return "; in a .properties file a backslash is an escape: write C:/… or C:\\\\…"


def file_content(path: str | Path, largest: int = LARGEST) -> bytes:
    """What is in a regular file of at most so many bytes. UnusableError.

    A device has no end, and a pipe may never say anything.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnusableError("is no regular file")
            content = file.read(largest + 1)
    except FileNotFoundError:
        raise UnusableError(f"does not exist{backslashes(str(path))}") from None
    except UnusableError:
        raise
    except ValueError:
        raise UnusableError("is not the path of a file") from None
    except OSError as error:
        raise UnusableError(f"cannot be read ({(error.strerror or 'unknown reason').lower()})") from None
    if len(content) > largest:
        raise UnusableError(f"is larger than {largest} bytes")
    return content
