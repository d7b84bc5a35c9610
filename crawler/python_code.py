"""Python code: the models that calls, arguments, assignments and constants name.

Code is parsed, never run. What does not parse is read by patterns, line by line.
"""

import ast
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from crawler.mentions import REVISION_KEYS, TYPE_KEYS, Lines, Mention, called_model, names_model, pin, set_model, urls

#: Calls that name a model, and where: the place of the argument, and the names that it has.
MODEL_CALLS: dict[str, tuple[int, tuple[str, ...]]] = {
    "from_pretrained": (0, ("pretrained_model_name_or_path", "pretrained_model_name", "model_name", "model_id")),
    "pipeline": (1, ("model",)),
    "snapshot_download": (0, ("repo_id",)),
    "hf_hub_download": (0, ("repo_id",)),
    "model_info": (0, ("repo_id",)),
    "SentenceTransformer": (0, ("model_name_or_path",)),
    "CrossEncoder": (0, ("model_name_or_path", "model_name")),
    "LLM": (0, ("model",)),
    "InferenceClient": (0, ("model",)),
}
#: Calls that write what they name, or are about what is no model.
_OTHERS = re.compile(
    r"push_to_hub|upload_\w+|(?:create|delete|move|duplicate)_(?:repo|branch|tag|commit|file|folder)"
    r"|\w*dataset\w*|space_\w+|\w+_space\w*",
    re.IGNORECASE,
)
#: Calls whose first argument is the name of a setting, and whose second or `default` is what it is unless it is set.
_DEFAULTS = {"add_argument", "option", "get", "getenv", "setdefault"}


@dataclass(slots=True)
class Found:
    """What a file holds: its mentions, and how many calls name a model by what cannot be known without running it."""

    mentions: list[Mention] = field(default_factory=list)
    unnamed: int = 0

    def tidied(self) -> "Found":
        """In the order of the lines, the same id once a line: as the first that said it, with a revision if one did."""
        best: dict[tuple[int, str], Mention] = {}
        for mention in self.mentions:
            held = best.get((mention.line, mention.name))
            if held is None or (held.revision is None and mention.revision is not None):
                best[mention.line, mention.name] = mention
        return Found(sorted(best.values(), key=lambda m: (m.line, m.name)), self.unnamed)


def read_python(text: str) -> Found:
    """The models that Python code names."""
    tree = _parsed(text)
    if tree is None:
        return Found([*_by_patterns(text), *urls(text, Lines(text))])
    found = _Reader(tree).read()
    found.mentions += urls(text, Lines(text))
    return found


def parses(text: str) -> bool:
    """Whether it is Python code of today."""
    return _parsed(text) is not None


def _parsed(text: str) -> ast.Module | None:
    """The code as a tree; None where it is no Python of today, or too much of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of invalid escapes, which are not ours
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


class _Reader:
    """The tree of a file, read for models."""

    def __init__(self, tree: ast.Module) -> None:
        self._nodes = list(ast.walk(tree))
        self._values = _bound(self._nodes)
        self._found = Found()

    def read(self) -> Found:
        """Calls first, for they say more than the names of what they are given."""
        calls = [node for node in self._nodes if isinstance(node, ast.Call)]
        aside = {id(keyword) for call in calls if _is_other(call) for keyword in call.keywords}
        for call in calls:
            if not _is_other(call):
                self._call(call)
        for node in self._nodes:
            if id(node) not in aside:
                for name, value in _settings(node):
                    self._setting(name, value)
        return self._found

    def _call(self, call: ast.Call) -> None:
        name = _name(call.func)
        if name in _DEFAULTS:
            self._default(call)
        if name not in MODEL_CALLS:
            return
        place, names = MODEL_CALLS[name]
        given = _argument(call, place, names)
        if given is None and not call.args and not call.keywords:
            return  # LLM(): a class of somebody's own
        texts = self._texts(given) if given is not None else []
        if not texts:
            self._found.unnamed += 1
        for text in texts:
            if found := called_model(text.value):
                revision = self._revision(call)
                self._found.mentions.append(Mention(found[0], revision or found[1], text.lineno, f"{name}()"))

    def _revision(self, call: ast.Call) -> str | None:
        given = _argument(call, None, REVISION_KEYS)
        texts = self._texts(given) if given is not None else []
        return pin(texts[0].value) if len(texts) == 1 else None

    def _default(self, call: ast.Call) -> None:
        """`add_argument("--model", default="owner/name")`, `getenv("MODEL_ID", "owner/name")`."""
        names = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        given = _argument(call, 1, ("default",))
        flags = [name for name in names[:3] if name.startswith("-")] or names[:1]
        if given is not None and (naming := next(filter(names_model, flags), None)):
            self._setting(naming, given)

    def _setting(self, name: str, value: ast.expr) -> None:
        for text in _literals(value):
            if found := set_model(text.value):
                self._found.mentions.append(Mention(*found, text.lineno, name))

    def _texts(self, value: ast.expr) -> "list[_Text]":
        """The texts that a value can be, those of a name that the file gives nothing but texts."""
        if isinstance(value, ast.Name):
            return self._values.get(value.id, [])
        return list(_literals(value))


@dataclass(frozen=True, slots=True)
class _Text:
    """A text that stands in the code, and its line."""

    value: str
    lineno: int


def _literals(value: ast.expr) -> "Iterator[_Text]":
    """The texts that a value is, or may be: of a list all, of a condition both, of `x or "text"` that."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield _Text(node.value, node.lineno)
        elif isinstance(node, ast.IfExp):
            waiting += [node.orelse, node.body]
        elif isinstance(node, ast.BoolOp):
            waiting += reversed(node.values)
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            waiting += reversed(node.elts)


