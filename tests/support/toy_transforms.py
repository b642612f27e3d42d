"""A package of somebody else with transforms of its own, as pip would have installed it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.transforms import own

CODE = '''
import threading

from bridge.config.property import STRING
from bridge.transforms.own import OwnTransform
from bridge.transforms.spec import Key

class Shout(OwnTransform):
    """The status, louder."""
    reads = ("Status__c",)
    writes = {"Status_Loud__c": "string"}
    keys = (Key("mark", STRING, "What stands behind it.", "!"),)

    def transform(self, fields):
        status = fields["Status__c"]
        return {"Status_Loud__c": None if status is None else status.upper() + self.settings["mark"]}

class Domain(OwnTransform):
    """The domain of the customer's address, which is as protected as the address."""
    reads = ("Customer_Email__c",)
    writes = {"Domain__c": "string"}

    def transform(self, fields):
        return {"Domain__c": (fields["Customer_Email__c"] or "").rpartition("@")[2]}

class Length(OwnTransform):
    reads = ("Customer_Email__c",)
    writes = {"Length__c": "int64"}

    def transform(self, fields):
        return {"Length__c": len(fields["Customer_Email__c"] or "")}

class Everything(OwnTransform):
    def transform(self, fields):
        return {**fields, "Notes__c": str(sorted(fields))}

class Greedy(OwnTransform):
    reads = ("Status__c",)
    writes = {"Seen__c": "string"}

    def transform(self, fields):
        return {"Seen__c": ",".join(sorted(fields)), **({"Customer_Email__c": "x"} if self.settings else {})}

class Angry(OwnTransform):
    reads = ("Customer_Email__c",)
    writes = {"Out__c": "string"}

    def transform(self, fields):
        raise RuntimeError(f"no good: {fields['Customer_Email__c']}")

class Dropping(OwnTransform):
    reads = ("Status__c",)
    writes = {}

    def transform(self, fields):
        return None if fields["Status__c"] == "Paid" else {}

class Wrong(OwnTransform):
    reads = ("Status__c",)
    writes = {"Number__c": "int32"}

    def transform(self, fields):
        return {"Number__c": "seven"}

class First(OwnTransform):
    """The first record of each order."""
    reads = ("Order_Number__c",)
    writes = {}
    calls = []

    def __init__(self, settings):
        super().__init__(settings)
        self.seen = set()

    def transform(self, fields):
        number = fields["Order_Number__c"]
        self.calls.append((threading.current_thread().name, number))
        if number in self.seen:
            return None
        self.seen.add(number)
        return {}

class Half(OwnTransform):
    reads = ("Status__c",)

nothing = object()
'''
NAMES = (
    "Shout",
    "Domain",
    "Length",
    "Everything",
    "Greedy",
    "Angry",
    "Dropping",
    "Wrong",
    "First",
    "Half",
    "nothing",
)


@contextmanager
def installed(where: Path) -> Iterator[None]:
    """While the block runs."""
    (where / "toy_transforms_pkg.py").write_text(CODE)
    facts = where / "toy_transforms-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-transforms\nVersion: 1.0\n")
    lines = "".join(f"org.example.{name} = toy_transforms_pkg:{name}\n" for name in (*NAMES, "missing"))
    (facts / "entry_points.txt").write_text(f"[{own.GROUP}]\n{lines}")
    sys.path.insert(0, str(where))
    _forget()
    try:
        yield
    finally:
        sys.path.remove(str(where))
        sys.modules.pop("toy_transforms_pkg", None)
        _forget()


def _forget() -> None:
    own._offered.cache_clear()
    own._loaded.cache_clear()
