"""``sfbridge plugins``: the connector there is, and its properties."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bridge.cli.output import add_output_option, print_json, print_table
from bridge.config.declarations.identity import MANAGED, SELF_MANAGED

if TYPE_CHECKING:
    from bridge.config import Property

HELP = "List the connector, or describe its properties."
EXAMPLE = "sfbridge plugins describe SalesforcePlatformEventSource"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, as promised in the documentation."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = commands.add_parser(
        "list", help="the connector's names", epilog="example:\n  sfbridge plugins list"
    )
    add_output_option(listing)
    describe = commands.add_parser(
        "describe", help="every property of the connector", epilog=f"example:\n  {EXAMPLE}"
    )
    describe.add_argument("plugin", nargs="?", default=MANAGED, metavar="CLASS", help=f"default: {MANAGED}")
    describe.add_argument("--worker", action="store_true", help="the worker's properties instead")
    add_output_option(describe)
    for command in (listing, describe):
        command.formatter_class = argparse.RawDescriptionHelpFormatter


def run(args: argparse.Namespace) -> int:
    """0; raises ConfigurationError for an unknown class."""
    return _list(args.output) if args.action == "list" else _describe(args)


def _list(output: str) -> int:
    from bridge import __version__

    plugins = [{"class": name, "type": "source", "version": __version__} for name in (MANAGED, SELF_MANAGED)]
    if output == "json":
        print_json(plugins)
    else:
        print_table(("plugin name", "type", "version"), [tuple(plugin.values()) for plugin in plugins])
    return 0


def _needed(declared: Property) -> str:
    return "yes" if declared.required else "if" if declared.required_when else ""


def _describe(args: argparse.Namespace) -> int:
    from bridge.config.declarations import CONNECTOR, WORKER
    from bridge.config.infos import definitions
    from bridge.errors import ConfigurationError, Fault

    if args.plugin not in (MANAGED, SELF_MANAGED, SELF_MANAGED.rpartition(".")[2]):
        raise ConfigurationError([Fault("connector.class", f"{args.plugin} is unknown; there is {MANAGED}")])
    catalogue = WORKER if args.worker else CONNECTOR
    if args.output == "json":
        print_json(definitions(catalogue))
        return 0
    rows = [
        (p.key, p.type, _needed(p), "" if p.default is None else p.default, p.valid_text, p.support_text)
        for p in catalogue
    ]
    print_table(("property", "type", "required", "default", "valid values", "support"), rows)
    return 0
