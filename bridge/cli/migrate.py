"""``sfbridge migrate``: an exported configuration → connector and worker file, with findings."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.output import add_output_option, print_json, print_table

if TYPE_CHECKING:
    from bridge.config.migration import Migration

HELP = "Make connector.json and worker.properties from an exported managed or self-managed configuration."
EXAMPLE = "sfbridge migrate exported.json --out bridge-files"

_HEADING = "# Made by sfbridge migrate. Kafka Connect's own names; see docs/configuration.md.\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, as promised in the documentation."""
    parser.add_argument(
        "exported",
        type=Path,
        metavar="EXPORTED",
        help="JSON as the cloud's CLI or API or Kafka Connect's REST API gives it, .properties, Terraform (.tf, its "
        "state), a KafkaConnector of Strimzi, a Connector of Confluent for Kubernetes, a Helm chart's values",
    )
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to (default: here)")
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """0 when both files are written; raises ConfigurationError if nothing could be."""
    from bridge.config.exports import read_export
    from bridge.config.migration import migrate
    from bridge.inspection.configuration import LOADER

    result = migrate(read_export(args.exported), LOADER)
    paths = [args.out / "connector.json", args.out / "worker.properties"]
    _write(paths, [_connector_text(result.connector), _worker_text(result.worker)], force=args.force)
    if args.output == "json":
        findings = [{"kind": f.kind, "property": f.key, "message": f.message} for f in result.findings]
        print_json({"files": [str(path) for path in paths], "findings": findings})
    else:
        _print(result, paths)
    return 0


def _print(result: Migration, paths: list[Path]) -> None:
    print_table(("finding", "property", "what"), [(f.kind, f.key, f.message) for f in result.findings])
    print(f"\nwritten: {paths[0]} and {paths[1]}")
    print(f"next: sfbridge validate {paths[0]} --worker {paths[1]}")


def _connector_text(properties: Mapping[str, str]) -> str:
    import json

    return json.dumps(dict(properties), indent=2, ensure_ascii=False) + "\n"


def _worker_text(properties: Mapping[str, str]) -> str:
    return _HEADING + "".join(f"{key}={_escaped(value)}\n" for key, value in properties.items())


def _escaped(value: str) -> str:
    """A value as Java reads it back. Keys are known names and need no escape."""
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\f", "\\f")
    return "\\" + text if text[:1] in (" ", "\t") else text


def _write(paths: list[Path], texts: list[str], *, force: bool) -> None:
    """Both files or none; readable by their owner only, because secrets may stand in them."""
    from bridge.errors import ConfigurationError, Fault

    there = [path for path in paths if path.exists()]
    if there and not force:
        raise ConfigurationError([Fault(str(path), "exists; --force overwrites it") for path in there])
    try:
        paths[0].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, text in zip(paths, texts, strict=True):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise ConfigurationError([Fault(str(error.filename), f"cannot be written: {reason}")]) from None
