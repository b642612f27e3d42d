"""What holds of every .proto text: what is written back parses to the same, and nothing is raised but one error."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.errors import Fatal
from bridge.languages.protobuf import File, InvalidProto, parse, render
from bridge.languages.protobuf.descriptors import descriptor
from bridge.languages.protobuf.elements import Enum, Import, Message
from tests.unit.languages.protobuf.test_language import EVERYTHING

PLACES = {"at", "begin", "end", "last_field", "import_place", "text"}
LIKE = st.booleans()
WORDS = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
KINDS = st.sampled_from(["int32", "string", "bytes", "double", "map<string, int64>", "M0", ".p.M0", "a.b.C"])
BLANKS = st.sampled_from([" ", "\n", "\t", " // c\n", ' /* ; } " */ '])
VALUES = st.sampled_from(
    [
        *("true", "7", "-1.5e3", "0x1f", "WORD", "[1, WORD]"),
        *('"text\\n"', "'it''s'", '"\\x41" "b"'),
        *('{ a: "x", b: [1, 2] }', "{ a { b: [{}] } [p.q]: X }"),
    ]
)
NAMED = st.sampled_from(["deprecated", "(o.p)", "(o.p).q", "(.o).(x.y).z"])


@st.composite
def options(draw: st.DrawFn) -> str:
    """Options in brackets, or nothing."""
    given = [f"{name} = {value}" for name, value in draw(st.lists(st.tuples(NAMED, VALUES), max_size=2))]
    given += draw(st.sampled_from([[], ['json_name = "J"'], ["default = 7"]]))
    return f"[{', '.join(given)}]" if given else ""


@st.composite
def members(draw: st.DrawFn, depth: int, label: str) -> str:
    """What stands in a message's braces."""
    out = []
    for _ in range(draw(st.integers(0, 4))):
        number, name, gap = draw(st.integers(1, 2000)), draw(WORDS), draw(BLANKS)
        kind = draw(KINDS)
        before = "" if kind.startswith("map") else draw(st.sampled_from([label, "repeated", "optional"]))
        match draw(st.integers(0, 6)):
            case 0:
                out.append(
                    f"oneof {name}{gap}{{ {kind.replace('map<string, int64>', 'bool')} x = {number}; }}"
                )
            case 1:
                out.append(
                    f'reserved {number},{gap}3000 to {draw(st.sampled_from(["4000", "max"]))}; reserved "{name}";'
                )
            case 2 if depth:
                out.append(f"message {name} {{{draw(members(depth - 1, label))}}}")
            case 3:
                out.append(
                    f"enum {name} {{ option allow_alias = true; A = 0;{gap}B = -{number} {draw(options())}; }}"
                )
            case 4:
                out.append(f"option {draw(NAMED)} = {draw(VALUES)};")
            case _:
                out.append(f"{before} {kind}{gap}{name} = {number}{draw(options())};")
    return draw(BLANKS).join(out)


@st.composite
def files(draw: st.DrawFn) -> str:
    """Texts of files that both readings take, with comments and odd spacing."""
    syntax = draw(st.sampled_from(["proto2", "proto3"]))
    made = [f'syntax = "{syntax}";', draw(BLANKS)]
    made += draw(
        st.lists(
            st.sampled_from(["package p;", 'import "a.proto";', 'import public "b/c.proto";']), unique=True
        )
    )
    made += [
        f"option {name} = {value};" for name, value in draw(st.lists(st.tuples(NAMED, VALUES), max_size=2))
    ]
    label = "" if syntax == "proto3" else "required"
    made += [f"message M{number} {{{draw(members(2, label))}}}" for number in range(draw(st.integers(0, 3)))]
    if draw(st.booleans()):
        made.append("extend M0 { optional int32 e = 9; } service S { rpc R (stream M0) returns (.p.M0); }")
    return "".join(made)


def meaning(value: Any) -> Any:
    """Elements without their places, in the order in which they are written back."""
    if isinstance(value, list | tuple):
        ordered = value
        if any(isinstance(item, Message | Enum) for item in value):
            ordered = sorted(value, key=lambda item: isinstance(item, Enum))
        elif any(isinstance(item, Import) for item in value):
            ordered = sorted(value, key=lambda item: item.kind)
        return [meaning(item) for item in ordered]
    if isinstance(value, dict):
        return {key: meaning(item) for key, item in value.items()}
    if not attrs.has(type(value)):
        return value
    parts = {
        f.name: meaning(getattr(value, f.name)) for f in attrs.fields(type(value)) if f.name not in PLACES
    }
    return type(value).__name__, parts


@given(files(), LIKE)
def test_what_is_written_back_parses_to_the_same(text: str, like_registry: bool) -> None:
    file = parse(text, like_registry=like_registry)
    once = render(file)
    again = parse(once, like_registry=like_registry)
    assert meaning(again) == meaning(file)
    assert render(again) == once


@given(files())
def test_both_readings_agree_where_both_take_a_text(text: str) -> None:
    assert meaning(parse(text)) == meaning(parse(text, like_registry=True))


@given(files())
def test_places_are_where_they_say(text: str) -> None:
    def visit(message: Message) -> None:
        assert text[message.begin] == "{"
        assert text[message.end] == "}"
        assert text[message.last_field] in (";}" if message.every_field() else "{")
        assert message.begin <= message.last_field < message.end
        places = [field.at for field in message.every_field()]
        assert places == sorted(places)
        for nested in message.messages:
            assert message.begin < nested.begin < nested.end < message.end
            visit(nested)

    file = parse(text)
    assert text[file.import_place - 1] == ";"
    for message in file.messages:
        visit(message)


def refused(text: str, *, like_registry: bool) -> str | None:
    """What is wrong, None where nothing is. Whatever is taken can be written, and written again."""
    try:
        file = parse(text, like_registry=like_registry)
    except InvalidProto as error:
        return f"{error.fault} {error.message}"
    assert isinstance(file, File)
    render(file)
    return None


@given(
    st.text("message{}=;[]()<>\"' 1.ab/*-,\\\n", max_size=60)
    | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1"))
    | st.text(max_size=40),
    LIKE,
)
@example("message A { string a = 08; }", False)
@example("message A { reserved", False)
@example("message A {" * 1000, True)
@example("option a = " + "[" * 2000, True)
@example("message A { repeated " + "map<" * 2000, True)
@example('import "\\q";', False)
@example("message A { int32 a = " + "9" * 6000, True)
def test_anything_else_is_one_sentence(text: str, like_registry: bool) -> None:
    said = refused(text, like_registry=like_registry)
    assert said is None or (said.startswith("Syntax error in :") and "line " in said)


def not_compiled(text: str) -> str | None:
    """Why there is no descriptor of the text."""
    try:
        descriptor(parse(text))
    except Fatal as error:
        return error.message
    return None


@given(
    files() | st.just(EVERYTHING),
    st.integers(0, 2000),
    st.integers(0, 7),
    st.text("{}[]<>();=\"'/*\\ .-0a\n", max_size=3),
)
def test_a_text_that_is_cut_off_or_damaged(text: str, cut: int, hole: int, other: str) -> None:
    for damaged in (text[:cut], text[:cut] + other + text[cut + hole :]):
        refused(damaged, like_registry=True)
        assert "\n" not in (not_compiled(damaged) or "")
