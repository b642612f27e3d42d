"""One SIGTERM while a command still imports what it needs: an orderly end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# Sends the signal at the import of a module, which is when somebody changes their mind.
_SIGNALLED = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Mind(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Mind())
from bridge.cli.main import main
code = main({words!r})
assert not any(isinstance(one, Mind) for one in sys.meta_path), "nothing was sent"
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("bridge.cli.worker", "worker --worker {worker}"),
        ("bridge.telemetry", "worker --worker {worker}"),
        ("bridge.sandbox.site", "sandbox --port-base 0 --only registry"),
        ("bridge.cli.consume_source", "consume orders --worker {worker}"),
    ],
)
def test_one_signal_during_the_start_is_an_orderly_end(module: str, command: str, tmp_path: Path) -> None:
    worker = tmp_path / "worker.properties"
    worker.write_text("bootstrap.servers=127.0.0.1:1\nsecurity.protocol=PLAINTEXT\nlisteners=http://:0\n")
    code = _SIGNALLED.format(module=module, words=command.format(worker=worker).split())
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_what_drains_nothing_ends_by_a_signal_as_it_does_by_itself() -> None:
    code = _SIGNALLED.format(module="bridge.cli.worker", words=["worker", "--hash-password"])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False, input="x\n"
    )
    assert (done.returncode, done.stdout) == (130, "")
