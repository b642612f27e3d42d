"""Wheel and source distribution: complete, the same bytes each time, and fit to be used outside of the repository."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from bridge.documents import json_of
from tests.ship.source import ROOT, copied

SHARE = "salesforce_kafka_bridge-0.1.0.data/data/share/salesforce-kafka-bridge/"
WHEEL = "from setuptools.build_meta import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
SDIST = "from setuptools.build_meta import build_sdist; import sys; print(build_sdist(sys.argv[1]))"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(tmp_path_factory.mktemp("ship"))


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(WHEEL, source, tmp_path_factory.mktemp("wheel"))


def build(how: str, source: Path, where: Path) -> Path:
    """Builds as pip does, with the setuptools of the set-up."""
    command = [sys.executable, "-c", how, str(where)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1767225600"}
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Warning" not in done.stderr, done.stderr[-2000:]
    return where / done.stdout.strip().splitlines()[-1]


def test_the_wheel_has_what_a_user_needs_without_the_repository(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    pages = {f"{SHARE}docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages | {f"{SHARE}docs/{name}" for name in ("openapi.yaml", "grafana.json")} <= names
    assert {f"{SHARE}prometheus/sfbridge.rules.yaml", f"{SHARE}systemd/sfbridge.service"} <= names
    assert {f"{SHARE}examples/orders.json", f"{SHARE}examples/worker.properties"} <= names
    assert "salesforce_kafka_bridge-0.1.0.dist-info/licenses/LICENSE" in names
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "bridge").rglob("*.py")}
    assert modules <= names
    others = {
        str(p.relative_to(ROOT))
        for p in (ROOT / "bridge").rglob("*")
        if p.is_file() and p.suffix not in (".py", ".pyc")
    }
    assert others <= names, "package data that pyproject.toml does not name"
    assert not [name for name in names if name.startswith(("tests", "tools", "schemas/", "keys-example"))]


def test_the_same_source_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    again = build(WHEEL, copied(tmp_path), tmp_path)
    assert hashlib.sha256(again.read_bytes()).hexdigest() == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_a_wheel_made_of_the_source_distribution_is_the_same(
    source: Path, wheel: Path, tmp_path: Path
) -> None:
    archive = build(SDIST, source, tmp_path)
    with tarfile.open(archive) as files:
        files.extractall(tmp_path / "out", filter="data")
    (unpacked,) = (tmp_path / "out").iterdir()
    assert (unpacked / "tests/ship/test_packages.py").is_file()
    assert (unpacked / "deploy/helm/sfbridge/Chart.yaml").is_file()
    again = build(WHEEL, unpacked, tmp_path)
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_the_installed_wheel_runs_outside_of_the_repository(wheel: Path, tmp_path: Path) -> None:
    """In an environment that has the requirements and not this repository."""
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as files:
        files.extractall(packages)
    (packages / "requirements.pth").write_text(
        "\n".join(p for p in sys.path if p.endswith("site-packages")) + "\n"
    )
    code = "import bridge, sys; from bridge.cli.main import main; print(bridge.__file__); sys.exit(main(sys.argv[1:]))"
    python = environment / "bin" / "python"
    done = subprocess.run(
        [str(python), "-c", code, "try", "--max-events", "2", "--port-base", "0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert str(packages) in done.stdout
    assert "2 events published, carried, read back and decoded" in done.stdout


def test_extras_are_all_in_all(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        metadata = files.read("salesforce_kafka_bridge-0.1.0.dist-info/METADATA").decode()
    extras = {
        line.partition(": ")[2] for line in metadata.splitlines() if line.startswith("Provides-Extra: ")
    }
    whole = next(
        line for line in metadata.splitlines() if line.startswith("Requires-Dist: salesforce-kafka-bridge[")
    )
    named = set(whole.partition("[")[2].partition("]")[0].split(","))
    assert named == extras - {"all"}


def test_the_examples_are_valid(tmp_path: Path) -> None:
    """But for what an example cannot have: a keystore."""
    command = [sys.executable, "-m", "bridge", "validate", "deploy/examples/orders.json", "-o", "json"]
    command += ["--worker", "deploy/examples/worker.properties"]
    names = ("KAFKA_KEY", "KAFKA_SECRET", "SF_CONSUMER_KEY", "SF_KEYSTORE_PASSWORD")
    secrets = {name: f"the {name} of nobody" for name in names}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | secrets)
    infos = json_of(done.stdout)
    assert isinstance(infos, dict)
    configs = infos["configs"]
    assert isinstance(configs, list)
    faulty = {c["value"]["name"] for c in configs if isinstance(c, dict) and c["value"]["errors"]}  # type: ignore[index,call-overload]  # ConfigInfos
    assert faulty == {"salesforce.jwt.keystore.path"}
