"""YAML, JSON and TOML files of a code base: the settings in them that name models, with their lines.

The files are anybody's. They are read as tokens from the first to the last: nothing is built of them, no tag or alias
means anything, and what comes after a fault is left.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import yaml

from crawler.mentions import REVISION_KEYS, TYPE_KEYS, Lines, Mention, names_model, pin, set_model

_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Setting:
    """A text that stands under a key, itself or in a list (`listed`); `owner` tells the mappings of a file apart."""

    owner: int
    key: str
    value: str
    line: int
    listed: bool = False


def mentions_in(settings: Iterator[Setting]) -> Iterator[Mention]:
    """The models that settings name, but those beside which it says that they are datasets or spaces.

    An option that names a model may stand in a list (`args: ["--model", "owner/name"]`).
    """
    beside: defaultdict[int, dict[str, str]] = defaultdict(dict)
    naming = []
    option = Setting(0, "", "", 0)
    for setting in settings:
        if setting.key in REVISION_KEYS or setting.key in TYPE_KEYS:
            beside[setting.owner][setting.key] = setting.value
        elif names_model(setting.key):
            naming.append(setting)
        elif (setting.owner, setting.key) == (option.owner, option.key) and names_model(option.value):
            naming.append(replace(setting, key=option.value))
        option = setting if setting.value.startswith("--") else Setting(0, "", "", 0)
    for setting in naming:
        facts = beside.get(setting.owner, {})
        found = set_model(setting.value)
        if found and all(facts.get(key, "model") == "model" for key in TYPE_KEYS):
            # What stands beside a list says of none of the models in it.
            stated = None if setting.listed else next((facts[key] for key in REVISION_KEYS if key in facts), None)
            yield Mention(found[0], pin(stated) or found[1], setting.line, setting.key)


class _Nest:
    """Where in a file we are: the mappings and lists around it, each with the key that waits for a value."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str, bool]] = []
        self._count = 0
        self._key: str | None = None

    @property
    def too_deep(self) -> bool:
        return len(self._open) > _DEEPEST

    @property
    def wants_key(self) -> bool:
        """Whether a text here is the name of something."""
        return bool(self._open) and self._open[-1][2] and self._key is None

    def name(self, key: str) -> None:
        self._key = key

    def value(self, text: str, line: int) -> Setting | None:
        """A text in the place of a value; None where it stands under no key."""
        if not self._open:
            return None
        owner, key, mapping = self._open[-1]
        under = self._key if mapping else key
        self._key = None
        return Setting(owner, under, text, line, listed=not mapping) if under else None

    def begin(self, *, mapping: bool) -> None:
        self._count += 1
        outer = self._open[-1] if self._open else (0, "", False)
        key = (self._key if outer[2] else outer[1]) or ""
        # A list belongs to the mapping that it stands in.
        self._open.append((self._count, "", True) if mapping else (outer[0], key, False))
        self._key = None

    def end(self) -> None:
        if self._open:
            self._open.pop()
        self._key = None


def yaml_settings(text: str) -> Iterator[Setting]:
    """The settings of a YAML file; of one that is broken those before the fault."""
    nest = _Nest()
    with suppress(yaml.YAMLError):
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.CollectionStartEvent):
                nest.begin(mapping=isinstance(event, yaml.MappingStartEvent))
            elif isinstance(event, yaml.CollectionEndEvent):
                nest.end()
            elif isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
                value = event.value if isinstance(event, yaml.ScalarEvent) else ""
                if nest.wants_key:
                    nest.name(value)
                elif setting := nest.value(value, _line(event)):
                    yield setting
            if nest.too_deep:
                return


def expect_yaml(text: str) -> None:
    """Raises ValueError where a text is no YAML from beginning to end."""
    try:
        for _ in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            pass
    except yaml.YAMLError as error:
        raise ValueError("no YAML") from error


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


#: A text without an end reaches to the end of the file, so that no part of a file is read twice.
_JSON = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}\[\],:]|[^\s{}\[\],:"]++', re.DOTALL)


def json_settings(text: str) -> Iterator[Setting]:
    """The settings of a JSON file."""
    nest, lines = _Nest(), Lines(text)
    for token in _JSON.finditer(text):
        kind = token[0][0]
        if kind in "{[":
            nest.begin(mapping=kind == "{")
        elif kind in "}]":
            nest.end()
        elif kind == '"' and nest.wants_key:
            nest.name(_string(token[0]))
        elif kind not in ",:" and (setting := nest.value(_string(token[0]), lines.at(token.start()))):
            yield setting
        if nest.too_deep:
            return


def _string(token: str) -> str:
    """What a JSON string says; empty for what is none."""
    try:
        value = json.loads(token)
    except (ValueError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""


_TOML = re.compile(
    r'(?P<skip>#[^\n]*+|"""(?:[^\\"]|\\.|"(?!""))*+(?:"""|\\?\Z)|\'\'\'(?:[^\']|\'(?!\'\'))*+(?:\'\'\'|\Z))'
    r'|(?P<text>"(?:[^"\\\n]|\\[^\n])*+(?:"|\\?(?=\n|\Z))|\'[^\'\n]*+\')'
    r"|(?P<word>[\w.+:-]++)|(?P<sign>[\[\]{}=,\n])",
    re.DOTALL,
)


class _Toml:
    """A TOML file at a place in it: which table that is, the key that was read, and how deep in lists it is."""

    def __init__(self) -> None:
        self._table = self._tables = 0
        self._outer: list[int] = []
        self._last = self._key = ""
        self._depth = 0

    def sign(self, sign: str) -> None:
        """What a sign of the syntax changes."""
        if sign == "=":
            self._key = self._last.rpartition(".")[2]
        elif sign == "[":
            self._depth += 1
            if not self._key:  # the header of a table
                self._tables += 1
                self._table = self._tables
        elif sign == "]":
            self._depth = max(0, self._depth - 1)
        elif sign == "{":
            self._outer.append(self._table)
            self._tables += 1
            self._table, self._key = self._tables, ""
        elif sign == "}" and self._outer:
            self._table = self._outer.pop()
        if (sign == "\n" and not self._depth) or (sign == "," and self._outer and not self._depth):
            self._key = ""

    def text(self, text: str, line: int, *, quoted: bool) -> Setting | None:
        """A word: the value of a setting, or the name of the next one."""
        if self._key and quoted:
            return Setting(self._table, self._key, text, line, listed=self._depth > 0)
        self._last = text
        return None


def toml_settings(text: str) -> Iterator[Setting]:
    """The settings of a TOML file."""
    lines, toml = Lines(text), _Toml()
    for token in _TOML.finditer(text):
        if token["sign"]:
            toml.sign(token["sign"])
        elif not token["skip"]:
            quoted = token["text"] is not None
            word = token[0][1:-1] if quoted else token[0]
            if setting := toml.text(word, lines.at(token.start()), quoted=quoted):
                yield setting
