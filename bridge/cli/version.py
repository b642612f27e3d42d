"""``sfbridge version``: of the bridge, and of what a report of a fault should name besides."""

from __future__ import annotations

import argparse

from bridge import __version__
from bridge.cli.output import add_output_option, print_json

HELP = "Print the version, and those of Python, librdkafka and OpenSSL."
EXAMPLE = "sfbridge version -o json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How to print."""
    add_output_option(parser)


def run(args: argparse.Namespace) -> int:
    """Always 0."""
    import platform
    import ssl

    import confluent_kafka

    versions = {
        "sfbridge": __version__,
        "python": platform.python_version(),
        "librdkafka": confluent_kafka.libversion()[0],
        "openssl": ssl.OPENSSL_VERSION.split()[1],
    }
    if args.output == "json":
        print_json(versions)
    else:
        print(" ".join(f"{name} {version}" for name, version in versions.items()))
    return 0
