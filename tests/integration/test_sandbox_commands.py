"""``sfbridge try`` and ``sfbridge sandbox`` as a person starts them."""

import json
import os
import pty
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BRIDGE = [sys.executable, "-m", "bridge"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*BRIDGE, *arguments], capture_output=True, text=True, timeout=90, check=False)


@contextmanager
def started(*arguments: str, module: str = "bridge") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline()


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize("data_format", ["AVRO", "JSON", "JSON_SR", "PROTOBUF"])
def test_try_shows_decoded_events_beside_what_was_published_and_ends(data_format: str) -> None:
    began = time.monotonic()
    done = run("try", "--max-events", "4", "--format", data_format)
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 30
    lines = done.stdout.splitlines()
    email = next(line for line in lines if "Customer_Email__c  " in line and "jiri" in line).split()[1:]
    assert (email[0], email[-1]) == ("jiri.1@example.com",) * 2
    others = [line for line in lines if "orders-0@" in line]
    assert len(others) == 3
    assert "mei.2@example.com" in others[0]
    if data_format == "JSON":
        assert len(email) == 2
        assert any("encrypted  nothing: JSON has no schema" in line for line in lines)
    else:
        assert is_ciphertext(email[1])
        assert all("… → " in line for line in others)
    assert "What to do next" in lines
    assert "4 events published, carried, read back and decoded." in lines
    assert ("schema id" in done.stdout) is (data_format != "JSON")
    assert "\x1b[" not in done.stdout, "colour on a terminal only"
    (warning,) = done.stderr.splitlines()
    assert "in-process mock" in warning


def test_try_that_nobody_watches_ends_in_order_and_is_no_success() -> None:
    with started("try", "--max-events", "100") as process:
        assert line(process)
        assert process.stdout
        process.stdout.close()
        assert process.wait(60) == 1
        assert process.stderr
        assert process.stderr.read().endswith("sfbridge: nobody reads what is shown, so it ended early\n")


def is_ciphertext(shown: str) -> bool:
    """As much base64 as the screen's column holds."""
    return re.fullmatch(r"[A-Za-z0-9+/]{12,}…", shown) is not None


def test_another_process_reads_ciphertext_and_with_the_worker_files_key_plaintext() -> None:
    with started("try") as process:
        commands: list[list[str]] = []
        while len(commands) < 2:
            said = line(process)
            assert said, "it ended by itself"
            if shown := re.search(r"\S+(?: -m bridge)? consume orders .*", said):
                commands.append(shlex.split(shown[0]))
        stored, opened = (
            subprocess.run(
                [*command, "--max-events", "1"], capture_output=True, text=True, timeout=90, check=False
            )
            for command in commands  # as they are printed
        )
        assert ended(process, signal.SIGINT)[0] == 0
    assert "jiri.1@example.com" in opened.stdout, opened.stderr
    assert "Customer_Email__c" in stored.stdout, stored.stderr
    assert "jiri.1@example.com" not in stored.stdout


def test_try_goes_on_until_it_is_stopped() -> None:
    with started("try") as process:
        seen = ""
        while "Ctrl-C ends it" not in seen:
            seen = line(process)
            assert seen, "it ended by itself"
        assert ended(process, signal.SIGINT)[0] == 0


def test_try_is_in_colour_on_a_terminal() -> None:
    main, other = pty.openpty()
    with subprocess.Popen([*BRIDGE, "try", "--max-events", "1"], stdout=other, stderr=other) as process:
        os.close(other)
        output = b""
        while True:
            try:
                chunk = os.read(main, 65536)
            except OSError:  # the terminal's other side is closed
                break
            output += chunk
        assert process.wait(30) == 0
    os.close(main)
    assert b"\x1b[32m" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sandbox_says_where_everything_is_in_one_line(tmp_path: Path, number: int) -> None:
    with started("sandbox", "--port-base", "0", "--dir", str(tmp_path), "-o", "json") as process:
        where = json.loads(line(process))
        parts = {"org", "ca_file", "pubsub", "registry", "bootstrap_servers", "connector", "worker"}
        assert set(where) == parts
        assert get(f"{where['registry']}/subjects") == []
        assert get(f"{where['org']}/services/data", where["ca_file"])[-1]["version"] == "66.0"
        config = json.loads(Path(where["connector"]).read_text())["config"]
        assert config["salesforce.instance"] == where["org"]
        assert f"bootstrap.servers={where['bootstrap_servers']}" in Path(where["worker"]).read_text()
        host, port = where["bootstrap_servers"].split(":")
        socket.create_connection((host, int(port)), timeout=5).close()
        code, errors = ended(process, number)
    assert (code, errors) == (0, "")


def test_the_sandboxs_files_are_a_valid_configuration(tmp_path: Path) -> None:
    with started("sandbox", "--port-base", "0", "--dir", str(tmp_path)) as process:
        assert line(process).startswith("sandbox is up: org https://localhost:")
        done = run("validate", f"{tmp_path}/connector.json", "--worker", f"{tmp_path}/worker.properties")
        assert done.returncode == 0, done.stderr


def test_sandbox_publishes_at_a_rate(tmp_path: Path) -> None:
    arguments = ("--port-base", "0", "--only", "org", "--rate", "100", "--dir", str(tmp_path), "-o", "json")
    with started("sandbox", *arguments) as process:
        where = json.loads(line(process))
        assert set(where) == {"org", "ca_file", "pubsub"}
        deadline = time.monotonic() + 20
        published = 0
        while published < 20 and time.monotonic() < deadline:
            state = get(f"{where['org']}/_sandbox/state", where["ca_file"])
            published = state["channels"]["/event/Order_Placed__e"]["published"]
        assert published >= 20


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in ("sandbox", "try"):
            done = run(command, "--port-base", str(port))
            assert done.returncode == 2
            assert done.stderr.splitlines() == [
                f"sfbridge: --port-base: port {port} for the sandbox's org cannot be used "
                "(Address already in use): choose another, or 0"
            ]


@pytest.mark.parametrize("arguments", [["--only", "nothing"], ["--port-base", "70000"], ["--rate", "-1"]])
def test_a_wrong_command_line_is_said(arguments: list[str]) -> None:
    done = run("sandbox", *arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_org_as_a_process_of_its_own(tmp_path: Path) -> None:
    with started("--dir", str(tmp_path), "--events", "1000", module="bridge.sandbox.org") as process:
        up = json.loads(line(process))
        assert up["events"] == 1000
        assert Path(up["ca_file"]) == tmp_path / "ca.pem"
        state = get(f"{up['url']}/_sandbox/state", up["ca_file"])
        assert state["channels"][up["channel"]]["retained"] == 1000
        assert state["org_id"] == up["org_id"]
        code, errors = ended(process, signal.SIGTERM)
    assert (code, errors) == (0, "")


def get(url: str, ca_file: str | None = None) -> Any:
    context = ssl.create_default_context(cafile=ca_file) if ca_file else None
    with urllib.request.urlopen(url, context=context, timeout=20) as answer:
        return json.load(answer)
