"""What is fuzzed: each target takes any bytes, reads them as the product does, and raises only if that went wrong.

The product's own errors, which tell people what to mend, are no findings. A target also expects what the product
promises of whatever it read: that it can be stored, and written as JSON.
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, is_dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from crawler.code import read_code
from crawler.headers import Header, front_matter, read_gguf, read_json, read_safetensors, read_yaml
from crawler.parse import parse
from crawler.raw import Line, Unreadable
from lineage.front_matter import FrontMatterError, with_fields
from lineage.listing import list_line, listed
from lineage.policy import read_policy
from registry.records import RegistryError

#: Inputs from which fuzzing starts, and those that once went wrong: a folder for each target.
CORPUS = Path(__file__).parent / "corpus"


def card(data: bytes) -> None:
    """A README: its front matter, as it is read of a folder, and parsed as a card."""
    header = front_matter(BytesIO(data))
    _expect_plain(header)
    _expect_plain(read_yaml(BytesIO(data)))
    _parse({"id": "me/M", "cardData": header.values})


def edit(data: bytes) -> None:
    """A README of which fields are changed in place: each then says what was put there."""
    fields = {"license": "mit", "base_model": ["Qwen/Base"], "tags": None}
    with suppress(FrontMatterError):
        values = front_matter(BytesIO(with_fields(data.decode("utf-8", "replace"), fields).encode())).values
        assert values is None or {name: values.get(name) for name in fields} == fields, "not as it was to be"


def row(data: bytes) -> None:
    """A row of the Hub's API."""
    said = Line(data, "line 1").row()
    if not isinstance(said, Unreadable):
        _parse(said)


def gguf(data: bytes) -> None:
    """The head of a GGUF file."""
    _expect_plain(read_gguf(BytesIO(data), len(data)))


def safetensors(data: bytes) -> None:
    """The head of a safetensors file, and a config file of JSON."""
    _expect_plain(read_safetensors(BytesIO(data), len(data)))
    _expect_plain(read_json(BytesIO(data)))


def policy(data: bytes) -> None:
    """A policy file."""
    try:
        read_policy(_file("lineage.toml", data))
    except RegistryError as error:
        _expect_line(str(error))


def names(data: bytes) -> None:
    """A list of models; what code named can be written and read again."""
    try:
        found = listed(data, "list.txt")
    except RegistryError as error:
        _expect_line(str(error))
        return
    for one in found:
        if one.place is not None:
            line = list_line(one.name, None, one.place).encode()
            assert [again.place for again in listed(line, "list.txt")] == [one.place]


def python(data: bytes) -> None:
    """A file of Python code."""
    _scan("code.py", data)


def notebook(data: bytes) -> None:
    """A notebook."""
    _scan("code.ipynb", data)


def settings(data: bytes) -> None:
    """Files of settings and commands: YAML, JSON, TOML, shell."""
    for name in ("code.yaml", "code.json", "code.toml", "code.sh"):
        _scan(name, data)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (card, edit, gguf, safetensors, policy, row, names, python, notebook, settings)
}


def _expect_plain(header: Header) -> None:
    """Its values are JSON, and a fault has a reason of one line."""
    json.dumps(header.values, allow_nan=False)
    if header.defect:
        _expect_line(header.defect[1])


def _expect_line(said: str) -> None:
    assert said, "a reason without words"
    assert "\n" not in said, f"a reason of several lines: {said!r}"


def _parse(said: object) -> None:
    """A row is a record or a reason, and all that is kept can be stored."""
    found, loose = parse(said)
    assert (found is None) == bool(loose), "neither a record nor a reason"
    for text in _texts((found, loose)):
        assert "\x00" not in text, "NUL cannot be stored"
        text.encode()


def _scan(name: str, data: bytes) -> None:
    lines = data.count(b"\n") + data.count(b"\r") + 1
    for file in read_code([_file(name, data)]):
        for mention in file.mentions:
            assert 1 <= mention.line <= lines, f"line {mention.line} of {lines}"
            for text in _texts(asdict(mention) if is_dataclass(mention) else mention):
                text.encode()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _texts(item)


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.write_bytes(data)
    return path


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="torture-"))
