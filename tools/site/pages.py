"""Pages of the site that stand at the top of the repository: README as the first journey, changes, contributing."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
TOP = {"start.md": "README.md", "changes.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds them, with links that lead to the site's own pages."""
    for page, source in TOP.items():
        files.append(File.generated(config, page, content=rewritten((ROOT / source).read_text())))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Pages of ``docs/`` link to those at the top as the repository has them."""
    for page, source in TOP.items():
        markdown = markdown.replace(f"](../{source}", f"]({page}")
    return markdown


def rewritten(text: str) -> str:
    """Links to ``docs/`` and to each other as they are within the site; to other files of the repository, as code."""
    text = text.replace("](docs/", "](")
    for page, source in TOP.items():
        text = text.replace(f"]({source}", f"]({page}")
    return re.sub(
        r"\[([^\]]*)\]\(((?:bridge|deploy|tests|tools|schemas|keys-example|SECURITY|LICENSE)[^)]*)\)",
        r"\1 (`\2`)",
        text,
    )
