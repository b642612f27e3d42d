"""What CONTRIBUTING.md promises: a transform, KMS, format, transport, property, command or route needs so many files,
and no more.

Each is added to a copy of the package, and used there as a user would.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import field, frozen

ROOT = Path(__file__).resolve().parents[2]


@frozen
class Addition:
    """New files, lines added to files that are there (before a line that stands there now), and a program as proof."""

    row: str
    proof: str
    new: dict[str, str] = field(factory=dict)
    lines: dict[str, tuple[tuple[str, str], ...]] = field(factory=dict)

    def files(self) -> set[str]:
        """What a contributor touches."""
        return {*self.new, *self.lines}


CONNECTOR = """
from bridge.inspection.configuration import connector_config
GIVEN = {
    "connector.class": "SalesforcePlatformEventSource", "name": "toy", "kafka.topic": "t",
    "kafka.auth.mode": "KAFKA_API_KEY",
    "kafka.api.key": "k", "kafka.api.secret": "s", "salesforce.username": "u@example.com", "salesforce.password": "p",
    "salesforce.password.token": "t", "salesforce.consumer.key": "c", "salesforce.consumer.secret": "s",
    "salesforce.platform.event.name": "Order_Placed__e", "tasks.max": "1", "output.data.format": "JSON",
}
def configured(**more):
    return connector_config(GIVEN | {key.replace("__", "."): value for key, value in more.items()}, environ={})
"""

TRANSFORM = Addition(
    "a transform",
    CONNECTOR
    + """
from bridge.model.schema import Field, Kind, Schema
from bridge.transforms.configuration import chain_of
from bridge.transforms.document import document
from bridge.transforms.record import ConnectRecord
toy = {"transforms": "x", "transforms.x.type": "org.example.Shout", "transforms.x.mark": "!"}
assert configured(**toy)["transforms"] == ["x"]
record = ConnectRecord("t", None, None)
assert chain_of(toy).apply(record) and record.topic == "t!"
assert "Shout" in document()
""",
    new={
        "bridge/transforms/smt/shout.py": '''
"""Shout: a mark behind the topic."""
from bridge.config.property import HIGH, STRING
from bridge.transforms.record import ConnectRecord
from bridge.transforms.spec import Key, Settings, Spec, non_null
from bridge.transforms.step import OnRecord, Side, Transform

SPEC = Spec("Shout", "Adds a mark.", (Key("mark", STRING, "It.", importance=HIGH, validator=non_null),), {"mark": "!"})


def make(settings: Settings, side: Side) -> Transform:
    def apply(record: ConnectRecord) -> bool:
        record.topic += settings["mark"]
        return True

    return OnRecord(apply)
'''
    },
    lines={
        "bridge/transforms/table.py": (
            ("    tombstone_handler,", "    shout,"),
            ('    (_APACHE + "Cast", cast, True),', '    ("org.example.Shout", shout, False),'),
        )
    },
)
KMS = Addition(
    "a KMS",
    """
from bridge.encryption.kms import check, open_kms
check("toy-kms")
key = open_kms("toy-kms", "key-1", {})
assert key.wrap(b"dek") == b"ked" and key.unwrap(b"ked") == b"dek"
""",
    new={
        "bridge/encryption/kms/toy.py": '''
"""``toy-kms``: wraps by writing backwards."""
class Backwards:
    def wrap(self, material: bytes) -> bytes:
        return material[::-1]

    def unwrap(self, wrapped: bytes) -> bytes:
        return wrapped[::-1]


def open_key(key_id, params, egress):
    return Backwards()
'''
    },
    lines={
        "bridge/encryption/kms/__init__.py": (
            (
                '    "hcvault": ("bridge.encryption.kms.vault", "hvac", "vault"),',
                '    "toy-kms": ("bridge.encryption.kms.toy", "json", ""),',
            ),
        )
    },
)
FORMAT = Addition(
    "a format",
    CONNECTOR
    + """
