"""``sfbridge schemas``: generate, compare, check, register and show schemas. One module for each action."""

from __future__ import annotations

import argparse
import importlib
from typing import Final

from bridge.cli.parser import add_action

HELP = "Generate schemas and contracts from metadata, compare and check them, register them, show what is tagged."
EXAMPLE = (
    "sfbridge schemas generate --sfdx . --event Order_Placed__e --format all --out schemas\n"
    "  sfbridge schemas diff old/Order_Placed__e.avsc schemas/Order_Placed__e.avsc\n"
    "  sfbridge schemas register schemas/Order_Placed__e.avsc --subject orders-value --worker worker.properties"
)

ACTIONS: Final[dict[str, str]] = {
    "generate": "bridge.cli.schemas_generate",
    "diff": "bridge.cli.schemas_diff",
    "check": "bridge.cli.schemas_check",
    "register": "bridge.cli.schemas_register",
    "show": "bridge.cli.schemas_show",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A parser of its own for each action."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, path in ACTIONS.items():
        module = importlib.import_module(path)
        examples = (line.strip().removeprefix("sfbridge ") for line in module.EXAMPLE.splitlines())
        module.add_arguments(add_action(commands, name, module.HELP, *examples))


def run(args: argparse.Namespace) -> int:
    """The action's own exit code."""
    code: int = importlib.import_module(ACTIONS[args.action]).run(args)
    return code
