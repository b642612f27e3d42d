"""Apache Avro's own verdicts: ``python -m tests.support.avro_judge`` reads pairs of schemas, a JSON list of reader and
writer in each line, and answers a line each: ``true`` or ``false`` (the reader reads what the writer wrote),
``invalid`` (Avro takes one of them for no schema) or ``error`` (the comparison itself throws, which the registry counts
as incompatible)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.support.java import class_path, java

ROOT = Path(__file__).resolve().parents[2]


def verdicts(pairs: Iterable[tuple[object, object]]) -> list[str]:
    """Avro's verdict on each (reader, writer), both as parsed JSON. One JVM for all."""
    lines = "".join(f"{json.dumps([json.dumps(r), json.dumps(w)])}\n" for r, w in pairs)
    command = [sys.executable, "-m", "tests.support.avro_judge"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.split()


def _jvm_of(binary: str) -> str:
    """The library of the JVM that a ``java`` belongs to."""
    home = Path(binary).parents[1]
    return str(next(home.rglob("libjvm.so")))


def main() -> int:
    """Answer standard input."""
    import jpype

    classes = class_path("avro").split(os.pathsep)
    jpype.startJVM(_jvm_of(java()), "-Xmx256m", "-XX:TieredStopAtLevel=1", classpath=classes)
    schema = jpype.JClass("org.apache.avro.Schema")
    compatibility = jpype.JClass("org.apache.avro.SchemaCompatibility")
    for line in sys.stdin:
        reader, writer = json.loads(line)
        try:
            parsed = [schema.Parser().parse(text) for text in (reader, writer)]
        except jpype.JException:
            print("invalid")
            continue
        try:
            result = compatibility.checkReaderWriterCompatibility(*parsed).getResult()
            print("true" if result.getIncompatibilities().isEmpty() else "false")
        except jpype.JException:
            print("error")
    return 0


if __name__ == "__main__":
    sys.exit(main())
