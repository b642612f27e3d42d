"""Every fenced command of README and ``docs/``, run in order where others would: exit code and what it prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import CONSOLE, ROOT, SHELL, Fence, fences, pages
from tests.docs.stage import Stage, World, staged, world

#: Commands that cannot be run here, by how they begin, and why.
NOT_HERE = {
    "make test": "it is the suite that this test belongs to",
    "pip install ": "it needs a package registry that has the project",
    "kubectl ": "it needs a Kubernetes cluster",
    "helm ": "it needs a Kubernetes cluster",
}
#: Fences that hold commands of ours in another language than a shell's, by page and section: which test runs them.
ELSEWHERE = {("docs/schemas.md", "In a pipeline"): "tests/unit/cli/test_schemas_pipeline.py"}
BEFORE = ("export ", "sfbridge auth keystore ")
OURS = ("sfbridge ", "make ", "python -m bridge")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def with_commands() -> list[Path]:
    return [page for page in pages() if any(fence.commands for fence in fences(page))]


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as one:
        yield one


@pytest.mark.parametrize("page", with_commands(), ids=name_of)
def test_a_page_does_what_it_says(page: Path, everything: World, tmp_path: Path) -> None:
    wrong: list[str] = []
    with staged(everything, tmp_path) as stage:
        if page != pages()[0]:
            prepare(stage)
        section = ""
        for fence in fences(page):
            if fence.section != section:
                wrong += stage.end()
                section = fence.section
            if fence.file:
                stage.write(fence)
            for command in fence.commands:
                if any(command.text.startswith(begin) for begin in NOT_HERE):
                    continue
                why = stage.run(command)
                if why is not None:
                    wrong.append(f"line {command.line}, {command.text}: {why}")
        wrong += stage.end()
    assert not wrong, "\n\n".join([f"{name_of(page)} does not work as printed:", *wrong])


def prepare(stage: Stage) -> None:
    """What a reader has who comes from README: its files, its keys, its environment."""
    for fence in fences(pages()[0]):
        if fence.file:
            stage.write(fence)
        for command in fence.commands:
            if command.text.startswith(BEFORE):
                assert stage.run(command) is None


def test_every_fence_says_what_it_is() -> None:
    nameless = [f"{name_of(page)}:{fence.line}" for page, fence in every_fence() if not fence.language]
    assert not nameless, "name the language: sh or console for commands (tests/docs/__init__.py)"


def test_commands_stand_where_they_are_run() -> None:
    stray = [
        f"{name_of(page)}:{fence.line}"
        for page, fence in every_fence()
        if fence.language not in (SHELL, CONSOLE)
        and (name_of(page), fence.section) not in ELSEWHERE
        and any(line.strip().startswith(OURS) for line in fence.lines)
    ]
    assert not stray
    assert all((ROOT / test).is_file() for test in ELSEWHERE.values())


def test_what_cannot_be_run_here_is_little_and_is_there() -> None:
    texts = [command.text for _, fence in every_fence() for command in fence.commands]
    unused = [begin for begin in NOT_HERE if not any(text.startswith(begin) for text in texts)]
    assert not unused
    assert len(NOT_HERE) <= 5


def every_fence() -> list[tuple[Path, Fence]]:
    return [(page, fence) for page in pages() for fence in fences(page)]


def test_what_a_release_is_needed_for_is_said() -> None:
    """Before the first one, pip finds nothing by the name."""
    silent = []
    for page in pages():
        text = page.read_text("utf-8")
        by_name = re.search(r"pip install '?salesforce-kafka-bridge", text)
        if by_name and "#installing" not in text and "## Installing" not in text:
            silent.append(name_of(page))
    assert not silent
    unit = (ROOT / "deploy" / "systemd" / "sfbridge.service").read_text()
    assert "pip install ." in unit
