"""What stands at the head of a model's files: front matter, GGUF keys, safetensors metadata, and small config files.

The files are anybody's: every read has a limit, a number in a file is checked against the file before it is believed,
and no reader raises. What came before a fault is kept, with the fault.
"""

import json
import re
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

from crawler.plain import Plain, Refused
from registry.records import storable

#: Bytes of front matter, or of a YAML file.
YAML_LIMIT = 1_000_000
#: Bytes of a JSON file. A config that names the 21,841 classes of ImageNet has over one million.
JSON_LIMIT = 4_000_000
#: Bytes of a header of weights: a vocabulary of 256,000 tokens with its merges has ten million.
HEADER_LIMIT = 16 * 1024 * 1024
#: The format's own limit (https://huggingface.co/docs/safetensors/index#format).
_SAFETENSORS_LIMIT = 100_000_000
#: Bytes that are read of one text in a GGUF file.
_LONGEST_TEXT = 64 * 1024
#: How a pointer of Git LFS begins, which stands where a file was not fetched
#: (https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md).
_POINTER = b"version "
_IS_POINTER = "a Git LFS pointer in place of the file: `git lfs pull` fetches it"
#: Front matter as the Hub's own library finds it (huggingface_hub, `REGEX_YAML_BLOCK`).
_OPENING = re.compile(r"\s*---[ \t]*(?:\r\n|\r|\n)")
_CLOSING = re.compile(r"^---[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Header:
    """What a file's head says: None where it has none, or none that can be read; and what is wrong with it, if so.

    A `defect` is one of registry.records.DEFECT_KINDS, and the reason.
    """

    values: dict[str, Any] | None
    defect: tuple[str, str] | None = None


def _broken(reason: str) -> Header:
    return Header(None, ("broken-file", reason))


def front_matter(file: BinaryIO) -> Header:
    """The metadata between the `---` lines that a README begins with; None without."""
    data = file.read(YAML_LIMIT + 1)
    text = data[:YAML_LIMIT].decode("utf-8-sig", "replace")
    opening = _OPENING.match(text)
    if opening is None:
        return Header(None)
    text = text[opening.end() :].replace("\r\n", "\n").replace("\r", "\n")
    closing = _CLOSING.search(text)
    if closing is None:
        where = f" in its first {YAML_LIMIT:,} bytes" if len(data) > YAML_LIMIT else ""
        return _broken(f"its front matter has no end{where}")
    return _mapping(text[: closing.start()], "its front matter")


def read_yaml(file: BinaryIO) -> Header:
    """A YAML file that is one mapping."""
    data = file.read(YAML_LIMIT + 1)
    if len(data) > YAML_LIMIT:
        return _broken(f"over the {YAML_LIMIT:,} bytes that are read of such a file")
    return _mapping(data.decode("utf-8-sig", "replace"), "it")


def read_json(file: BinaryIO) -> Header:
    """A JSON file that is one object."""
    data = file.read(JSON_LIMIT + 1)
    if len(data) > JSON_LIMIT:
        return _broken(f"over the {JSON_LIMIT:,} bytes that are read of such a file")
    try:
        value = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return Header(None, ("bad-json", "no JSON"))
    return Header(value) if isinstance(value, dict) else Header(None, ("not-an-object", "no JSON object"))


def _mapping(text: str, what: str) -> Header:
    try:
        value = Plain().read(text)
    except Refused as error:
        return _broken(f"{what} cannot be read: {error}")
    if value is None:
        return Header({})
    if not isinstance(value, dict):
        return Header(None, ("bad-type", f"{what} is no mapping of names to values"))
    if "\ufffd" in text:
        return Header(value, ("unstorable-text", f"{what} holds characters that are not text"))
    return Header(value)


def read_safetensors(file: BinaryIO, size: int) -> Header:
    """The texts in the `__metadata__` of a safetensors file of `size` bytes; `{}` without any.

    Source: https://huggingface.co/docs/safetensors/index#format.
    """
    try:
        metadata = _metadata(file, size)
    except Refused as error:
        return _broken(str(error))
    return Header({name: storable(text) for name, text in metadata.items() if isinstance(text, str)})


def _metadata(file: BinaryIO, size: int) -> dict[str, Any]:
    start = file.read(8)
    if len(start) < 8:
        raise Refused("too short for a safetensors file")
    if start == _POINTER:
        raise Refused(_IS_POINTER)
    length = int.from_bytes(start, "little")
    if length > size - 8:
        raise Refused(f"claims a header of {length:,} bytes, and has {size - 8:,}")
    if length > _SAFETENSORS_LIMIT:
        raise Refused(f"claims a header of {length:,} bytes; the format allows {_SAFETENSORS_LIMIT:,}")
    if length > HEADER_LIMIT:
        raise Refused(f"has a header of {length:,} bytes; {HEADER_LIMIT:,} are read at most")
    try:
        header = json.loads(file.read(length).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Refused("its header is no JSON") from error
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict):
        raise Refused("its header, or the metadata in it, is no JSON object")
    return metadata


#: Keys that are kept of a GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#general-metadata); the
#: one of a Hugging Face repository is an older version's, its misspelling too (llama.cpp, gguf-py/gguf/constants.py).
_KEPT = re.compile(
    r"general\.(?:architecture|file_type|license|quantized_by|type"
    r"|source\.(?:url|repo_url|hugging?face\.repository)"
    r"|base_model\.[0-9]{1,3}\.(?:name|organization|url|repo_url))"
)
_LONGEST_KEY = 65_535
_STRING, _ARRAY = 8, 9
#: struct's letters for GGUF's types of numbers; 7 is a truth value.
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_SIZES = {kind: struct.calcsize(f"<{letter}") for kind, letter in _NUMBERS.items()}
#: The least bytes that an element of a type has.
_LEAST = _SIZES | {_STRING: 8, _ARRAY: 12}
_LEAST_PAIR = 8 + 4 + 1
_LEAST_TENSOR = 8 + 4 + 4 + 8
_DEEPEST_ARRAY = 8


def read_gguf(file: BinaryIO, size: int) -> Header:
    """The keys of a GGUF file of `size` bytes that say where it comes from; tensors are not read.

    Versions 2 and 3, of which the latter may be big-endian.
    Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#file-structure.
    """
    values: dict[str, Any] = {}
    try:
        _Gguf(file, size).read(values)
    except Refused as error:
        return Header(values, ("broken-file", str(error)))
    return Header(values)


class _Gguf:
    """A GGUF file at a place in its header."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._at = 0
        self._order = "<"

    def read(self, values: dict[str, Any]) -> None:
        """Put what is kept into `values`, as far as it goes; Refused where it does not go on."""
        start = self._file.read(8)
        self._at = len(start)
        if start == _POINTER:
            raise Refused(_IS_POINTER)
        if len(start) < 8 or start[:4] != b"GGUF":
            raise Refused("no GGUF file")
        version = int.from_bytes(start[4:], "little")
        if version & 0xFFFF == 0:  # as llama.cpp tells the byte order: versions are small numbers
            self._order = ">"
            version = int.from_bytes(start[4:], "big")
        if version not in (2, 3):
            raise Refused(f"GGUF version {version}: 2 and 3 are read")
        tensors, pairs = self._number("Q"), self._number("Q")
        self._expect(tensors, _LEAST_TENSOR, "tensors")
        self._expect(pairs, _LEAST_PAIR, "keys")
        for _ in range(pairs):
            key = self._key()
            value = self._value(kept=_KEPT.fullmatch(key) is not None)
            if value is not None:
                values.setdefault(key, value)

    def _take(self, count: int) -> bytes:
        self._check(count)
        data = self._file.read(count)
        if len(data) < count:
            raise Refused(f"breaks off at byte {self._at + len(data):,}")
        self._at += count
        return data

    def _skip(self, count: int) -> None:
        self._check(count)
        self._file.seek(count, 1)
        self._at += count

    def _check(self, count: int) -> None:
        """Whether so many bytes are there, before any is read."""
        if count > self._size - self._at:
            raise Refused(f"wants {count:,} bytes at byte {self._at:,}, and has {self._size - self._at:,}")
        if self._at + count > HEADER_LIMIT:
            raise Refused(f"its header is over {HEADER_LIMIT:,} bytes; what came before is kept")

    def _expect(self, count: int, least: int, what: str) -> None:
        """Whether the file is large enough for so many of something, before any is looked at."""
        if count * least > self._size - self._at:
            raise Refused(f"claims {count:,} {what} at byte {self._at:,}, and has {self._size - self._at:,} bytes")

    def _number(self, letter: str) -> int:
        packed = struct.Struct(self._order + letter)
        number: int = packed.unpack(self._take(packed.size))[0]
        return number

    def _key(self) -> str:
        length = self._number("Q")
        if length > _LONGEST_KEY:
            raise Refused(f"claims a key of {length:,} bytes at byte {self._at:,}")
        return self._take(length).decode("ascii", "replace")

    def _value(self, kept: bool) -> str | int | None:
        """A value that is text or a whole number, if it is one to keep."""
        kind = self._number("I")
        if kind == _STRING:
            return self._text(kept)
        if kind == _ARRAY:
            self._skip_array(1)
            return None
        letter = _NUMBERS.get(kind)
        if letter is None:
            raise Refused(f"a value of no known type ({kind}) at byte {self._at:,}")
        if kept and letter not in "f?d":
            return self._number(letter)
        self._skip(_SIZES[kind])
        return None

    def _text(self, kept: bool) -> str | None:
        length = self._number("Q")
        self._check(length)
        read = min(length, _LONGEST_TEXT) if kept else 0
        text = storable(self._take(read).decode("utf-8", "replace"))
        self._skip(length - read)
        return text if kept else None

    def _skip_array(self, depth: int) -> None:
        kind, count = self._number("I"), self._number("Q")
        if kind not in _LEAST or depth > _DEEPEST_ARRAY:
            raise Refused(f"an array of no known type ({kind}), or nested too deep, at byte {self._at:,}")
        self._expect(count, _LEAST[kind], "elements")
        if kind in _SIZES:
            self._skip(count * _SIZES[kind])
            return
        if kind == _STRING:
            self._skip_texts(count)
            return
        for _ in range(count):
            self._skip_array(depth + 1)

    def _skip_texts(self, count: int) -> None:
        """As `_text` so many times; vocabularies have hundreds of thousands, so that every call counts."""
        read, seek, unpack = self._file.read, self._file.seek, struct.Struct(self._order + "Q").unpack
        end = min(self._size, HEADER_LIMIT)
        for _ in range(count):
            if self._at + 8 > end:
                self._check(8)
            packed = read(8)
            if len(packed) < 8:
                raise Refused(f"breaks off at byte {self._at + len(packed):,}")
            self._at += 8
            (length,) = unpack(packed)
            if self._at + length > end:
                self._check(length)
            seek(length, 1)
            self._at += length