from bridge.formats import FORMATS
from bridge.formats.rows import layout
from bridge.metadata.infer import event_type, record_schema
from bridge.event import Data, Head
import json, pathlib
assert configured(output__data__format="LINES")["output.data.format"] == "LINES"
given = {key: value for key, value in GIVEN.items() if key != "output.data.format"}
by_converter = connector_config(given | {"value.converter": "org.example.LinesConverter"}, environ={})
assert by_converter["output.data.format"] == "LINES"
describe = json.loads(pathlib.Path(SAMPLES, "Order_Placed__e.describe.json").read_text())
event = event_type("Order_Placed__e", describe, None)
encode = FORMATS["LINES"].compile_values(record_schema(event), None, b"", {})
assert encode({"a": 1, "b": None}) == b"a=1\\nb=None"
from bridge.cli.try_ import add_arguments
import argparse
parser = argparse.ArgumentParser()
add_arguments(parser)
assert parser.parse_args(["--format", "LINES"]).format == "LINES"
""",
    new={
        "bridge/formats/lines.py": '''
"""A line for each field."""
from bridge.formats.reader import careful_reader, finalise

NAME = "LINES"


def render(schema, settings):
    return ""


def missing_fields(schema, written, settings):
    return ()


def with_fields(schema, written, settings):
    return written


def compile_values(schema, written, frame, settings, protection=None):
    return lambda values: "\\n".join(f"{name}={value}" for name, value in values.items()).encode()


def compile_rows(rows, written, frame, settings, protection=None):
    encode = compile_values(rows.schema, written, frame, settings)
    return lambda row: encode({f.name: getattr(row, f.name) for f in rows.schema.fields})


def compile_fused(rows, written, frame, settings, protection=None):
    encode, read = compile_rows(rows, written, frame, settings), careful_reader(rows)
    return lambda data: encode(finalise(read(data)))
'''
    },
    lines={
        "bridge/config/declarations/formats.py": (
            (
                '    Form("JSON", "org.apache.kafka.connect.json.JsonConverter", "bridge.formats.json"),',
                '    Form("LINES", "org.example.LinesConverter", "bridge.formats.lines"),',
            ),
        )
    },
)
PROPERTY = Addition(
    "a property",
    CONNECTOR
    + """
from bridge.config.document import document
from bridge.config.infos import definitions
from bridge.config.declarations import CONNECTOR as CATALOGUE
assert configured()["bridge.toy.size"] == 3
assert configured(bridge__toy__size="7")["bridge.toy.size"] == 7
from bridge.errors import ConfigurationError
try:
    configured(bridge__toy__size="seven")
except ConfigurationError as error:
    assert error.faults[0].key == "bridge.toy.size"
else:
    raise AssertionError("accepted")
assert any(d["name"] == "bridge.toy.size" for d in definitions(CATALOGUE))
assert "bridge.toy.size" in document()
""",
    lines={
        "bridge/config/declarations/connection.py": (
            (
                "    Property(",
                '    Property("bridge.toy.size", LONG, "How large the toy is.", default="3", low=1, importance=LOW),',
            ),
        )
    },
)
COMMAND = Addition(
    "a command",
    """
import contextlib, io
from bridge.cli.main import main
with contextlib.redirect_stdout(io.StringIO()) as out:
    assert main(["toy", "--name", "you"]) == 0
assert out.getvalue() == "hello you\\n"
with contextlib.redirect_stdout(io.StringIO()) as out:
    main([])
assert "says hello" in out.getvalue()
""",
    new={
        "bridge/cli/toy.py": '''
"""``sfbridge toy``."""
HELP, EXAMPLE = "Say hello.", "sfbridge toy --name you"


def add_arguments(parser):
    parser.add_argument("--name", metavar="N", help="to whom")


def run(args):
    print(f"hello {args.name}")
    return 0
'''
    },
    lines={
        "bridge/cli/main.py": (
            (
                '    "run": ("bridge.cli.run", "run connectors in this process"),',
                '    "toy": ("bridge.cli.toy", "says hello"),',
            ),
        )
    },
)
ROUTE = Addition(
    "a REST route",
    """
