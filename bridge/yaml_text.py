"""YAML that people or others wrote, taken in within bounds.

A few aliases in one another stand for billions of values, and merging them takes as long; brackets may be nested as
deep as a text is long. Depth and the number of values, aliases followed, are looked at before anything is made of them.
"""

from __future__ import annotations

from typing import Final

import yaml

DEEPEST: Final = 50
MOST: Final = 100_000
"""Values that a document may stand for."""


class NoYamlError(ValueError):
    """What is wrong with a text, as the end of a sentence that begins with its name."""


def documents_of(text: str) -> list[object]:
    """Every document of a text. NoYamlError, the end of a sentence, for what is no YAML or beyond the bounds."""
    try:
        _check_depth(text)
        loader = yaml.SafeLoader(text)
        documents = []
        while loader.check_node():
            node = loader.get_node()
            assert node is not None, "check_node has seen it"
            _check_size(node)
            documents.append(loader.construct_document(node))
        return documents
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "a character that YAML does not have"
        raise NoYamlError(f"is no YAML{where}: {problem}") from None
    except NoYamlError:
        raise
    except (ValueError, OverflowError, RecursionError):  # a date or a number that there is not
        raise NoYamlError("holds a date or a number that there is not") from None


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.events.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.events.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark is not None else 0
            raise NoYamlError(f"is nested more than {DEEPEST} deep in line {line}")


def _check_size(root: yaml.Node) -> None:
    sizes: dict[int, int] = {}

    def size(node: yaml.Node, above: frozenset[int]) -> int:
        if id(node) in above:
            raise NoYamlError(f"refers to itself in line {node.start_mark.line + 1}")
        if id(node) not in sizes:
            parts = node.value if isinstance(node, yaml.CollectionNode) else ()
            inner = [one for part in parts for one in (part if isinstance(part, tuple) else (part,))]
            sizes[id(node)] = 1 + sum(size(one, above | {id(node)}) for one in inner)
            if (
                not inner
                and isinstance(node.value, str)
                and any("\ud800" <= c <= "\udfff" for c in node.value)
            ):
                raise NoYamlError(f"holds half a character in line {node.start_mark.line + 1}")
        if sizes[id(node)] > MOST:
            raise NoYamlError(f"stands for more than {MOST} values, its aliases followed")
        return sizes[id(node)]

    size(root, frozenset())
