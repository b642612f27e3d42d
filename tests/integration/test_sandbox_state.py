"""Operations on the sandbox: a worker in one process, and both of them ended and started again."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import requests

from bridge.cli.main import main
from tests.support.bridge_run import wait_until
from tests.support.ports import free_ports

BRIDGE = [sys.executable, "-m", "bridge"]


@contextmanager
def running(log: Path, said: str, *arguments: str, **environ: str) -> Iterator[str]:
    """A command's output, from when it has said that on; killed at the end."""
    with (
        log.open("ab") as out,
        subprocess.Popen(
            [*BRIDGE, *arguments], stdout=out, stderr=out, env={**os.environ, **environ}
        ) as process,
    ):
        try:
            wait_until(lambda: said in log.read_text() or process.poll() is not None, 60, 0.05)
            assert said in log.read_text(), log.read_text()
            yield log.read_text()
        finally:
            process.kill()


@contextmanager
def sandbox_and_worker(tmp_path: Path, turn: int) -> Iterator[tuple[dict[str, str], str]]:
    """Where everything is, and the worker's address."""
    sandbox, worker = tmp_path / f"sandbox-{turn}.log", tmp_path / f"worker-{turn}.log"
    url = f"http://127.0.0.1:{free_ports(['rest'])['rest']}"
    command = ("sandbox", "--state", str(tmp_path / "state"), "--port-base", "0", "-o", "json")
    with running(sandbox, "}\n", *command) as said:
        where = json.loads(said)
        files = ("worker", "--worker", where["worker"])
        with running(worker, "answers at", *files, CONNECT_LISTENERS=url):
            yield where, url


def bridge(*arguments: str) -> str:
    said = io.StringIO()
    with redirect_stdout(said):
        assert main(arguments) == 0
    return said.getvalue()


def publish(where: dict[str, str], count: int) -> int:
    body = {"event": "Order_Placed__e", "count": count}
    answer = requests.post(f"{where['org']}/_sandbox/publish", json=body, verify=where["ca_file"], timeout=20)
    return int(answer.json()["last"])


def position(where: dict[str, str], url: str) -> int:
    files = (where["connector"], "--worker", where["worker"], "--url", url, "-o", "json")
    offsets = json.loads(bridge("offsets", "get", *files))["offsets"]
    return int(offsets[0]["offset"]["replayId"]) if offsets else 0


def records(where: dict[str, str], count: int) -> list[Any]:
    more = (
        "--worker",
        where["worker"],
        "--from-beginning",
        "--max-events",
        str(count),
        "--decrypt",
        "-o",
        "ndjson",
    )
    return [json.loads(line) for line in bridge("consume", "orders", *more).splitlines()]


def test_what_a_sandbox_and_its_worker_did_stands_a_kill_of_both(tmp_path: Path) -> None:
    with sandbox_and_worker(tmp_path, 1) as (where, url):
        assert "ok       kafka: the sandbox's in-process mock" in bridge(
            "validate", where["connector"], "--worker", where["worker"], "--online"
        )
        bridge("connectors", "create", where["connector"], "--url", url)
        last = publish(where, 3)
        wait_until(lambda: position(where, url) == last, 60, 0.1)
        assert "sandbox  local-kms" in bridge("keys", "list", "--worker", where["worker"])
        keys = json.loads(bridge("keys", "list", "--worker", where["worker"], "-o", "json"))
    with sandbox_and_worker(tmp_path, 2) as (where, url):
        assert json.loads(bridge("connectors", "list", "--url", url, "-o", "json"))
        assert position(where, url) == last
        assert json.loads(bridge("keys", "list", "--worker", where["worker"], "-o", "json"))["deks"]
        last = publish(where, 2)
        wait_until(lambda: position(where, url) == last, 60, 0.1)
        values = [record["value"]["Order_Number__c"] for record in records(where, 2)]
        assert values == ["O-0000000003", "O-0000000004"], "those of before are not carried again"
        now = json.loads(bridge("keys", "list", "--worker", where["worker"], "-o", "json"))
        assert identities(now) == identities(keys)


def identities(keys: dict[str, Any]) -> list[Any]:
    return [(dek["kek"], dek["subject"], dek["version"]) for dek in keys["deks"]]
