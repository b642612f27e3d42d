"""The rules of the house that a machine can check: who imports whom, how long a file may be, what must not be in it."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "bridge"

# What stands between Salesforce and Kafka. It must run without the rooms around it.
DATA_PATH = (
    "pipeline",
    "routing",
    "reading",
    "buffer",
    "progress",
    "event",
    "errors",
    "retry",
    "documents",
    "calls",
    "metrics",
    "log",
    "quoting",
    "java",
    "model",
    "trust",
    "languages",
    "registry",
    "metadata",
    "salesforce",
    "formats",
    "encryption",
    "transforms",
    "kafka",
)
AROUND = ("bridge.cli", "bridge.api", "bridge.worker", "bridge.sandbox")
# The two commands that are about the sandbox.
SANDBOX_USERS = ("bridge.cli.try_", "bridge.cli.sandbox")
LONGEST = 400


@cache
def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(module: str, *, everywhere: bool) -> frozenset[str]:
    """The modules of ours that a module imports: at its top level, or anywhere in it."""
    tree = ast.parse(modules()[module].read_text())
    found: set[str] = set()
    for node in ast.walk(tree) if everywhere else _top_level(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    # Importing a.b.c runs a and a.b, too.
    known = {name for name in found if name in modules()}
    return frozenset(
        known | {".".join(name.split(".")[:n]) for name in known for n in range(1, name.count(".") + 1)}
    )


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    inside = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]
    base = inside.split(".")[: len(inside.split(".")) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported: not in functions, not for type checkers only."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _top_level(node)


def reached(module: str) -> dict[str, str]:
    """Every module that importing this one loads, each with the one that asked for it first."""
    by: dict[str, str] = {module: ""}
    waiting = [module]
    while waiting:
        current = waiting.pop()
        for name in sorted(imports(current, everywhere=False)):
            if name not in by:
                by[name] = current
                waiting.append(name)
    return by


def _is_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def _data_path() -> list[str]:
    return [name for name in modules() if any(_is_in(name, f"bridge.{room}") for room in DATA_PATH)]


def test_the_rooms_of_the_data_path_are_there() -> None:
    """A renamed room must not slip out of the rules below."""
    for room in ("pipeline", "routing", "salesforce", "metadata", "registry", "formats", "kafka"):
        assert f"bridge.{room}" in modules()


@pytest.mark.parametrize("module", _data_path())
def test_the_data_path_imports_nothing_around_it(module: str) -> None:
    direct = imports(module, everywhere=True)
    assert not [name for name in direct if any(_is_in(name, room) for room in AROUND)]
    for name, by in reached(module).items():
        assert not any(_is_in(name, room) for room in AROUND), f"{name}, by way of {by}"


def test_only_two_commands_import_the_sandbox() -> None:
    users = {
        module
        for module in modules()
        if not _is_in(module, "bridge.sandbox")
        and any(_is_in(name, "bridge.sandbox") for name in imports(module, everywhere=True))
    }
    assert users <= set(SANDBOX_USERS)


def test_no_file_is_too_long() -> None:
    lines = {name: len(path.read_text().splitlines()) for name, path in modules().items()}
    assert not {name: count for name, count in lines.items() if count > LONGEST}, "split them"


@cache
def _tracked() -> list[Path]:
    """The project's text files: what git knows, else everything outside of hidden folders."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else []
    files = [ROOT / name for name in names if name] or [
        path
        for path in ROOT.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    ]
    return [path for path in files if path.is_file() and path.suffix not in (".p12", ".jks", ".png", ".bin")]


# Put together here, so that this file does not contain what it looks for.
FORBIDDEN = {
    "a path of one machine": re.compile("/" + r"(?:work|root|home/\w+)/\w"),
    "the address of a package registry": re.compile(
        r"--(?:extra-)?index-" + r"url[ =]\S|https?://[\w.-]*(?:pypi|pythonhosted|maven\.org|npmjs|crates)\b"
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_tree_names_no_machine_and_no_registry(what: str) -> None:
    found = []
    for path in _tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if match := FORBIDDEN[what].search(text):
            found.append(f"{path.relative_to(ROOT)}: {match[0]}")
    assert not found


def test_requirements_are_pinned_and_hashed() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        entries = re.split(r"\n(?=\w)", (ROOT / name).read_text().split("\n", 2)[2])
        assert len(entries) > 20
        for entry in entries:
            assert re.match(r"[\w.-]+==[\w.+-]+ ", entry), entry[:80]
            assert "--hash=sha256:" in entry, entry[:80]


def _documents() -> str:
    return "\n".join(
        path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    )


def test_every_command_is_documented() -> None:
    from bridge.cli.main import COMMANDS

    text = _documents()
    shown = {name for name in COMMANDS if f"sfbridge {name}" in text or f"make {name}" in text}
    assert not set(COMMANDS) - shown, "no document shows how to use them"


def test_every_property_is_documented() -> None:
    from bridge.config.declarations import CONNECTOR, WORKER

    text = (ROOT / "docs" / "configuration.md").read_text()
    missing = [
        each.key for catalogue in (CONNECTOR, WORKER) for each in catalogue if f"`{each.key}" not in text
    ]
    assert not missing, "docs/configuration.md is generated: make it anew"
