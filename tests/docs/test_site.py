"""Every page has its place on the site (``make docs``; its links are judged by ``make ship``)."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

TOP = {"start.md", "changes.md", "contributing.md"}
"""Pages that stand at the top of the repository: tools/site/pages.py."""


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"([\w/-]+\.md)$", (ROOT / "tools/site/mkdocs.yml").read_text(), re.M)
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(listed) == sorted(pages | TOP)
