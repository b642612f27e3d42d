"""What browsers keep of the console: addresses hold a hash, and files of others are as they were published."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from importlib.resources import files
from pathlib import Path

import pytest

from bridge.api.console import assets
from bridge.api.exchange import Ask
from bridge.worker.refusals import Refused

VENDOR = files("bridge.api.console") / "vendor"
LICENCES = {"htmx.org": "htmx.LICENSE", "uplot": "uplot.LICENSE"}


@pytest.mark.parametrize("name", assets.VENDORED)
def test_what_is_of_others_is_as_it_was_pinned_with_its_licence(name: str) -> None:
    told = assets.VENDORED[name]
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == told.sha256
    assert len((VENDOR / LICENCES[told.package]).read_text()) > 200


@pytest.mark.parametrize("package", sorted({(one.package, one.version) for one in assets.VENDORED.values()}))
def test_it_is_what_was_published(package: tuple[str, str], tmp_path: Path) -> None:
    npm = shutil.which("npm")
    done = npm and subprocess.run(
        [npm, "pack", "@".join(package)], cwd=tmp_path, capture_output=True, timeout=120
    )
    if not done or done.returncode:
        pytest.skip("nobody can be asked what was published")
    (archive,) = tmp_path.glob("*.tgz")
    with tarfile.open(archive) as packed:
        for told in (one for one in assets.VENDORED.values() if (one.package, one.version) == package):
            member = packed.extractfile(f"package/{told.path}")
            assert member is not None
            assert hashlib.sha256(member.read()).hexdigest() == told.sha256


def test_an_asset_is_kept_for_ever_and_changes_its_address_with_its_content() -> None:
    address = assets.address("console.css")
    digest = hashlib.sha256(assets.assets()["console.css"].content).hexdigest()[:12]
    assert address == f"/console/static/{digest}-console.css"
    answer = assets.served(Ask("GET", (address.rpartition("/")[2],)))
    assert answer.headers["Cache-Control"] == assets.FOREVER
    with pytest.raises(Refused):
        assets.served(Ask("GET", ("000000000000-console.css",)))


def test_a_first_visit_costs_less_than_100_kb() -> None:
    assert sum(len(asset.packed) for asset in assets.assets().values()) < 60_000
