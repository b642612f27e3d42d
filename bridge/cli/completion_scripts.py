"""Completion scripts, one function for each shell, of the places that ``completion.nodes`` finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.cli.completion_tree import Node, Option


def bash(nodes: Sequence[Node]) -> str:
    """For bash 3.2 and later; files are completed by readline."""
    cases = "\n".join(
        f"        {_quoted(_place(node))}) words={_quoted(' '.join([*node.following, *node.choices]))}; "
        f"options={_quoted(' '.join(name for one in node.options for name in one.names))} ;;"
        for node in nodes
    )
    values = "\n".join(
        f"        {places}) words={_quoted(' '.join(one.choices))}; options=; value=1 ;;"
        for one, places in _values(nodes)
    )
    return f"""# sfbridge in bash: source <(sfbridge completion bash)
_sfbridge() {{
    local cur="${{COMP_WORDS[COMP_CWORD]}}" prev="${{COMP_WORDS[COMP_CWORD-1]}}" at="" words="" options="" value="" i
    if [[ $cur == "=" ]]; then cur=""; elif [[ $prev == "=" ]]; then prev="${{COMP_WORDS[COMP_CWORD-2]}}"; fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${{COMP_WORDS[i]}}" in
        {_steps(nodes)}) at="${{at:+$at }}${{COMP_WORDS[i]}}" ;;
        esac
    done
    case "$at" in
{cases}
    esac
    case "$at|$prev" in
{values}
    esac
    if [[ $cur == -* && -z $value ]]; then words="$options"; fi
    COMPREPLY=()
    if [[ -n $words ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
        compopt +o default 2>/dev/null
    fi
}}
complete -o default -F _sfbridge sfbridge
"""


def zsh(nodes: Sequence[Node]) -> str:
    """For zsh with its completion system (``compinit``)."""
    cases = "\n".join(
        f"    ({_quoted(_place(node))}) following=({_described(_following(node))}); "
        f"options=({_described((name, one.words) for one in node.options for name in one.names)}) ;;"
        for node in nodes
    )
    values = "\n".join(
        f"    ({places}) {('compadd -- ' + ' '.join(one.choices)) if one.choices else '_files'}; return ;;"
        for one, places in _values(nodes)
    )
    return f"""#compdef sfbridge
# sfbridge in zsh: source <(sfbridge completion zsh)
_sfbridge() {{
    local at="" i
    local -a following options
    for ((i = 2; i < CURRENT; i++)); do
        case "$at ${{words[i]}}" in
        ({_steps(nodes)}) at="${{at:+$at }}${{words[i]}}" ;;
        esac
    done
    case "$at|${{words[CURRENT-1]}}" in
{values}
    esac
    case "$at" in
{cases}
    esac
    if [[ ${{words[CURRENT]}} == -* ]]; then
        _describe -o option options
    elif (( $#following )); then
        _describe command following
    else
        _files
    fi
}}
if [[ "$funcstack[1]" == _sfbridge ]]; then _sfbridge "$@"; else compdef _sfbridge sfbridge; fi
"""


def fish(nodes: Sequence[Node]) -> str:
    """For fish 3 and later."""
    lines = [
        "# sfbridge in fish: sfbridge completion fish | source",
        "function __sfbridge_is",
        "    set -l at ''",
        "    for word in (commandline -opc)[2..-1]",
        '        switch "$at $word"',
        f"            case {_steps(nodes, ' ')}",
        '                set at (string trim "$at $word")',
        "        end",
        "    end",
        '    test "$argv[1]" = "$at"',
        "end",
        "complete -c sfbridge -e",
    ]
    for node in nodes:
        here = f"complete -c sfbridge -n '__sfbridge_is \"{_place(node)}\"'"
        following = list(_following(node))
        for name, words in following:
            lines.append(f"{here} -f -a {_quoted(name)} -d {_quoted(words)}")
        if not following and not node.file:
            lines.append(f"{here} -f")
        lines += [f"{here} {_fish_option(one)}" for one in node.options]
    return "\n".join(lines) + "\n"


def _fish_option(option: Option) -> str:
    names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)
    value = ""
    if option.choices:
        value = f" -x -a {_quoted(' '.join(option.choices))}"
    elif option.takes_value:
        value = " -r -F" if option.file else " -x"
    return f"{names}{value} -d {_quoted(option.words)}"


def _following(node: Node) -> Iterator[tuple[str, str]]:
    yield from node.following.items()
    for choice in node.choices:
        yield choice, ""


def _place(node: Node) -> str:
    return " ".join(node.path)


def _steps(nodes: Sequence[Node], between: str = "|") -> str:
    """Patterns of a place and the word that leads from it to another place."""
    steps = (f"{' '.join(node.path[:-1])} {node.path[-1]}" for node in nodes if node.path)
    return between.join(_quoted(step) for step in steps)


def _values(nodes: Sequence[Node]) -> Iterator[tuple[Option, str]]:
    """Options that take a value, with patterns of a place and the option."""
    for node in nodes:
        for option in node.options:
            if option.takes_value:
                yield option, "|".join(_quoted(f"{_place(node)}|{name}") for name in option.names)


def _described(words: Iterator[tuple[str, str]]) -> str:
    """For zsh's ``_describe``: ``word:what it is``."""
    return " ".join(_quoted(f"{name.replace(':', chr(92) + ':')}:{words}") for name, words in words)


def _quoted(text: str) -> str:
    """For a shell, without line breaks."""
    return "'" + " ".join(text.split("\n")).replace("'", "'\\''") + "'"
