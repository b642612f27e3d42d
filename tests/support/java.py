"""The Java parts of the tests: fetched once through Maven into ``.cache/``, checked against recorded hashes.

Each folder of ``tests/java`` is one class path (``pom.xml``) or one archive (``artifact``). What is fetched is verified
against the file ``libs.sha256`` beside it; make that anew with ``sha256sum *`` after changing a version.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
POMS = ROOT / "tests" / "java"
CACHE = ROOT / ".cache" / "java"


class Missing(RuntimeError):
    """Something the tests need is not on this machine; one sentence says what and how to get it."""


@cache
def java() -> str:
    """The Java to run with: ``JAVA_HOME``'s, else the first on the path; 17 or later."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if not found:
        raise Missing(
            "Java 17 or later is needed for the broker of the tests (on Debian: openjdk-17-jre-headless)."
        )
    text = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', text)
    if not version or int(version[1]) < 17:
        raise Missing(
            f"Java 17 or later is needed for the broker of the tests; {found} says: {text.splitlines()[0]}"
        )
    return os.path.realpath(found)


def libs(name: str) -> Path:
    """The folder of the jars of ``tests/java/<name>``, fetched if it is not there."""
    folder = POMS / name
    hashes = (folder / "libs.sha256").read_text()
    target = CACHE / f"{name}-{hashlib.sha256(hashes.encode()).hexdigest()[:12]}"
    if target.is_dir():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / f"{name}.lock"):
        if not target.is_dir():
            _fetch(folder, hashes, target)
    return target


def class_path(name: str) -> str:
    """The jars of ``tests/java/<name>`` as Java wants them; a class archive depends on their order."""
    return os.pathsep.join(str(jar) for jar in sorted(libs(name).glob("*.jar")))


def _fetch(folder: Path, hashes: str, target: Path) -> None:
    if not shutil.which("mvn"):
        raise Missing(
            "Maven (mvn) is needed once, to fetch the broker of the tests (on Debian: apt install maven)."
        )
    print(f"fetching the jars of {folder.relative_to(ROOT)}", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        jars = Path(temporary) / "libs"
        command = ["mvn", "-q", "-B", "-C", *_goal(folder), f"-DoutputDirectory={jars}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missing(
                f"Maven could not fetch the jars of {folder.name}: {(done.stdout + done.stderr)[-2000:]}"
            )
        expected = {name: digest for digest, name in map(str.split, hashes.splitlines())}
        actual = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in jars.iterdir()}
        if expected != actual:
            wrong = sorted(name for name in expected | actual if expected.get(name) != actual.get(name))
            raise Missing(f"the jars of {folder.name} differ from libs.sha256: {', '.join(wrong)}")
        jars.rename(target)


def _goal(folder: Path) -> list[str]:
    """What to fetch: the class path of a ``pom.xml``, or the one ``artifact`` that holds all it needs."""
    artifact = folder / "artifact"
    if artifact.exists():
        return ["dependency:copy", f"-Dartifact={artifact.read_text().strip()}"]
    return ["-f", str(folder / "pom.xml"), "dependency:copy-dependencies", "-DincludeScope=runtime"]


def main() -> int:
    """Fetch every class path, so that the tests need no network."""
    try:
        java()
        for hashes in sorted(POMS.glob("*/libs.sha256")):
            libs(hashes.parent.name)
    except Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
