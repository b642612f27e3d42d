"""What a command line names and what is not there, or is something else, is a wrong command line: exit code 2."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.cli.arguments import KMS_TYPES
from bridge.cli.main import main
from bridge.encryption.kms import DRIVERS
from tests.support.memory_worker import GOOD

REGISTRY = "--schema-registry http://127.0.0.1:1"
KEY = f"keys create --kek k {REGISTRY}"
GENERATE = "schemas generate --describe describe.json"
RUN = "run connector.json --worker worker.properties"
PROJECT = Path(__file__).parents[3]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for variable in ("CONNECT_SCHEMA_REGISTRY_URL", "SFBRIDGE_WORKER_PROPERTIES"):
        monkeypatch.delenv(variable, raising=False)
    described = {"name": "Order_Placed__e", "fields": []}
    texts = {
        "README.md": "# Nothing\n",
        "bad.avsc": "{",
        "describe.json": json.dumps(described),
        "x.avsc": json.dumps({"type": "record", "name": "x", "fields": [{"name": "a", "type": "int"}]}),
        "connector.json": json.dumps(GOOD),
        "worker.properties": "bootstrap.servers=127.0.0.1:1\nsecurity.protocol=PLAINTEXT\n",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("schemas generate --describe nofile", "nofile: cannot be read (No such file or directory)"),
        ("schemas generate --describe README.md", "README.md: is no JSON"),
        ("schemas generate --event-schema describe.json", "describe.json: "),
        ("schemas generate --avro describe.json", "describe.json: "),
        ("schemas generate --sfdx . --event Typo__e", "has no objects/Typo__e"),
        (f"{GENERATE} --event Other__e", "--event: is Other__e, and the file is about Order_Placed__e"),
        (f"{GENERATE} --contract nofile", "--contract: nofile does not exist"),
        (f"{GENERATE} --kek k --kms-type nokms --kms-key-id k", "--kms-type: 'nokms' is not a choice"),
        ("schemas diff README.md x.avsc", "README.md: is no JSON"),
        ("schemas diff x.avsc bad.avsc", "bad.avsc is no JSON"),
        (f"schemas register bad.avsc {REGISTRY}", "bad.avsc is no JSON"),
        (f"schemas register x.avsc --contract nofile {REGISTRY}", "--contract: nofile does not exist"),
        (f"schemas show --contract nofile {REGISTRY}", "--contract: nofile does not exist"),
        ("keys list", "schema.registry.url: is needed in the worker file, or --schema-registry"),
        (f"keys list --contract nofile {REGISTRY}", "--contract: nofile does not exist"),
        (f"{KEY} --kms-type nokms --kms-key-id k2", "--kms-type: 'nokms' is not a choice; there is local-kms, aws-kms"),
        (f"{KEY} --kms-type aws-kms --kms-key-id k2", "--kms-key-id: k2 is no key of AWS KMS"),
        (f"{KEY} --kms-type azure-kms --kms-key-id k2", "--kms-key-id: k2 is no key of Azure"),
        (f"{KEY} --kms-type gcp-kms --kms-key-id k2", "--kms-key-id: k2 is no key of Google"),
        (f"{KEY} --kms-type hcvault --kms-key-id k2", "--kms-key-id: k2 is no key of Vault"),
        (f"{RUN} --metrics-port 70000", "--metrics-port: cannot listen on"),
        ("offsets set connector.json --at 2099-01-01", "--at: 2099-01-01 is later than now"),
        ("deadletters list connector.json --since 2099-01-01", "--since: 2099-01-01 is later than now"),
        ("keys verify --topic t --since 2099-01-01", "--since: 2099-01-01 is later than now"),
        ("compare a b --since 2099-01-01", "--since: 2099-01-01 is later than now"),
        ("compare a b --until 1200", "--until: '1200' is no time"),
        (f"{RUN} --until-idle nan", "--until-idle: 'nan' is no number of seconds"),
        (f"{RUN} --until-idle -1", "--until-idle: '-1' is no number of seconds"),
        (f"{RUN} --listen 0.0.0.0:0", "--listen: 0.0.0.0 can be reached by others"),
    ],
)  # fmt: skip
def test_it_is_2_and_says_what_is_meant(
    line: str, said: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(line.split())
    except SystemExit as ended:
        code = int(ended.code or 0)
    err = capsys.readouterr().err
    assert said in err
    assert code == 2
    assert "registered" not in err, "nothing is yet"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


@pytest.mark.parametrize(
    ("line", "option"),
    [
        (RUN + " --listen {port}", "--listen"),
        (RUN + " --metrics-port {port}", "--metrics-port"),
        ("worker --worker worker.properties", "listeners"),
    ],
)
def test_a_port_that_is_taken_is_2_and_names_what_names_it(
    line: str, option: str, taken: int, files: Path
) -> None:
    with (files / "worker.properties").open("a") as worker:
        worker.write(f"listeners=http://127.0.0.1:{taken}\n")
    done = subprocess.run(
        [sys.executable, "-m", "bridge", *line.format(port=taken).split()],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    last = done.stderr.splitlines()[-1]
    assert last == f"sfbridge: {option}: cannot listen on 127.0.0.1:{taken}: address already in use"
    assert done.returncode == 2


def test_the_types_that_are_offered_are_those_that_there_are() -> None:
    assert set(KMS_TYPES) == DRIVERS.keys()
