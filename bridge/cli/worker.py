"""``sfbridge worker``: many connectors, together with others of the same group, behind REST APIs."""

from __future__ import annotations

import argparse
import getpass
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.cli.arguments import add_log_options, blaming
from bridge.cli.output import fail, late_message
from bridge.cli.signals import leave, release, stopped_by_signals
from bridge.cli.streams import used_by
from bridge.waits import SHUTDOWN

if TYPE_CHECKING:
    from bridge.api.build import Make, Service
    from bridge.config import Config

GRACE = 2.0  # seconds beyond the time for a shutdown, for saying what was not committed

HELP = (
    "Run a worker: connectors are made by REST and shared among all workers of one group.id. With --standalone one "
    "process runs them without a group, and keeps them in a directory."
)
EXAMPLE = "sfbridge worker --worker worker.properties\n  sfbridge worker --standalone state"
WORKER_FILE = "worker.properties"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, as promised in the documentation."""
    parser.add_argument("--worker", type=Path, metavar="W", help="worker.properties")
    parser.add_argument(
        "--standalone",
        type=Path,
        metavar="DIR",
        help="one process without a group: connectors, what they are wanted to be, and requests are kept in DIR, "
        f"positions in the offsets topic; without --worker, DIR/{WORKER_FILE} counts if it is there",
    )
    add_log_options(parser)
    parser.add_argument(
        "--hash-password",
        action="store_true",
        help="ask for a password and print its hash for bridge.rest.users.file; nothing else",
    )


def run(args: argparse.Namespace) -> int:
    """0 after a drain, 1 when the worker cannot go on."""
    if args.hash_password:
        return _hash_password()
    allowed: list[float] = []  # seconds for a shutdown, once they are known
    ended = stopped_by_signals(lambda: _at_last(allowed[0]) if allowed else None)
    from bridge import log
    from bridge.telemetry import exported

    log.configure(args.log_format, args.log_level)
    with exported():
        return _serve(args, ended, allowed)


def _hash_password() -> int:
    """As ``name:hash`` in a users file; asked for twice on a terminal, because what is typed is not shown."""
    from bridge.api.users import hash_password
    from bridge.errors import ConfigurationError, Fault

    release()  # nothing is to be drained
    used_by("worker --hash-password")  # which is no service
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\n")
    elif (password := getpass.getpass()) != getpass.getpass("The same again: "):
        raise ConfigurationError([Fault("--hash-password", "the two passwords differ")])
    print(hash_password(password))
    return 0


def _serve(args: argparse.Namespace, ended: threading.Event, allowed: list[float]) -> int:
    """As ``run``, with logs set up."""
    from bridge import log
    from bridge.api.build import Service
    from bridge.config import load_worker
    from bridge.errors import ConfigurationError, Retriable
    from bridge.worker.here import Shown
    from bridge.worker.standalone import DIRECTORY

    config = load_worker(args.worker or _worker_file(args.standalone))
    log.register_secrets(config.hidden())
    _allow_many_files()
    allowed.append(config[SHUTDOWN.key] / 1000)
    if ended.is_set():
        return 0
    service = Service(config, stopped=ended.is_set, make=_kind(args.standalone, config))
    try:
        service.start()
    except Retriable:
        if not ended.is_set():
            raise
        return 0  # asked to stop before Kafka had answered: there is nothing to drain
    except ConfigurationError as error:
        raise blaming(error, {DIRECTORY: "--standalone"} if args.standalone else {}) from None
    print(f"{service.worker.called} answers at {service.url}", flush=True)
    if (warning := service.open_door()) is not None:
        print(warning, flush=True)
    shown = Shown(service.worker.metrics.everyone)
    while not ended.wait(0.2) and service.failure is None:
        pass
    shown.close()
    return _end(service)


def _worker_file(directory: Path | None) -> Path | None:
    """The file that goes without saying: the one in the directory of a worker without a group."""
    file = None if directory is None else directory / WORKER_FILE
    return file if file is not None and file.is_file() else None


def _kind(directory: Path | None, config: Config) -> Make:
    """A worker of a group, or one alone where a directory is given for it."""
    from bridge.worker.service import Worker
    from bridge.worker.standalone import DIRECTORY, Standalone

    named = directory or (Path(config[DIRECTORY]) if config[DIRECTORY] else None)
    return Worker if named is None else partial(Standalone, directory=named.absolute())


def _at_last(seconds: float) -> None:
    """Whatever the worker is doing, starting up included, it has ended a little after the time for a shutdown."""

    def leave_now() -> None:
        fail(late_message("worker", seconds, None))
        leave(1)

    timer = threading.Timer(seconds + GRACE, leave_now)
    timer.daemon = True
    timer.start()


def _end(service: Service) -> int:
    """Stop within ``bridge.shutdown.timeout.ms``; what was not committed by then is said."""
    seconds = service.config[SHUTDOWN.key] / 1000
    stopping = threading.Thread(target=service.stop, daemon=True)
    stopping.start()
    stopping.join(seconds)
    left = service.unfinished()
    for name, text in left:
        fail(f"{name}: {text}")
    late = stopping.is_alive()
    if late and not left:
        fail(late_message("worker", seconds, None))
    if service.failure is not None:
        fail(service.failure.message)
    if late:
        leave(1)
    return 1 if left or service.failure is not None else 0


def _allow_many_files() -> None:
    """A connector holds about a dozen connections; the usual soft limit of 1024 is that of an interactive shell."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
