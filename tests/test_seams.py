"""What one room gives another has a type: no ``Any`` in a signature that is imported across rooms."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

from tests.test_house import modules, parsed

# The library's own signature, or typed values of a configuration, each as its property declares.
EXEMPT = frozenset({
    "bridge.config.examine.Examined.values",
    "bridge.log.ConnectorLog.process",
    "bridge.salesforce.session.TrustingAdapter.cert_verify",
    "bridge.salesforce.session.TrustingAdapter.init_poolmanager",
    "bridge.salesforce.session.TrustingAdapter.proxy_manager_for",
})  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_no_signature_between_rooms_says_any() -> None:
    users = _users()
    open_ended = {
        name
        for module in modules()
        for owner, name, hint in _hints(module)
        if users[module, owner] and _is_open(hint)
    }
    assert open_ended == EXEMPT


def _users() -> dict[tuple[str, str], set[str]]:
    """Module and name → the other rooms that import it."""
    users: dict[tuple[str, str], set[str]] = defaultdict(set)
    for module in modules():
        for node in ast.walk(parsed(module)):
            if isinstance(node, ast.ImportFrom) and node.module and _room(node.module) != _room(module):
                for alias in node.names:
                    users[node.module, alias.name].add(_room(module))
    return users


def _hints(module: str) -> Iterator[tuple[str, str, ast.expr]]:
    """Every annotation of what is public: the top-level name that it belongs to, its full name, the annotation."""
    for node in parsed(module).body:
        if isinstance(node, Function):
            yield from ((node.name, f"{module}.{node.name}", hint) for hint in _signature(node))
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, Function) and (
                    member.name == "__init__" or not member.name.startswith("_")
                ):
                    name = f"{module}.{node.name}.{member.name}"
                    yield from ((node.name, name, hint) for hint in _signature(member))
                if isinstance(member, ast.AnnAssign) and not ast.unparse(member.target).startswith("_"):
                    yield node.name, f"{module}.{node.name}.{ast.unparse(member.target)}", member.annotation


def _signature(function: Function) -> Iterator[ast.expr]:
    arguments = function.args
    every = (
        *arguments.posonlyargs,
        *arguments.args,
        *arguments.kwonlyargs,
        arguments.vararg,
        arguments.kwarg,
    )
    yield from (each.annotation for each in every if each is not None and each.annotation is not None)
    if function.returns is not None:
        yield function.returns


def _is_open(hint: ast.expr) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(hint))


def _room(module: str) -> str:
    return [*module.split("."), ""][1]
