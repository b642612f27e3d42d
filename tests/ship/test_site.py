"""The site: every page is on it and no link of it leads nowhere, which mkdocs judges by its strict form."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.ship.source import ROOT
from tests.ship.tools import environment, run

pytestmark = pytest.mark.ship


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    run(environment("site") / "mkdocs", "build", "-f", ROOT / "tools/site/mkdocs.yml", "-d", target)
    return target


def test_every_page_is_on_it(site: Path) -> None:
    pages = {page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")}
    built = {page.relative_to(site) for page in site.rglob("*.html")}
    missing = {page for page in pages if page.name != "README.html"} - built
    assert not missing
    assert {Path("start.html"), Path("changes.html"), Path("contributing.html")} <= built


def test_it_can_be_searched(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text())
    found = [entry["location"] for entry in index["docs"] if "replay id" in entry["text"]]
    assert any(location.startswith("operations.html") for location in found)


def test_it_fetches_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert 'src="http' not in text, page
        assert 'rel="stylesheet" href="http' not in text, page


def test_a_link_that_leads_nowhere_stops_it(site: Path, tmp_path: Path) -> None:
    """The judge can say no."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# A page\n\n[gone](nowhere.md)\n")
    made = yaml.safe_dump({"site_name": "x", "strict": True, "plugins": []})
    (tmp_path / "mkdocs.yml").write_text(made)
    command = [environment("site") / "mkdocs", "build", "-f", tmp_path / "mkdocs.yml"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=os.environ)
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr
