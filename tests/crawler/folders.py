"""Small model folders, byte by byte: what training libraries and converters write, without any of them."""

import json
import struct
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from crawler.headers import Header
from registry.records import DEFECT_KINDS

#: A commit of Qwen/Qwen3-8B.
SHA = "b968826d9c46dd6066d109eabc6255188de91218"
Value = str | int | float | bool | list[str] | list[int]


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def text(value: str | bytes, order: str = "<") -> bytes:
    """A text as GGUF writes it."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(f"{order}Q", len(data)) + data


def typed(value: Value, order: str = "<") -> bytes:
    """A value of GGUF with its type before it."""
    if isinstance(value, bool):
        return struct.pack(f"{order}I?", 7, value)
    if isinstance(value, int):
        return struct.pack(f"{order}II", 4, value)
    if isinstance(value, float):
        return struct.pack(f"{order}If", 6, value)
    if isinstance(value, str):
        return struct.pack(f"{order}I", 8) + text(value, order)
    kind = 8 if value and isinstance(value[0], str) else 4
    items = [text(item, order) if isinstance(item, str) else struct.pack(f"{order}I", item) for item in value]
    return struct.pack(f"{order}IIQ", 9, kind, len(value)) + b"".join(items)


def pair(key: str, packed: bytes, order: str = "<") -> bytes:
    return text(key, order) + packed


def gguf(values: Mapping[str, Value], order: str = "<", version: int = 3, tensors: bytes = b"\0" * 64) -> bytes:
    pairs = [pair(key, typed(value, order), order) for key, value in values.items()]
    return gguf_of(len(pairs), b"".join(pairs), order, version) + tensors


def gguf_of(count: int, pairs: bytes, order: str = "<", version: int = 3, tensors: int = 0) -> bytes:
    """A GGUF file of which its maker says how many pairs it has."""
    return b"GGUF" + struct.pack(f"{order}IQQ", version, tensors, count) + pairs


def safetensors(metadata: Mapping[str, object] | None = None, tensors: int = 1) -> bytes:
    header: dict[str, object] = {} if metadata is None else {"__metadata__": metadata}
    for n in range(tensors):
        header[f"layers.{n}.weight"] = {"dtype": "F32", "shape": [1], "data_offsets": [4 * n, 4 * n + 4]}
    data = json.dumps(header).encode()
    return struct.pack("<Q", len(data)) + data + b"\0\0\x80?" * tensors


#: The keys that llama.cpp writes, with a vocabulary before the last, as llama-quantize leaves them.
QWEN_GGUF: dict[str, Value] = {
    "general.architecture": "qwen3",
    "general.type": "model",
    "general.name": "Qwen3 8B",
    "general.license": "apache-2.0",
    "general.quantized_by": "Unsloth",
    "general.base_model.count": 1,
    "general.base_model.0.name": "Qwen3 8B Base",
    "general.base_model.0.organization": "Qwen",
    "general.base_model.0.repo_url": "https://huggingface.co/Qwen/Qwen3-8B-Base",
    "general.tags": ["text-generation"],
    "qwen3.context_length": 40960,
    "qwen3.rope.freq_base": 1000000.0,
    "tokenizer.ggml.tokens": ["!", '"', "Ġthe"],
    "tokenizer.ggml.token_type": [1, 1, 1],
    "tokenizer.ggml.add_bos_token": False,
    "general.file_type": 15,
}

CARD = """---
base_model: Qwen/Qwen3-8B
library_name: peft
license: apache-2.0
date: 2025-04-27
tags:
- base_model:adapter:Qwen/Qwen3-8B
- lora
---

# A card
"""

MERGE = """
base_model: mistralai/Mistral-7B-v0.1
merge_method: dare_ties
dtype: bfloat16
models:
  - model: mistralai/Mistral-7B-v0.1
  - model: HuggingFaceH4/zephyr-7b-beta@b70e0c9
    parameters: {density: 0.5, weight: 0.5}
  - model: teknium/OpenHermes-2.5-Mistral-7B+some/lora@main
"""


def adapter(folder: Path) -> Path:
    """What PEFT saves."""
    config = {
        "base_model_name_or_path": "Qwen/Qwen3-8B",
        "peft_type": "LORA",
        "r": 16,
        "revision": SHA,
        "target_modules": ["q_proj", "v_proj"],
        "task_type": "CAUSAL_LM",
    }
    files: dict[str, str | bytes] = {"adapter_config.json": json.dumps(config), "README.md": CARD}
    files["adapter_model.safetensors"] = safetensors({"format": "pt"})
    return write(folder, files)


def merge(folder: Path) -> Path:
    """What mergekit writes."""
    config = json.dumps({"architectures": ["MistralForCausalLM"], "_name_or_path": "mistralai/Mistral-7B-v0.1"})
    files: dict[str, str | bytes] = {"mergekit_config.yml": MERGE, "config.json": config}
    files["model.safetensors"] = safetensors({"format": "pt"})
    return write(folder, files)


def finetune(folder: Path, shards: int = 2, **config: object) -> Path:
    """What transformers saves."""
    facts = {"architectures": ["LlamaForCausalLM"], "transformers_version": "4.40.0"}
    files: dict[str, str | bytes] = {"config.json": json.dumps(facts | config)}
    for n in range(1, shards + 1):
        files[f"model-{n:05}-of-{shards:05}.safetensors"] = safetensors({"format": "pt"}, tensors=n)
    return write(folder, files)


def reason(header: Header, kind: str = "broken-file") -> str:
    assert header.defect is not None
    assert header.defect[0] == kind
    return header.defect[1]


def sparse(path: Path, start: bytes, size: int) -> Path:
    with path.open("wb") as file:
        file.write(start)
        file.truncate(size)
    return path


def peak_of(read: Callable[[BinaryIO], Header], path: Path) -> tuple[Header, int]:
    """What a reader says of a file, and the most bytes that it held meanwhile."""
    with path.open("rb") as file:
        tracemalloc.start()
        try:
            return read(file), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def check(header: Header) -> None:
    """A reader never raises: what it says can be stored, and a fault has a reason of one line."""
    json.dumps(header.values)
    if header.defect:
        kind, said = header.defect
        assert kind in DEFECT_KINDS
        assert "\n" not in said
