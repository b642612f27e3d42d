"""``sfbridge plugins``: the connectors there are, and their properties."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING
from urllib.parse import quote

from bridge.cli.output import add_output_option, print_json, print_table
from bridge.cli.parser import add_action
from bridge.cli.worker_client import WorkerClient, add_url_option
from bridge.config.classes import CLASSES, MANAGED, class_meant

if TYPE_CHECKING:
    from bridge.config import Property

HELP = "List the connectors, or describe the properties of one."
EXAMPLE = "sfbridge plugins describe SalesforcePlatformEventSource"
_COLUMNS = ("property", "type", "required", "default", "valid values", "support")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, as promised in the documentation."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = add_action(commands, "list", "the connectors' names", "plugins list")
    describe = add_action(
        commands, "describe", "every property of a connector", EXAMPLE.removeprefix("sfbridge ")
    )
    describe.add_argument("plugin", nargs="?", default=MANAGED, metavar="CLASS", help=f"default: {MANAGED}")
    describe.add_argument("--worker", action="store_true", help="the worker's properties instead")
    for command in (listing, describe):
        add_output_option(command)
        add_url_option(command, default=None)


def run(args: argparse.Namespace) -> int:
    """0; raises ConfigurationError for an unknown class, Fatal for what a worker refuses."""
    if args.action == "list":
        return _list(_of_worker(args.url) if args.url else _here(), args.output)
    return _describe_remote(args) if args.url else _describe(args)


def _here() -> list[dict[str, str]]:
    from bridge import __version__

    return [{"class": name, "type": "source", "version": __version__} for name in CLASSES]


def _of_worker(url: str) -> list[dict[str, str]]:
    return list(WorkerClient(url).ask("GET", "/connector-plugins"))


def _list(plugins: list[dict[str, str]], output: str) -> int:
    if output == "json":
        print_json(plugins)
    else:
        rows = [(plugin["class"], plugin["type"], plugin["version"]) for plugin in plugins]
        print_table(("plugin name", "type", "version"), rows)
    return 0


def _describe_remote(args: argparse.Namespace) -> int:
    """What a worker tells of a class. It tells no valid values but with a validation, and not what is unsupported."""
    from bridge.errors import ConfigurationError, Fault

    if args.worker:
        raise ConfigurationError(
            [Fault("--worker", "does not go with --url: a worker tells nothing of its own properties")]
        )
    client, path = WorkerClient(args.url), f"/connector-plugins/{quote(args.plugin, safe='')}/config"
    defined = client.ask("GET", path)
    if args.output == "json":
        print_json(defined)
        return 0
    infos = client.ask("PUT", f"{path}/validate", {"connector.class": args.plugin})
    valid = {one["value"]["name"]: one["value"]["recommended_values"] for one in infos["configs"]}
    rows = [
        (
            one["name"],
            one["type"].lower(),
            "yes" if one["required"] else "",
            one["default_value"] or "",
            ", ".join(map(str, valid.get(one["name"], ()))),
            "",
        )
        for one in defined
    ]
    print_table(_COLUMNS, rows)
    return 0


def _needed(declared: Property) -> str:
    return "yes" if declared.required else "if" if declared.required_when else ""


def _describe(args: argparse.Namespace) -> int:
    from bridge.config.declarations import WORKER, catalogue_of
    from bridge.config.infos import definitions
    from bridge.errors import ConfigurationError, Fault

    plugin = class_meant(args.plugin)
    if plugin not in CLASSES:
        known = ", ".join(CLASSES)
        raise ConfigurationError([Fault("connector.class", f"{args.plugin} is unknown; there are {known}")])
    catalogue = WORKER if args.worker else catalogue_of({"connector.class": plugin})
    if args.output == "json":
        said = {p.key: {"valid_values": p.valid_text, "required_when": p.required_text, "support": p.support_text}
                for p in catalogue}  # fmt: skip
        print_json([each | said[str(each["name"])] for each in definitions(catalogue)])
        return 0
    rows = [
        (p.key, p.type, _needed(p), "" if p.default is None else p.default, p.valid_text, p.support_text)
        for p in catalogue
    ]
    print_table(_COLUMNS, rows)
    return 0
