"""Apicurio Registry 3.0.9 as a child process: a second, independent Schema Registry, in memory, on a port of its own.

It speaks Confluent's protocol of version 7 under ``/apis/ccompat/v7``, without contexts, metadata, rule sets and DEKs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock

from tests.support import reaper
from tests.support.java import java, libs
from tests.support.ports import free_ports

_LONGEST_START: Final = 90
_JAR: Final = "apicurio-registry-app-3.0.9-runner.jar"


@contextmanager
def apicurio() -> Iterator[str]:
    """The base URL of a started registry. AssertionError with the end of its log where it does not start."""
    port = free_ports(["http"])["http"]
    url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
    settings = {
        "QUARKUS_HTTP_HOST": "127.0.0.1",
        "QUARKUS_HTTP_PORT": str(port),
        "QUARKUS_MANAGEMENT_ENABLED": "false",
    }
    command = [
        sys.executable,
        reaper.__file__,
        str(os.getpid()),
        java(),
        "-Xmx256m",
        "-XX:TieredStopAtLevel=1",
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        (Path(folder) / "log").open("w+b") as log,
        subprocess.Popen(
            [*command, "-jar", str(_unpacked() / _JAR)],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=os.environ | settings,
        ) as process,
    ):
        assert process.stdout is not None
        child = int(process.stdout.readline())
        try:
            _wait(url, process, Path(log.name))
            yield url
        finally:
            os.kill(child, 9)
            process.wait()


def _unpacked() -> Path:
    """The folder of the unpacked archive, made once."""
    archive = next(libs("apicurio").glob("*.tar.gz"))
    target = archive.parent / "unpacked"
    with FileLock(archive.parent / "unpacked.lock"):
        if not target.is_dir():
            with (
                tempfile.TemporaryDirectory(dir=archive.parent) as temporary,
                tarfile.open(archive) as packed,
            ):
                # Python 3.11.2 has no filters; what is in the archive is known by its hash
                packed.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
                packed.extractall(temporary)
                Path(temporary, "whole").mkdir()
                for each in [path for path in Path(temporary).iterdir() if path.name != "whole"]:
                    each.rename(Path(temporary, "whole", each.name))
                Path(temporary, "whole").rename(target)
    return target


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _LONGEST_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/subjects", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"Apicurio did not start: {log.read_text(errors='replace')[-3000:]}")
