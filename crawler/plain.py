"""YAML as plain JSON values: of anybody's file, within limits, and without running or copying anything."""

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

#: Nodes of a YAML document with all its aliases written out; 64 characters of text count as another one.
_MOST_NODES = 100_000
_DEEPEST = 50


class Refused(Exception):
    """What cannot be read, and why."""


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read; `key` waits for its value."""

    anchor: str | None
    value: list[Any] | dict[str, Any]
    weight: int = 1
    height: int = 1
    key: str | None = None
    wants_key: bool = True


@dataclass(slots=True)
class Plain:
    """A YAML document as plain JSON values, built from the events of its parser.

    No tag makes an object, `<<` is a name like any other, and an alias weighs what it stands for: so nothing is run,
    nothing is copied, and nothing is deeper or larger than its limit (https://en.wikipedia.org/wiki/Billion_laughs).
    """

    _open: list[_Open] = field(default_factory=list)
    _anchors: dict[str, tuple[Any, int, int]] = field(default_factory=dict)
    _documents: int = 0
    _whole: Any = None

    def read(self, text: str) -> Any:
        """The document's value; Refused where it is none, or too much."""
        try:
            for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
            raise Refused(f"no YAML{line}") from error
        except yaml.YAMLError as error:
            raise Refused("no YAML") from error
        return self._whole

    def _take(self, event: object) -> None:
        if isinstance(event, yaml.ScalarEvent):
            value = event.value if self._awaits_key() else _scalar(event)
            self._add(value, 1 + len(event.value) // 64, 0, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise Refused("an alias of what is not there, or of itself")
            self._add(*self._anchors[event.anchor], None)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._expect_room(1)
            self._open.append(_Open(event.anchor, {} if isinstance(event, yaml.MappingStartEvent) else []))
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            self._add(done.value, done.weight, done.height, done.anchor)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise Refused("several documents in one")

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].wants_key

    def _expect_room(self, height: int) -> None:
        """Whether something of so many levels may stand here: an alias is as deep as what it stands for."""
        if len(self._open) + height > _DEEPEST:
            raise Refused(f"nested deeper than {_DEEPEST} levels")

    def _add(self, value: Any, weight: int, height: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, weight, height)
        if not self._open:
            self._whole = value
            return
        top = self._open[-1]
        self._expect_room(height)
        top.weight, top.height = top.weight + weight, max(top.height, height + 1)
        if top.weight > _MOST_NODES:
            raise Refused(f"over {_MOST_NODES:,} values")
        if isinstance(top.value, list):
            top.value.append(value)
        elif top.wants_key:
            # JSON has no lists or mappings for names: such a pair is left out.
            top.key = None if isinstance(value, (list, dict)) else str(value)
            top.wants_key = False
        else:
            if top.key is not None:
                top.value[top.key] = value
            top.wants_key = True


_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, bool | None] = dict.fromkeys(["", "~", "null", "Null", "NULL"])
_WORDS |= dict.fromkeys(["true", "True", "TRUE"], True)
_WORDS |= dict.fromkeys(["false", "False", "FALSE"], False)


def _scalar(event: yaml.ScalarEvent) -> str | int | float | bool | None:
    """A plain scalar as YAML 1.2's core schema reads it (https://yaml.org/spec/1.2.2/#103-core-schema), so that `no` is
    Norwegian; dates, and numbers that JSON has not, stay the text they are."""
    text: str = event.value
    if event.style or event.tag or len(text) > 40:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text
