"""Change fields of a card's front matter, and leave every other byte as it is: comments, order, quotes, line ends."""

import re
from collections.abc import Collection, Mapping, Sequence

import yaml

from registry.records import RegistryError

Value = str | Sequence[str] | None
_Pair = tuple[yaml.Node, yaml.Node]
_TEXT = "tag:yaml.org,2002:str"
_OPENING = re.compile(r"\ufeff?\s*---[ \t]*(\r\n|\r|\n)")
_CLOSING = re.compile(r"(?<=[\r\n])---[ \t]*(?=[\r\n]|\Z)")


class FrontMatterError(RegistryError):
    """Front matter that cannot be changed without changing more; the message ends with the way out."""


def block(fields: Mapping[str, Value]) -> str:
    """Fields as YAML lines; those of None, which are to go, are left out."""
    return "".join(_line(name, value) for name, value in fields.items() if value is not None)


def with_fields(card: str, fields: Mapping[str, Value]) -> str:
    """A card (README.md) whose front matter has these fields: changed in place, added at its end, or (None) taken out.

    Raises FrontMatterError where that cannot be done without touching anything else.
    """
    opening = _OPENING.match(card)
    if opening is None:
        newline = "\r\n" if "\r\n" in card else "\n"
        return f"---\n{block(fields)}---\n".replace("\n", newline) + card
    closing = _CLOSING.search(card, opening.end())
    if closing is None:
        raise FrontMatterError("the front matter of README.md has no end: close it with a line ---")
    head, text, tail = card[: opening.end()], card[opening.end() : closing.start()], card[closing.start() :]
    changed = _changed(text, fields, opening[1])
    _expect_the_rest_unchanged(text, changed, fields)
    return head + changed + tail


def _changed(text: str, fields: Mapping[str, Value], newline: str) -> str:
    """The lines between the marks, with these fields."""
    root = _composed(text)
    if root is None:
        return text + block(fields).replace("\n", newline)
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise _by_hand("it is no list of fields, one a line")
    added = dict(fields)
    for key, value in reversed(root.value):
        if isinstance(key, yaml.ScalarNode) and key.value in fields:
            new = added.pop(key.value, None)
            lines = "" if new is None else _line(key.value, new).replace("\n", newline)
            text = _replaced(text, key.start_mark.index, _end(value), lines)
    missing_end = "" if text.endswith(("\n", "\r")) else newline
    return text + missing_end + block(added).replace("\n", newline)


def _replaced(text: str, start: int, end: int, lines: str) -> str:
    """The text with a field replaced by lines; a comment behind the field stays, unless the field goes."""
    rest = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)?").match(text, end)
    behind = rest[0] if rest and text[end - 1] not in "\r\n" else ""  # a block of text ends with its last line
    if lines and behind.strip().startswith("#"):
        return text[:start] + lines.rstrip("\r\n") + text[end:]
    return text[:start] + lines + text[end + len(behind) :]


def _end(node: yaml.Node) -> int:
    """Where a value ends: the mark of a block lies behind the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def _line(name: str, value: Value) -> str:
    """A field as YAML, in the way in which people write cards."""
    plain = value if isinstance(value, str) else list(value or ())
    said: str = yaml.safe_dump({name: plain}, default_flow_style=False, allow_unicode=True, width=10**6)
    return said


def _expect_the_rest_unchanged(before: str, after: str, fields: Mapping[str, Value]) -> None:
    """Compared as nodes, of which an alias names one: written out, a few lines of aliases can fill any memory."""
    old, new = _pairs(before), _pairs(after)
    for name, value in fields.items():
        put = [] if value is None else [value if isinstance(value, str) else list(value)]
        if [_said(node) for key, node in new if key.value == name] != put:
            raise _by_hand(f"{name} stands there in a way of its own")
    if _written(old, fields) != _written(new, fields):
        raise _by_hand("other fields would change")


def _composed(text: str) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _by_hand("it is no YAML") from error
    return node


def _pairs(text: str) -> list[_Pair]:
    """The fields between the marks; their names are words, and none of them comes from elsewhere in the text (`<<`)."""
    root = _composed(text)
    pairs: list[_Pair] = root.value if isinstance(root, yaml.MappingNode) else []
    if any(not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge" for key, _ in pairs):
        raise _by_hand("not all its names are words")
    return pairs


def _said(node: yaml.Node) -> object:
    """The text, or list of texts, in a field; None of what is neither."""
    if isinstance(node, yaml.SequenceNode):
        return [item.value if item.tag == _TEXT else None for item in node.value]
    return node.value if node.tag == _TEXT else None


def _written(pairs: Sequence[_Pair], besides: Collection[str]) -> str:
    """Fields as YAML, but for some."""
    kept = [(key, value) for key, value in pairs if key.value not in besides]
    try:
        return str(yaml.serialize(yaml.MappingNode("tag:yaml.org,2002:map", kept), Dumper=yaml.SafeDumper))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _by_hand("it is no YAML that could be written again") from error


def _by_hand(why: str) -> FrontMatterError:
    return FrontMatterError(f"the front matter of README.md cannot be changed by itself ({why}): put the lines by hand")