def _bound(nodes: Iterable[ast.AST]) -> dict[str, list[_Text]]:
    """The names that a file gives nothing but one text, or one of several."""
    texts: defaultdict[str, list[_Text]] = defaultdict(list)
    times: defaultdict[str, int] = defaultdict(int)
    for node in nodes:
        for name in _binds(node):
            times[name] += 1
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            for target in _targets(node):
                if isinstance(target, ast.Name):
                    texts[target.id] += _literals(node.value)
    return {name: held for name, held in texts.items() if len(held) == times[name]}


def _binds(node: ast.AST) -> Iterator[str]:
    """The names that a node gives a value."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name


def _settings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What a node gives to a name that says it is a model's: an argument, a variable, a key, a parameter's default."""
    named: Iterable[tuple[str | None, ast.expr | None]] = ()
    if isinstance(node, ast.keyword):
        named = [(node.arg, node.value)]
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        named = [(_target_name(target), node.value) for target in _targets(node)]
    elif isinstance(node, ast.Dict):
        named = [(_text_of(key), value) for key, value in zip(node.keys, node.values, strict=True)]
        if any(_text_of(key) in TYPE_KEYS and _text_of(value) != "model" for key, value in _pairs(node)):
            named = []
    elif isinstance(node, ast.arguments):
        given = [*node.posonlyargs, *node.args]
        named = zip((arg.arg for arg in given[len(given) - len(node.defaults) :]), node.defaults, strict=True)
        named = [*named, *zip((arg.arg for arg in node.kwonlyargs), node.kw_defaults, strict=True)]
    for name, value in named:
        if name is not None and value is not None and names_model(name):
            yield name, value


def _pairs(node: ast.Dict) -> Iterator[tuple[ast.expr | None, ast.expr]]:
    return zip(node.keys, node.values, strict=True)


def _targets(node: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def _target_name(target: ast.expr) -> str | None:
    """What a variable, an attribute or a key is called."""
    return _text_of(target.slice) if isinstance(target, ast.Subscript) else _name(target)


def _text_of(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _name(node: ast.expr) -> str | None:
    """The last part of a dotted name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def _argument(call: ast.Call, place: int | None, names: Iterable[str]) -> ast.expr | None:
    """An argument by its place or one of its names."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if found := next((given[name] for name in names if name in given), None):
        return found
    before = call.args[: place + 1] if place is not None else []
    if place is None or len(before) <= place or any(isinstance(arg, ast.Starred) for arg in before):
        return None
    return before[place]


def _is_other(call: ast.Call) -> bool:
    """Whether a call is about a dataset or space, or writes to the Hub."""
    if _OTHERS.fullmatch(_name(call.func) or ""):
        return True
    kind = _argument(call, None, TYPE_KEYS)
    return kind is not None and _text_of(kind) != "model" and not (isinstance(kind, ast.Constant) and not kind.value)


_CALLED = "|".join(MODEL_CALLS)
_QUOTED = r"""["'](?P<text>[^"'\n]{1,300})["']"""
#: A call, an assignment or argument, and a key, as far as one line shows them.
_PATTERNS = (
    re.compile(rf"\b(?P<name>{_CALLED})\s{{0,20}}\(\s{{0,200}}(?:\w{{1,60}}\s?=\s?)?{_QUOTED}"),
    re.compile(rf"\b(?P<name>[A-Za-z_]\w{{1,99}})\s{{0,20}}=\s{{0,20}}{_QUOTED}"),
    re.compile(rf"[\"'](?P<name>[A-Za-z_]\w{{1,99}})[\"']\s{{0,20}}:\s{{0,20}}{_QUOTED}"),
)
_DATASET = re.compile(r"""repo_type\s?=\s?["'](?!model)|load_dataset|push_to_hub|\bdataset_info""")


def _by_patterns(text: str) -> Iterator[Mention]:
    """What can be read of code that does not parse; lines about datasets are left out."""
    lines = Lines(text)
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            name = match["name"]
            before = text[max(0, match.start() - 300) : match.start()].rpartition("\n")[2]
            line = before + match[0] + text[match.end() : match.end() + 300].partition("\n")[0]
            if _DATASET.search(line) or not (name in MODEL_CALLS or names_model(name)):
                continue
            found = called_model(match["text"]) if name in MODEL_CALLS else set_model(match["text"])
            if found:
                yield Mention(*found, lines.at(match.start("text")), f"{name}()" if name in MODEL_CALLS else name)
