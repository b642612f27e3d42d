"""``make release``: what it builds out of a commit, and what it refuses."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.ship.source import copied
from tests.ship.tools import built, environment, run

pytestmark = pytest.mark.ship
GIT = ("git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "-c", "commit.gpgsign=false")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The source in a repository of its own, with one commit."""
    root = copied(tmp_path)
    run("git", "init", "-q", cwd=root)
    run("git", "add", "-A", cwd=root)
    run(*GIT, "commit", "-qm", "everything", cwd=root)
    return root


def release(root: Path) -> subprocess.CompletedProcess[str]:
    path = f"{built('helm').parent}:{os.environ['PATH']}"
    return subprocess.run(
        [str(root / "tools/release.sh"), str(environment("release") / "python")],
        cwd=root,
        capture_output=True,
        text=True,
        env=os.environ | {"PATH": path},
    )


def test_everything_of_a_release_is_built_and_summed(repository: Path) -> None:
    text = (repository / "CHANGELOG.md").read_text().replace("## Unreleased", "## 0.1.0 (2026-01-31)", 1)
    (repository / "CHANGELOG.md").write_text(text)
    run(*GIT, "commit", "-qam", "0.1.0", cwd=repository)
    run(*GIT, "tag", "v0.1.0", cwd=repository)
    done = release(repository)
    assert done.returncode == 0, done.stderr
    there = {path.name for path in (repository / "dist").iterdir()}
    assert there == {
        "SHA256SUMS",
        "requirements-0.1.0.txt",
        "salesforce-kafka-bridge-0.1.0.cdx.json",
        "salesforce_kafka_bridge-0.1.0-py3-none-any.whl",
        "salesforce_kafka_bridge-0.1.0.tar.gz",
        "sfbridge-0.1.0.tgz",
    }
    for line in (repository / "dist/SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((repository / "dist" / name).read_bytes()).hexdigest() == digest


def test_a_tree_with_changes_is_refused(repository: Path) -> None:
    (repository / "README.md").write_text("changed")
    assert "changes that are not committed" in release(repository).stderr


def test_a_changelog_without_the_version_is_refused(repository: Path) -> None:
    assert "CHANGELOG.md has no heading '## 0.1.0" in release(repository).stderr


def test_versions_that_differ_are_refused(repository: Path) -> None:
    path = repository / "deploy/container/Containerfile"
    path.write_text(path.read_text().replace("ARG VERSION=0.1.0", "ARG VERSION=0.0.9"))
    assert "VERSION in deploy/container/Containerfile is not 0.1.0" in release(repository).stderr