from bridge.api import admin, describe
from bridge.api.guard import Guard
from bridge.api.site import Site
from bridge.worker.loggers import Loggers
api = admin.Admin(Loggers(), lambda: None, lambda: True, lambda: "", lambda: "")
site = Site(admin.routes(api), Guard({}, frozenset({"127.0.0.1"})), "127.0.0.1:8083")
answer = site.answer("GET", "/toy/ball", {"host": "127.0.0.1"}, b"", "http://127.0.0.1")
assert (answer.status, answer.content()) == (200, b'{"toy":"ball"}'), answer
assert site.answer("POST", "/toy/ball", {"host": "127.0.0.1"}, b"", "http://127.0.0.1").status == 405
assert "/toy/{name}" in describe.text()
""",
    lines={
        "bridge/api/admin.py": (
            (
                "    def openapi(self, ask: Ask) -> Answer:",
                '    def toy(self, ask: Ask) -> Answer:\n        return Answer(200, {"toy": ask.path[0]})\n',
            ),
            ('        "health": {"GET": api.health},', '        "toy/*": {"GET": api.toy},'),
        ),
        "bridge/api/describe.py": (
            (
                '    ("get", "/health", "Whether the worker is ready", None, {200: "Health", 503: "Health"}, ()),',
                '    ("get", "/toy/{name}", "A toy", None, {200: "Any"}, ()),',
            ),
        ),
    },
)
TRANSPORT = Addition(
    "a transport",
    CONNECTOR
    + """
import threading
from bridge.buffer import Buffer
from bridge.errors import BridgeError
from bridge.metrics import Stats
from bridge.salesforce.transport import Start, open_source, try_subscription
config, buffer = configured(bridge__salesforce__api="toy"), Buffer(10, 10)
source = open_source(config, None, None, buffer, Stats("toy"), Start())
source.run(threading.Event())
assert buffer.get(0).since_ms == 1 and buffer.get(0) is None
try_subscription(config, None, None, 7)
try:
    configured(bridge__salesforce__api="pigeon")
except BridgeError as error:
    assert "toy, streaming" in str(error.faults[0]), error.faults
else:
    raise AssertionError
""",
    new={
        "bridge/salesforce/toy.py": '''
"""The transport ``toy``: says that it listens, and ends."""
from bridge.source import Listening


class Toy:
    def __init__(self, buffer):
        self.buffer = buffer

    def run(self, stop):
        self.buffer.put(Listening(1))

    def interrupt(self):
        pass


def source(config, login, rest, buffer, stats, start):
    return Toy(buffer)


def probe(config, login, rest, replay_from):
    assert replay_from == 7
'''
    },
    lines={
        "bridge/config/declarations/transports.py": (
            ('    "streaming": "bridge.salesforce.streaming",', '    "toy": "bridge.salesforce.toy",'),
        )
    },
)
ADDITIONS = (TRANSFORM, KMS, FORMAT, TRANSPORT, PROPERTY, COMMAND, ROUTE)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "bridge", folder / "bridge", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize("added", ADDITIONS, ids=lambda added: added.row)
def test_it_works_with_the_files_that_are_promised(added: Addition, copy: Path) -> None:
    kept = {name: (copy / name).read_text() for name in added.lines}
    try:
        for name, text in added.new.items():
            assert not (copy / name).exists()
            (copy / name).write_text(text.lstrip())
        for name, pairs in added.lines.items():
            text = kept[name]
            for before, line in pairs:
                assert before in text, f"{name} has no line {before.strip()}"
                text = text.replace(before, f"{line}\n{before}", 1)
            (copy / name).write_text(text)
        program = f"SAMPLES = {str(ROOT / 'schemas')!r}\n{added.proof}"
        ran = subprocess.run(
            [sys.executable, "-c", program], cwd=copy, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
    finally:
        for name in added.new:
            (copy / name).unlink(missing_ok=True)
        for name, text in kept.items():
            (copy / name).write_text(text)


@pytest.mark.parametrize("added", ADDITIONS, ids=lambda added: added.row)
def test_contributing_names_those_files(added: Addition) -> None:
    rows = (ROOT / "CONTRIBUTING.md").read_text().splitlines()
    (row,) = [line for line in rows if line.startswith(f"| {added.row} |")]
    _, _, files, number, _ = (cell.strip() for cell in row.split("|"))
    named = re.findall(r"`([^`]+)`", files)
    patterns = [re.escape(name).replace("NAME", r"\w+").replace("GROUP", r"\w+") for name in named]
    assert int(number) == len(named) == len(added.files())
    for path in added.files():
        assert any(re.fullmatch(pattern, path) for pattern in patterns), path
