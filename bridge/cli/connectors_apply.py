"""``sfbridge connectors apply``: makes a worker's connectors what files say, and says the difference.

What is equal is left alone. A literal secret comes back from the worker as a mask, so it cannot be compared: it is sent
again, and a worker that has the same leaves the connector alone, too (docs/rest.md).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

from attrs import field, frozen

from bridge.cli.confirm import confirm
from bridge.cli.output import fail, print_json, print_table
from bridge.cli.worker_client import WorkerClient, path_of
from bridge.config import files
from bridge.config.secrecy import MASK
from bridge.errors import BridgeError, ConfigurationError, Fatal, Fault, Stage

ENDINGS: Final = (".json", ".properties")
Config = dict[str, str]
Act = Literal["create", "update", "delete", "unchanged"]


@frozen
class Step:
    """What is to be done to one connector. ``changes``: key → what it was and what it will be, secrets masked.
    ``unseen``: keys whose values the worker does not show."""

    name: str
    act: Act
    config: Config = field(factory=dict)
    changes: Mapping[str, tuple[str | None, str | None]] = field(factory=dict)
    unseen: tuple[str, ...] = ()

    def words(self) -> str:
        """The difference in a line."""
        return "; ".join(f"{key}: {_word(old)} → {_word(new)}" for key, (old, new) in self.changes.items())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The action's arguments."""
    parser.add_argument(
        "-f",
        "--file",
        dest="files",
        action="append",
        type=Path,
        required=True,
        metavar="DIR",
        help="a folder of connector files (.json, .properties), or one file; may be repeated",
    )
    parser.add_argument(
        "--prune", action="store_true", help="delete connectors that no file names; positions are kept"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say the difference; exit code 1 if there is one"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask on a terminal before deleting")


def run(client: WorkerClient, args: argparse.Namespace) -> int:
    """0 when the worker has what the files say; 1 when a dry run found a difference. Raises ConfigurationError where
    configurations are wrong, Fatal where something else was refused."""
    wanted = read(args.files)
    steps = list(plan(wanted, _stored(client), prune=args.prune))
    gone = [step.name for step in steps if step.act == "delete"]
    if gone and not args.dry_run and sys.stdin.isatty():  # elsewhere --prune itself is the word
        confirm(args, f"{', '.join(gone)}: deleted, because no file names it; positions are kept")
    refused = {} if args.dry_run else _carry_out(client, steps)
    _print(steps, refused, args)
    if refused:
        raise _refusal(refused, len(steps))
    return int(args.dry_run and any(step.act != "unchanged" for step in steps))


def read(paths: list[Path]) -> dict[str, Config]:
    """The connectors of files and folders by name. ConfigurationError names every fault at once."""
    faults: list[Fault] = []
    wanted: dict[str, Config] = {}
    origins: dict[str, Path] = {}
    for path in _every(paths, faults):
        try:
            config = dict(files.read(path, wrapped=True).values)
        except ConfigurationError as error:
            faults += error.faults
            continue
        name = config.get("name")
        if not name:
            faults.append(Fault("name", f"is required (in {path})"))
        elif name in wanted:
            faults.append(Fault("name", f"{name} is in more than one file: {origins[name]} and {path}"))
        else:
            wanted[name], origins[name] = config, path
    if faults:
        raise ConfigurationError(faults)
    return wanted


def plan(wanted: Mapping[str, Config], stored: Mapping[str, Config], *, prune: bool) -> Iterator[Step]:
    """What makes ``stored`` (as the worker shows it) into ``wanted``; deletions come last."""
    for name, config in sorted(wanted.items()):
        before = stored.get(name)
        if before is None:
            yield Step(name, "create", config)
            continue
        unseen = tuple(
            key for key, text in sorted(before.items()) if text == MASK and config.get(key, MASK) != MASK
        )
        keys = [key for key in dict.fromkeys([*before, *config]) if key not in unseen]
        changes = {
            key: (before.get(key), config.get(key)) for key in keys if before.get(key) != config.get(key)
        }
        yield Step(name, "update" if changes else "unchanged", config, _masked(changes), unseen)
    if prune:
        yield from (Step(name, "delete") for name in sorted(stored) if name not in wanted)


