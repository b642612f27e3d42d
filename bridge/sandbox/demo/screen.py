"""What a person sees: the first record field by field beside what was published, then a line for each.

An encrypted field is shown twice: the ciphertext that is in Kafka, and what the key makes of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from bridge.sandbox.demo.publisher import Published
from bridge.sandbox.demo.reader import Read
from bridge.sandbox.protection import FIELD, TAG
from bridge.sandbox.site import Sandbox

_NAME = 20
_LINE = {"Order_Number__c": 10, "Status__c": 9, "Amount__c": 9, FIELD: 23}
_CIPHERTEXT = 14  # as much of it as a line shows
_WHOLE = 101  # columns that a line takes, with ciphertext


class Screen:
    """Prints. ``colour``: whether that is wanted; a terminal too narrow for a line gets several. ``program``: how
    ``sfbridge`` is called here."""

    def __init__(self, *, colour: bool = False, program: str = "sfbridge") -> None:
        self._colour, self._program = colour, program
        self._width = max(shutil.get_terminal_size((110, 24)).columns, 40)

    def opening(self, sandbox: Sandbox, data_format: str, front: tuple[str, str]) -> None:
        """Where everything is. ``front``: what the connector's own pages are called, and their address."""
        where = sandbox.where()
        self._say(self._bold("A Salesforce org, a schema registry and Kafka, all of them on this machine:"))
        self._say(f"  org        {where['org']}  (simulated, TLS)")
        self._say(f"  registry   {where['registry']}")
        self._say(f"  Kafka      {where['bootstrap_servers']}  (in this process, keeps nothing)")
        self._say(f"  connector  Order_Placed__e → topic orders, as {data_format}")
        self._say(f"  {front[0]:<9}  {front[1]}")
        if sandbox.protection:
            self._say(f"  encrypted  {FIELD} (tag {TAG}), with a local-kms key that was made for this run")
        else:
            self._say(
                f"  encrypted  nothing: {data_format} has no schema to hold tags and rules; "
                "see --format AVRO, JSON_SR or PROTOBUF"
            )
        self._say("")

    def record(self, read: Read, published: Published | None, seconds: float) -> None:
        """One record: the first in full, the others on a line."""
        if published is None or published.number > 1:
            self._line(read, published, seconds)
        else:
            self._table(read, published, seconds)

    def meanwhile(self, sandbox: Sandbox) -> None:
        """What can be looked at while events keep coming."""
        where = sandbox.where()
        self._say(self._bold("What to do next, in another terminal"))
        consume = f"{self._program} consume orders --from-beginning --worker {where['worker']}"
        self._step("the records", consume)
        if sandbox.protection:
            self._step("the same, decrypted", f"{consume} --decrypt")
        self._step("the connector's files", where["connector"])
        self._step("", where["worker"])
        self._step("the registered schemas", f"curl {where['registry']}/subjects")
        self._step("what the org has seen", f"curl --cacert {where['ca_file']} {where['org']}/_sandbox/state")
        self._your_own()
        self._say("")
        self._say("Events keep coming; Ctrl-C ends it.")
        self._say("")

    def next_steps(self) -> None:
        """What to do next when everything is gone again."""
        self._say("")
        self._say(self._bold("What to do next"))
        self._step("the same, without an end", f"{self._program} try")
        self._step("only the servers", f"{self._program} sandbox --rate 1")
        self._your_own()

    def _your_own(self) -> None:
        self._step(
            "your own connector",
            f"{self._program} validate connector.json --worker worker.properties --online",
        )
        self._step("", f"{self._program} run connector.json --worker worker.properties")

    def _step(self, what: str, how: str) -> None:
        if len(how) + 28 > self._width:
            self._say(f"  {what}" if what else "")
            self._say(f"    {how}")
            return
        self._say(f"  {what:<24}  {how}")

    def closing(self, count: int) -> None:
        """The last line."""
        self._say(f"{count} event{'s' if count != 1 else ''} published, carried, read back and decoded.")

    def _table(self, read: Read, published: Published, seconds: float) -> None:
        columns = 3 if read.encrypted else 2
        column = max((self._width - _NAME - 8) // columns, 18)
        narrow = _NAME + 8 + columns * column > self._width
        where = f"{read.topic}-{read.partition} offset {read.offset}"
        about = f"{where}, {read.size} bytes, {seconds * 1000:.0f} ms later"
        self._say(f"{self._bold('the first event')}  {about}")
        if narrow:
            self._paragraphs(read, published)
            return
        head = f"  {'field':<{_NAME}}  {'published':<{column}}  {'in Kafka, decoded':<{column}}"
        self._say(self._dim(f"{head}  {'decrypted' if read.encrypted else ''}".rstrip()))
        for name in read.value:
            sent = _shown(published.payload[name]) if name in published.payload else ""
            row = f"  {_cut(name, _NAME):<{_NAME}}  {_cut(sent, column):<{column}}  "
            self._say(row + self._in_kafka(read, name, column))
        if read.schema_id is not None:
            self._say(self._dim(f"  written with schema id {read.schema_id} of the registry"))
        self._say("")

    def _paragraphs(self, read: Read, published: Published) -> None:
        """The same, a line for each value."""
        room = self._width - 13
        for name in read.value:
            self._say(f"  {name}")
            if name in published.payload:
                self._say(f"    sent   {_cut(_shown(published.payload[name]), room)}")
            if name in read.encrypted:
                self._say(f"    Kafka  {self._red(_cut(_shown(read.stored[name]), room))}")
            self._say(f"    read   {self._green(_cut(_shown(read.value[name]), room))}")
        self._say("")

    def _in_kafka(self, read: Read, name: str, column: int) -> str:
        value = self._green(_cut(_shown(read.value[name]), column))
        if name not in read.encrypted:
            return value
        stored = f"{_cut(_shown(read.stored[name]), column):<{column}}"
        return f"{self._red(stored)}  {value}"

    def _line(self, read: Read, published: Published | None, seconds: float) -> None:
        number = f"#{published.number}" if published else ""
        cells = "  ".join(self._cell(read, name, width) for name, width in _LINE.items())
        late = f"{seconds * 1000:6.0f} ms" if published else ""
        position = f"{read.topic}-{read.partition}@{read.offset}"
        if self._width < (_WHOLE if read.encrypted else _WHOLE - _CIPHERTEXT - 3):
            self._say(f"{number:>5}  {position}  {self._dim(late.strip())}")
            for name, width in _LINE.items():
                self._say(f"       {self._cell(read, name, width)}")
            return
        self._say(f"{number:>5}  {position:<12} {cells}  {self._dim(late)}")

    def _cell(self, read: Read, name: str, width: int) -> str:
        value = self._green(_cut(_shown(read.value.get(name)), width).ljust(width))
        if name not in read.encrypted:
            return value
        return f"{self._red(_cut(_shown(read.stored[name]), _CIPHERTEXT))} → {value}"

    def _say(self, text: str) -> None:
        print(text.rstrip(), flush=True)

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self._colour else text

    def _dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._colour else text

    def _red(self, text: str) -> str:
        return f"\x1b[31m{text}\x1b[0m" if self._colour else text

    def _green(self, text: str) -> str:
        return f"\x1b[32m{text}\x1b[0m" if self._colour else text


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    return str(value).replace("\n", "↵")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
