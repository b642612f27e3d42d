"""``sfbridge offsets`` through a worker's REST API, which stops and starts the connector by itself."""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import Any, Final

from bridge.cli.worker_client import NotThere, WorkerClient, cloud_path, is_file, path_of, usual_url
from bridge.errors import ConfigurationError, Fatal, Fault, Stage

_USUAL: Final = re.compile(
    r"^The Connect framework-managed offsets .*? in the system that the connector uses\.|"
    r"The connector has FAILED and was not started: .*$"
)
"""What a worker's message says of every request that was applied, and what is said here with the command for it."""


def find_worker(args: argparse.Namespace) -> WorkerClient | None:
    """The worker of ``--url``, which must answer, as must the usual one where nothing but a name is given; else that of
    the worker file, if it does and has the connector."""
    if args.url:
        return WorkerClient(args.url)
    if args.worker is None:
        return None if is_file(args.connector) else WorkerClient(usual_url())
    from bridge.config import load_worker

    listener = next((one for one in load_worker(args.worker)["listeners"] if "://" in one), None)
    if listener is None:
        return None
    client = WorkerClient(listener.replace("://:", "://127.0.0.1:").replace("://0.0.0.0:", "://127.0.0.1:"))
    if not client.answers():
        return None
    return client if name_of(args) in client.ask("GET", "/connectors") else None


def name_of(args: argparse.Namespace) -> str:
    """The connector's name: what its file says, or the word itself."""
    path = Path(args.connector)
    if not path.is_file():
        return str(args.connector)
    from bridge.config import files

    name = files.read(path, wrapped=True).values.get("name")
    if not name:
        raise ConfigurationError([Fault("name", f"is required (in {path.name})")])
    return name


class Remote:
    """Operations on one connector's position."""

    def __init__(self, client: WorkerClient, args: argparse.Namespace) -> None:
        self._client = client
        self._args = args
        self.name = name_of(args)

    def close(self) -> None:
        """Nothing was made for this."""

    def refuse_if_run(self) -> None:
        """The worker stops and starts the connector by itself."""

    def kafka(self) -> dict[str, Any]:
        """Settings of a consumer; they stand in the worker file only."""
        from bridge.config import load_worker
        from bridge.kafka.settings import worker_settings

        if self._args.worker is None:
            raise ConfigurationError([Fault("--worker", "is needed to read a topic: it names the brokers")])
        return worker_settings("consumer", load_worker(self._args.worker))

    def get(self) -> dict[str, Any]:
        """The committed position."""
        return dict(self._client.ask("GET", cloud_path(self.name, "offsets")))

    def status(self) -> dict[str, Any]:
        """Who runs it, the position, and what became of the most recent request, where there was one."""
        said = self._client.ask("GET", path_of(self.name, "status"))["connector"]
        document = {"run_by": said["worker_id"], "state": said["state"], **self.get()}
        try:
            return document | {"request": self._request()}
        except NotThere:
            return document

    def _request(self) -> dict[str, Any]:
        return dict(self._client.ask("GET", cloud_path(self.name, "offsets", "request", "status")))

    def move(self, replay_id: int | None) -> dict[str, Any]:
        """Ask for another position and wait until it is in force."""
        from bridge.cli.offsets_direct import offsets_of

        offsets = offsets_of(replay_id)
        body = {"type": "DELETE"} if replay_id is None else {"type": "PATCH", "offsets": offsets}
        self._client.ask("POST", cloud_path(self.name, "offsets", "request"), body)
        until = time.monotonic() + 120
        while True:
            status = self._request()
            phase = status["status"]["phase"]
            if phase == "APPLIED":
                message = str(status["status"].get("message") or "")
                if more := _USUAL.sub("", message).strip():
                    print(f"note: {more}", file=sys.stderr)
                self._tell_whether_it_runs()
                moved = {
                    "name": self.name,
                    "offsets": offsets,
                    "previous_offsets": status["previous_offsets"],
                }
                return moved | {"message": message}
            if phase == "FAILED":
                raise Fatal(f"{self.name}: {status['status'].get('message')}", stage=Stage.POSITION)
            if time.monotonic() > until:
                raise Fatal(
                    f"{self.name}: the request is still {phase} after two minutes", stage=Stage.POSITION
                )
            time.sleep(0.1)

    def _tell_whether_it_runs(self) -> None:
        """One that has failed stays so: whoever moved its position to mend it wants to know."""
        if self._client.ask("GET", path_of(self.name, "status"))["connector"]["state"] == "FAILED":
            again = f"'sfbridge connectors restart {self.name}' starts it"
            print(f"note: {self.name} has FAILED and was not started; {again}", file=sys.stderr)

    def check(self, replay_id: int) -> None:
        """Needs the connector's credentials, so its file."""
        from bridge.inspection.configuration import load
        from bridge.worker.probe import try_replay_id

        path = Path(self._args.connector)
        if not path.is_file():
            raise ConfigurationError([Fault("--check", "needs the connector's file, to log in with")])
        try_replay_id(load(path, self._args.worker), replay_id)
