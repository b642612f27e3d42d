"""The rules of the house that a machine can check: who imports whom, how long a file may be, what must not be in it."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "bridge"

# From the ground up; a room (a folder or a file beside it) is one word. An import runs to a storey below its own.
STOREYS: tuple[tuple[str, ...], ...] = (
    (
        "addresses",
        "changes",
        "contents",
        "counts",
        "deadline",
        "documents",
        "errors",
        "event",
        "java",
        "limits",
        "quoting",
        "spans",
        "waits",
        "yaml_text",
    ),
    ("calls", "config", "log", "model", "progress", "retry", "shared", "source", "trust", "turns"),
    ("buffer", "foreign", "languages", "lines", "metadata", "metrics", "registry", "telemetry", "transforms"),
    ("encryption", "formats", "history", "kafka", "salesforce"),
    ("routing",),
    ("pipeline", "reading"),
    ("inspection", "sandbox"),
    ("worker",),
    ("api", "embed"),
    ("cli",),
)
# Not even downwards: a format writes what the model says, whoever made the model.
NEVER = {("formats", "metadata")}
# What is about the sandbox: two commands, and what applications practise with.
SANDBOX_USERS = ("bridge.cli.try_", "bridge.cli.sandbox", "bridge.embed.practice")
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
def parsed(module: str) -> ast.Module:
    """The module's syntax tree."""
    return ast.parse(modules()[module].read_text())


@cache
def imports(module: str, *, everywhere: bool, parents: bool = True) -> frozenset[str]:
    """The modules of ours that a module imports: at its top level, or anywhere in it."""
    tree = parsed(module)
    found: set[str] = set()
    for node in ast.walk(tree) if everywhere else _top_level(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    known = {name for name in found if name in modules()}
    if not parents:
        return frozenset(known)
    # Importing a.b.c runs a and a.b, too.
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


def _is_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def room_of(module: str) -> str | None:
    """The room that a module is in; None for the package, which holds the version, and for the way in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] != "__main__" else None


def _storey_of() -> dict[str, int]:
    return {room: number for number, rooms in enumerate(STOREYS, 1) for room in rooms}


def test_every_room_has_one_storey() -> None:
    rooms = {room for module in modules() if (room := room_of(module))}
    written = [room for rooms_of_storey in STOREYS for room in rooms_of_storey]
    assert sorted(written) == sorted(rooms), "write each room once into STOREYS, above what it imports"


@pytest.mark.parametrize("room", [room for rooms in reversed(STOREYS) for room in rooms])
def test_imports_run_downwards_only(room: str) -> None:
    storey = _storey_of()
    upwards = [
        f"{module} imports {name}"
        for module in modules()
        if room_of(module) == room
        for name in sorted(imports(module, everywhere=True))
        if (other := room_of(name)) is not None and other != room
        if storey[other] >= storey[room] or (room, other) in NEVER
    ]
    assert not upwards, "hand it in from above, or move what both need below both"


def test_no_modules_import_each_other() -> None:
    """Inside a room, too: whoever reads one file must not have to read the other first."""
    graph = {module: _asked_for(module) for module in modules()}
    assert not list(_cycles(graph))


def _asked_for(module: str) -> set[str]:
    """The modules that the statements name: ``from a import b`` is ``a.b`` where that is one, else ``a``."""
    names = imports(module, everywhere=True, parents=False)
    return {
        name for name in names if name != module and not any(other.startswith(f"{name}.") for other in names)
    }


def _cycles(graph: dict[str, set[str]]) -> Iterator[list[str]]:
    """Each chain of modules that comes back to its beginning, once."""
    done: set[str] = set()

    def walk(module: str, way: list[str]) -> Iterator[list[str]]:
        if module in way:
            yield [*way[way.index(module) :], module]
        elif module not in done:
            for name in sorted(graph[module]):
                yield from walk(name, [*way, module])
            done.add(module)

    for module in sorted(graph):
        yield from walk(module, [])


def test_an_import_inside_a_function_says_why() -> None:
    """Outside of the commands, which load what they need only: a comment above it, ``# here: …``."""
    silent = []
    for module, path in modules().items():
        if _is_in(module, "bridge.cli"):
            continue
        lines = path.read_text().splitlines()
        tree = parsed(module)
        fine = {id(node) for node in _top_level(tree)} | _for_types(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom) or id(node) in fine:
                continue
            if (node.module or "").startswith("bridge") and not _explained(lines, node.lineno):
                silent.append(f"{module}:{node.lineno}")
    assert not silent, "move it to the top, or say why it is late"


def _explained(lines: list[str], number: int) -> bool:
    """Whether the comment stands above the import, or above those directly before it."""
    above = number - 2
    while lines[above].lstrip().startswith(("from ", "import ")):
        above -= 1
    return lines[above].lstrip().startswith("# here: ")


def _for_types(tree: ast.AST) -> set[int]:
    """What only type checkers import."""
    return {
        id(node)
        for each in ast.walk(tree)
        if isinstance(each, ast.If) and "TYPE_CHECKING" in ast.unparse(each.test)
        for node in ast.walk(each)
    }


def picture() -> str:
    """The storeys as the page on architecture shows them, the top first."""
    lines = [f"{number:3}  {'  '.join(rooms)}" for number, rooms in enumerate(STOREYS, 1)]
    return "\n".join(reversed(lines))


def test_the_page_on_architecture_shows_the_storeys() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    assert picture() in page, f"docs/architecture.md has to show:\n{picture()}"
    table = page.partition("| room | what is in it |")[2].partition("\n\n")[0]
    shown = {
        name.strip("`/").removesuffix(".py")
        for row in table.splitlines()
        for name in re.findall(r"`[^`]+`", row[: row.find("|", 1)])
    }
    rooms = {room for module in modules() if (room := room_of(module))}
    assert shown - {"tests"} == rooms, "the table of rooms has a row for each"


def test_files_that_texts_name_are_there() -> None:
    """In documents and docstrings: ``room/file.py`` from ``bridge/``, or from the project's folder."""
    gone = []
    for path in [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT).glob("*.md"), *modules().values()]:
        for name in re.findall(r"`([a-z][a-z0-9_/]*\.py)`", path.read_text()):
            near = (PACKAGE, ROOT, path.parent)
            if not any((base / name).is_file() for base in near):
                gone.append(f"{path.relative_to(ROOT)}: {name}")
    assert not gone


