"""``sfbridge migrate``: an exported configuration → connector and worker file, with findings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.output import add_output_option, print_json, print_table
from bridge.cli.written import connector_text, worker_text, write

if TYPE_CHECKING:
    from bridge.config.migration import Migration

HELP = "Make connector.json and worker.properties from an exported managed or self-managed configuration."
EXAMPLE = "sfbridge migrate exported.json --out bridge-files"


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
    write(paths, [connector_text(result.connector), worker_text(result.worker, "migrate")], force=args.force)
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
