"""Notebooks: their code cells as one Python file, of which each line knows where in the notebook it stands.

Source: https://nbformat.readthedocs.io/en/latest/format_description.html#code-cells.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from crawler.commands import mentions_in_commands
from crawler.mentions import Lines, urls
from crawler.python_code import Found, parses, read_python
from crawler.settings import Setting, json_settings

#: A line of IPython: a magic (`%`), a command of the shell (`!`), a question (`?`).
_MAGIC = re.compile(r"(\s*)([%!?])(.*)", re.DOTALL)
_SHELL_CELLS = ("%%bash", "%%sh", "%%script bash", "%%!")


def read_notebook(text: str) -> Found:
    """The models that the code cells of a notebook name; lines are those of the notebook's file."""
    code: list[tuple[str, int]] = []
    found = Found()
    for cell in _cells(json_settings(text)):
        if cell[0][0].startswith(_SHELL_CELLS):
            _keep(found, _commands(cell), cell)
            continue
        own = cell[1:] if cell[0][0].startswith("%%") else cell
        commands = [(magic[3], at) for line, at in own if (magic := _MAGIC.fullmatch(line)) and magic[2] == "!"]
        _keep(found, _commands(commands), commands)
        plain = [(_without_magic(line), at) for line, at in own]
        if parses(_joined(plain)):
            code += plain
        else:
            _keep(found, read_python(_joined(plain)), plain)
    _keep(found, read_python(_joined(code)), code)
    return found


def _cells(settings: Iterator[Setting]) -> Iterator[list[tuple[str, int]]]:
    """The lines of each code cell, each with its line in the file."""
    kinds: dict[int, str] = {}
    sources: defaultdict[int, list[tuple[str, int]]] = defaultdict(list)
    for setting in settings:
        if setting.key == "cell_type":
            kinds[setting.owner] = setting.value
        elif setting.key == "source":
            texts = setting.value.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
            sources[setting.owner] += [(text, setting.line) for text in texts]
    for owner, lines in sources.items():
        if kinds.get(owner) == "code":
            yield lines


def _joined(lines: list[tuple[str, int]]) -> str:
    return "\n".join(line for line, _ in lines)


def _without_magic(line: str) -> str:
    magic = _MAGIC.fullmatch(line)
    return f"{magic[1]}pass" if magic else line


def _commands(lines: list[tuple[str, int]]) -> Found:
    text = _joined(lines)
    return Found([*mentions_in_commands(text), *urls(text, Lines(text))])


def _keep(found: Found, more: Found, lines: list[tuple[str, int]]) -> None:
    """Add what some lines say, by where they stand in the notebook."""
    found.unnamed += more.unnamed
    found.mentions += [replace(mention, line=lines[mention.line - 1][1]) for mention in more.mentions]
