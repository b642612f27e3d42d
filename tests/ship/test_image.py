"""The image: built by buildah over a root of the distribution's packages, and used as a user would.

A machine without containers has chroot isolation: without namespaces, what concerns them is read from the image's
configuration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.ship.source import ROOT, copied
from tests.ship.tools import CACHE, needed, run

pytestmark = pytest.mark.ship
BASE = "localhost/sfbridge-base"
IMAGE = "localhost/sfbridge-ship"
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
OPTIONS = ("--storage-driver", "vfs")


def buildah(*words: str | Path) -> str:
    return run(needed("buildah", "buildah"), *OPTIONS, *words)


@pytest.fixture(scope="module")
def base() -> str:
    """A root made from the distribution's packages, as no image can be pulled everywhere."""
    archive = CACHE / "base.tar"
    archive.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(archive.with_suffix(".lock")):
        if not archive.exists():
            made = archive.with_suffix(".new")
            options = ("--variant=minbase", "--format=tar", f"--include={PACKAGES}")
            run(needed("mmdebstrap", "mmdebstrap"), *options, "bookworm", made)
            made.rename(archive)
    container = buildah("from", "scratch").strip()
    buildah("add", "-q", container, archive, "/")
    buildah("commit", "-q", container, BASE)
    buildah("rm", container)
    return BASE


@pytest.fixture(scope="module")
def image(base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    source = copied(tmp_path_factory.mktemp("image"))
    trust = ["--volume", "/etc/ssl/certs:/etc/ssl/certs:ro"]  # what this machine trusts, the build does, too
    buildah("build", "-q", "--isolation", "chroot", "--network", "host", *trust, "--build-arg", f"BASE={base}",
            "--format", "docker", "--ignorefile", source / ".containerignore",
            "-f", source / "deploy" / "container" / "Containerfile", "-t", IMAGE, source)  # fmt: skip
    return IMAGE


@pytest.fixture
def container(image: str) -> Iterator[str]:
    name = buildah("from", image).strip()
    yield name
    buildah("rm", name)


def inside(container: str, *words: str) -> str:
    return buildah("run", "--isolation", "chroot", "--network", "host", container, "--", *words)


def test_events_flow_inside(container: str) -> None:
    told = inside(container, "sfbridge", "try", "--max-events", "20", "--port-base", "0")
    assert "20 events published, carried, read back and decoded" in told


def test_nobody_runs_it_and_nothing_can_be_changed(container: str) -> None:
    assert inside(container, "id", "-u").strip() == "65532"
    writable = inside(
        container, "sh", "-c", "find /opt /etc /usr -writable ! -type l ! -type c 2>/dev/null | head"
    )
    assert writable == ""
    listed = inside(container, "sh", "-c", "ls -d /opt/sfbridge/bin/* /opt/sfbridge/lib/*/site-packages/*")
    assert not re.search(r"/pip\b", listed)


def test_what_a_runtime_must_know_is_in_its_configuration(image: str) -> None:
    config = json.loads(buildah("inspect", "--type", "image", image))["Docker"]["config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["sfbridge"]  # process 1 itself: signals reach it
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"] == ["CMD", "sfbridge", "health"]
    assert "8083/tcp" in config["ExposedPorts"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


SIGNALLED = """
sfbridge sandbox --only org,registry --port-base 0 --dir /tmp/s &
while [ ! -s /tmp/s/ca.pem ]; do sleep 0.1; done
sleep 1
kill -TERM $!
wait $!
"""
BRIEFLY = """
export CONNECT_BOOTSTRAP_SERVERS=broker.invalid:9092 CONNECT_SECURITY_PROTOCOL=PLAINTEXT CONNECT_GROUP_ID=g
timeout -s KILL 20 sfbridge worker 2>&1 | grep -m1 broker.invalid
"""


def test_a_signal_ends_it_in_order(container: str) -> None:
    inside(container, "sh", "-c", SIGNALLED)


def test_settings_come_from_the_environment(container: str) -> None:
    assert "broker.invalid:9092" in inside(container, "sh", "-c", BRIEFLY)


def test_the_build_uses_what_the_lock_file_says(container: str) -> None:
    pinned = set(re.findall(r"^([\w.-]+==[\w.+!]+)", (ROOT / "requirements-all.txt").read_text(), re.M))
    code = "import importlib.metadata as m; print('\\n'.join(f'{d.name}=={d.version}' for d in m.distributions()))"
    there = inside(container, "/opt/sfbridge/bin/python", "-c", code).split()
    normal = {one.lower().replace("_", "-") for one in there}
    assert normal - pinned == {"salesforce-kafka-bridge==0.1.0"}