def _masked(changes: Mapping[str, tuple[str | None, str | None]]) -> dict[str, tuple[str | None, str | None]]:
    from bridge.config.declarations import CONNECTOR
    from bridge.config.secrecy import is_only_reference

    def shown(key: str, text: str | None) -> str | None:
        literal = text is not None and not is_only_reference(text)
        return MASK if literal and CONNECTOR.is_secret(key) else text

    return {key: (shown(key, old), shown(key, new)) for key, (old, new) in changes.items()}


def _every(paths: list[Path], faults: list[Fault]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(
            each for each in path.iterdir() if each.suffix in ENDINGS and not each.name.startswith(".")
        )
        if not inside:
            faults.append(
                Fault("--file", f"the folder holds no file that ends in {' or '.join(ENDINGS)}", str(path))
            )
        yield from inside


def _stored(client: WorkerClient) -> dict[str, Config]:
    shown = client.ask("GET", "/connectors?expand=info")
    return {name: dict(one["info"]["config"]) for name, one in shown.items()}


def _refusal(refused: Mapping[str, BridgeError], count: int) -> BridgeError:
    """Every fault of every configuration; where nothing but configurations is wrong, a fault of what was given."""
    told = f"{len(refused)} of {count} connectors were refused"
    faults = [
        Fault(f"{name}: {fault.key}" if fault.key else name, fault.message)
        for name, error in refused.items()
        for fault in (error.faults if isinstance(error, ConfigurationError) else [Fault("", error.message)])
    ]
    if all(isinstance(error, ConfigurationError) for error in refused.values()):
        return ConfigurationError([*faults, Fault("", told)])
    for fault in faults:
        fail(f"{fault.key}: {fault.message}")
    return Fatal(told, stage=Stage.CONFIGURATION)


def _carry_out(client: WorkerClient, steps: list[Step]) -> dict[str, BridgeError]:
    """Connectors that were refused → why; the others are done."""
    refused: dict[str, BridgeError] = {}
    for step in steps:
        try:
            if step.act == "delete":
                client.ask("DELETE", path_of(step.name))
            elif step.act != "unchanged" or step.unseen:
                client.ask("PUT", path_of(step.name, "config"), step.config)
        except BridgeError as error:
            refused[step.name] = error
    return refused


def _print(steps: list[Step], refused: Mapping[str, BridgeError], args: argparse.Namespace) -> None:
    if args.output == "json":
        print_json([
            {
                "name": step.name,
                "action": step.act,
                "changes": {key: {"from": old, "to": new} for key, (old, new) in step.changes.items()},
                "not_compared": list(step.unseen),
                "refused": refused[step.name].message if step.name in refused else None,
            }
            for step in steps
        ])  # fmt: skip
        return
    rows = [
        (step.name, f"{step.act}{' (refused)' if step.name in refused else ''}", _remark(step, refused))
        for step in steps
    ]
    if rows:
        print_table(("connector", "action", "difference"), rows)
    counts = {act: sum(step.act == act and step.name not in refused for step in steps) for act in _DONE}
    verb = "to be " if args.dry_run else ""
    parts = [
        f"{count} {verb if act != 'unchanged' else ''}{_DONE[act]}" for act, count in counts.items() if count
    ]
    parts += [f"{len(refused)} refused"] if refused else []
    print(", ".join(parts) or "nothing to do")


def _remark(step: Step, refused: Mapping[str, BridgeError]) -> str:
    if step.name in refused:
        return refused[step.name].message.replace("\n", "; ")
    unseen = (
        f"not compared: {', '.join(step.unseen)} (the worker shows no literal secret)" if step.unseen else ""
    )
    return "; ".join(filter(None, (step.words(), unseen)))


def _word(text: str | None) -> str:
    return "nothing" if text is None else repr(text)


_DONE: Final[Mapping[Act, str]] = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "unchanged": "equal",
}