def test_only_what_is_about_it_imports_the_sandbox() -> None:
    users = {
        module
        for module in modules()
        if not _is_in(module, "bridge.sandbox")
        and any(_is_in(name, "bridge.sandbox") for name in imports(module, everywhere=True))
    }
    assert users <= set(SANDBOX_USERS)


# Named once in bridge/, for a reason.
ONLY_DEFINED = {
    "cert_verify": "requests calls it",
    "on_request": "azure-core calls it",
    "ignore_aliases": "PyYAML calls it",
    "_fill_text": "argparse calls it",
    "_check_value": "argparse calls it",
    "event_of_text": "the Avro text of Pub/Sub, read like the other sources of metadata",
    "forget_secrets": "secrets are masked for the whole process; tests begin without",
    "object_of": "the guard of texts, for documents of unknown fields",
}


def test_what_only_tests_use_is_not_in_the_package() -> None:
    """The sandbox is exempt: it is for tests, other people's among them."""
    texts = {module: path.read_text() for module, path in modules().items()}
    uses = Counter(word for text in texts.values() for word in re.findall(r"\w+", text))
    alone = {
        node.name: module
        for module, text in texts.items()
        if not _is_in(module, "bridge.sandbox")
        for node in ast.walk(parsed(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if uses[node.name] == 1 and not node.name.startswith("__")
    }
    unused = {name: module for name, module in alone.items() if name not in ONLY_DEFINED}
    assert not unused, "move it to tests/support, or remove it"
    assert set(ONLY_DEFINED) <= set(alone), "is used by now"


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
