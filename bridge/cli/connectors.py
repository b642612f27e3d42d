"""``sfbridge connectors``: the command-line journey of the managed connector, against a running worker."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bridge.cli import connectors_apply
from bridge.cli.confirm import add_yes_option, confirm
from bridge.cli.output import add_output_option, print_json, print_table
from bridge.cli.parser import add_action
from bridge.cli.worker_client import CLOUD, WorkerClient, add_url_option, is_file, path_of

HELP = "List, create, watch, pause, stop and delete the connectors of a running worker, or make them what files say."
EXAMPLE = """sfbridge connectors create --config-file salesforce-platform-event-source.json
  sfbridge connectors apply -f connectors/ --dry-run"""

_NAMED = {
    "describe": "its configuration and state",
    "status": "the state of connector and task, with the reason of a failure",
    "pause": "stop fetching; keep the position",
    "resume": "go on",
    "stop": "stop, as offsets may be changed then",
    "restart": "stop and start",
    "delete": "remove; the position is kept",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, as promised in the documentation."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, words: str, example: str) -> argparse.ArgumentParser:
        one = add_action(commands, name, words, f"connectors {example}")
        add_url_option(one)
        add_output_option(one)
        return one

    add("list", "id, name, state and type of each", "list")
    for name, words in _NAMED.items():
        one = add(name, words, f"{name} SalesforcePlatformEventSource_0")
        one.add_argument("name", metavar="NAME", help="name or id (lcc-…)")
        if name == "delete":
            add_yes_option(one)
    for name, words, example in (
        ("create", "make one from a file", "create --config-file connector.json"),
        ("update", "replace one's configuration", "update orders --config-file connector.json"),
    ):
        one = add(name, words, example)
        one.add_argument(
            "given",
            nargs="?",
            metavar="NAME|FILE",
            help="its name or id (lcc-…), which the file has to have, too; or, without --config-file, the file",
        )
        one.add_argument("--config-file", type=Path, metavar="FILE", help="connector file")

    connectors_apply.add_arguments(
        add("apply", "make them what files say; equal ones are left alone", "apply -f connectors/")
    )


def run(args: argparse.Namespace) -> int:
    """0 when done; raises BridgeError when refused."""
    client = WorkerClient(args.url)
    if args.action == "apply":
        return connectors_apply.run(client, args)
    if args.action == "list":
        return _list(client, args.output)
    if args.action in ("create", "update"):
        return _write(client, args)
    name = _name(client, args.name)
    if args.action == "describe":
        return _describe(client, name, args.output)
    if args.action == "status":
        return _status(client, name, args.output)
    if args.action == "delete":
        client.ask("GET", path_of(name))
        confirm(args, f"the configuration of {name} is deleted, and its position is kept")
    _do(client, args.action, name)
    if args.output == "json":
        print_json({"name": name, "action": args.action})
    else:
        done = {"stop": "stopped", "restart": "restarted"}.get(args.action, f"{args.action.rstrip('e')}ed")
        print(f"{name} is being {done}")
    return 0


def _all(client: WorkerClient) -> dict[str, Any]:
    return dict(client.ask("GET", f"{CLOUD}?expand=id,info,status"))


def _name(client: WorkerClient, given: str) -> str:
    """The name of a connector that was given by its id."""
    if not given.startswith("lcc-"):
        return given
    return next((n for n, one in _all(client).items() if one["id"]["id"] == given), given)


def _list(client: WorkerClient, output: str) -> int:
    connectors = _all(client)
    rows = [
        {
            "id": one["id"]["id"],
            "name": name,
            "status": one["status"]["connector"]["state"],
            "type": one["info"]["type"],
            "trace": one["status"]["connector"].get("trace", ""),
        }
        for name, one in sorted(connectors.items())
    ]
    if output == "json":
        print_json(rows)
    else:
        print_table(("id", "name", "status", "type", "trace"), [tuple(row.values()) for row in rows])
    return 0


def _describe(client: WorkerClient, name: str, output: str) -> int:
    info, status = client.ask("GET", path_of(name)), client.ask("GET", path_of(name, "status"))
    if output == "json":
        print_json(info | {"status": status})
        return 0
    print_table(("connector", "state", "worker"), [(name, *_state(status["connector"]))])
    print()
    print_table(("property", "value"), sorted(info["config"].items()))
    return 0


def _state(part: dict[str, Any]) -> tuple[str, str]:
    return part["state"], part["worker_id"]


def _status(client: WorkerClient, name: str, output: str) -> int:
    status = client.ask("GET", path_of(name, "status"))
    if output == "json":
        print_json(status)
        return 0
    parts = [("connector", status["connector"]), *((f"task {t['id']}", t) for t in status["tasks"])]
    rows = [(what, *_state(part), part.get("trace", "")) for what, part in parts]
    print_table(("what", "state", "worker", "trace"), rows)
    return 0


def _write(client: WorkerClient, args: argparse.Namespace) -> int:
    from bridge.config import files
    from bridge.errors import ConfigurationError, Fault

    path = args.config_file or (Path(args.given) if args.given else None)
    if path is None:
        raise ConfigurationError([Fault("--config-file", "is required: the connector's file")])
    config = dict(files.read(path, wrapped=True).values)
    if args.given and args.config_file:
        _same(client, args.given, config, path)
    name = config.get("name")
    if not name:
        raise ConfigurationError([Fault("name", f"is required (in {path.name})")])
    if args.action == "create":
        client.ask("POST", "/connectors", {"name": name, "config": config})
    else:
        client.ask("GET", path_of(name))
        client.ask("PUT", path_of(name, "config"), config)
    connector = _all(client)[name]
    if args.output == "json":
        print_json({"id": connector["id"]["id"], "name": name})
    else:
        print(
            f"{'Created' if args.action == 'create' else 'Updated'} connector {name} {connector['id']['id']}"
        )
    return 0


def _same(client: WorkerClient, given: str, config: dict[str, str], path: Path) -> None:
    """Whether the file is that of the connector that was named; a file without a name gets it. ConfigurationError for
    another one, Fatal for an id that the worker does not know."""
    from bridge.errors import ConfigurationError, Fault

    name = config.get("name")
    if given == name:
        return
    if is_file(given):
        raise ConfigurationError(
            [Fault("--config-file", f"{path} is given beside another file, {given}: give one of them")]
        )
    meant = _name(client, given)
    if meant == given and given.startswith("lcc-"):
        client.ask("GET", path_of(given))  # says that there is none
    if name and name != meant:
        raise ConfigurationError([Fault("name", f"is {name} in {path}, and {meant} was to be written", name)])
    config["name"] = meant


def _do(client: WorkerClient, action: str, name: str) -> None:
    if action == "delete":
        client.ask("DELETE", path_of(name))
    elif action == "restart":
        client.ask("POST", path_of(name, "restart") + "?includeTasks=true")
    else:
        client.ask("PUT", path_of(name, action))
