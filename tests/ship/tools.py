"""The tools that ``make ship`` checks with: built or fetched once into ``.cache/ship``, or named in one sentence.

helm and promtool come out of ``deploy/tools``, a Go module with exact versions and hashes.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.ship.source import ROOT

MODULE = ROOT / "deploy" / "tools"
CACHE = ROOT / ".cache" / "ship"
PACKAGES = {
    "helm": "helm.sh/helm/v3/cmd/helm",
    "promtool": "github.com/prometheus/prometheus/cmd/promtool",
}
COMPOSE = "github.com/compose-spec/compose-go/v2@v2.16.2"
KUBERNETES = "1.31.0"
"""The version whose APIs charts are rendered for."""


def run(*command: str | Path, cwd: Path = ROOT, timeout: float = 900, **environment: str) -> str:
    """A command's output; its last words where it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | environment,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{(done.stdout + done.stderr)[-4000:]}"
    return done.stdout


def needed(program: str, package: str) -> str:
    """The program's path. Fails, and never skips, where it is missing."""
    path = shutil.which(program)
    if path is None:
        pytest.fail(f"make ship needs {program}: on Debian it is in the package {package}")
    return path


def built(name: str) -> Path:
    """helm or promtool."""
    go = needed("go", "golang-go, 1.26 or later")
    digest = hashlib.sha256((MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes()).hexdigest()[
        :12
    ]
    target = CACHE / digest / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if not target.exists():
            print(f"building {name}, once", file=sys.stderr)
            run(go, "build", "-trimpath", "-o", target, PACKAGES[name], cwd=MODULE, GOFLAGS="-mod=readonly")
    return target


def helm(*words: str | Path) -> str:
    """Runs helm."""
    return run(built("helm"), *words)


def compose_schema() -> dict[str, object]:
    """The compose specification's own JSON Schema, from the module that docker compose reads files with."""
    told = json.loads(run(needed("go", "golang-go"), "mod", "download", "-json", COMPOSE, cwd=Path("/")))
    document: dict[str, object] = json.loads(Path(told["Dir"], "schema", "compose-spec.json").read_text())
    return document


def environment(name: str) -> Path:
    """The programs of ``tools/requirements/<name>.txt``, in an environment of their own that ``make`` keeps."""
    run("make", "--no-print-directory", f".cache/{name}/.stamp")
    return ROOT / ".cache" / name / "bin"
