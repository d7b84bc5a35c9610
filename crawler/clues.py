"""What the files of a model folder say of where the model comes from; the model card is left to crawler/parse.py.

A file that names a base model states it; where more than the file's word is needed to read a base model out of it, the
clue says what that rests on.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO, TypeVar

from crawler.headers import Header, front_matter, read_gguf, read_json, read_safetensors, read_yaml
from crawler.parse import Notes
from registry.ids import ID, split_url
from registry.records import LONGEST_LABEL, Relation, storable

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Clue:
    """A base model that a file of the folder names.

    `name` is a Hub id where it is one, else the text as it stands (a local path, a bare name); `relation` is a
    registry.records.Relation; `file` is a path within the folder and `field` stands in it. `why` is None where the file
    states it, else in a few words the heuristic that this rests on. `revision` is a branch, tag or commit.
    """

    name: str
    relation: str
    file: str
    field: str
    why: str | None
    revision: str | None = None


_ADAPTER, _MERGEKIT, _WEIGHTS, _CONFIG = range(4)  # the surest first
#: Names that are taken from one file.
_MOST_NAMES = 1_000
_MERGE_FILE = re.compile(r"mergekit.*\.ya?ml", re.DOTALL)
_CONFIGS = {"config.json", "model_index.json"}
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_SHARD = re.compile(r"-\d{5}-of-\d{5}(?=\.\w+$)")
#: A model in huggingface_hub's cache (https://huggingface.co/docs/huggingface_hub/guides/manage-cache).
_CACHED = re.compile(r"(?:^|[/\\])models--([^/\\]+)(?:[/\\]snapshots[/\\]([0-9a-f]{40}))?(?=[/\\]|$)")
_IN_CACHE = "the name is read out of a path of the Hub's cache"
#: llama.cpp, gguf-py/gguf/metadata.py: base models come from the card that lies beside the weights that are converted.
_COPIED = "a converter copies this from the card of the model it converts, whose own base it may be"
_CONVERTED = "a GGUF file is a conversion of the model that it names as its source"
_TITLES = "the id is made of an organization and a title"
_LOADED = "{} says which checkpoint it was loaded from"
#: sd-scripts, train_network.py: the base name of the file that training began from.
_BEGUN = "the trainer notes the name of the checkpoint that it began from"
_KIND = "the trainer's word for the kind of its base model, not a name"
_UNSAID = "the file does not say how it was made from it"

#: `enum llama_ftype` (https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h), its removed ones too.
_FILE_TYPES = dict(
    enumerate(
        "F32 F16 Q4_0 Q4_1 Q4_1_SOME_F16 Q4_2 Q4_3 Q8_0 Q5_0 Q5_1 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S "
        "Q5_K_M Q6_K IQ2_XXS IQ2_XS Q2_K_S IQ3_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S IQ3_M IQ2_S IQ2_M IQ4_XS IQ1_M BF16 "
        "Q4_0_4_4 Q4_0_4_8 Q4_0_8_8 TQ1_0 TQ2_0 MXFP4_MOE NVFP4 Q1_0".split()
    )
)
_GUESSED = 1024  # a bit beside them, where a reader of an old file guessed


def read_name(text: str) -> tuple[str, str | None, str | None]:
    """A base model's name in what a file gives for one, its revision, and what it was read out of.

    >>> read_name("https://huggingface.co/Qwen/Qwen3-8B")
    ('Qwen/Qwen3-8B', None, None)
    """
    text = storable(text).strip()
    if url := split_url(text):
        return *url, None
    cached = _CACHED.search(text)
    if cached and ID.fullmatch(name := cached[1].replace("--", "/")):
        return name, cached[2], _IN_CACHE
    return text, None, None


class Findings:
    """What the files of one folder say, collected while they are read in the order of their paths."""

    def __init__(self, folder: str) -> None:
        """`folder` is where it stands on disk."""
        self.card: dict[str, Any] | None = None
        self.notes = Notes()
        self._folder = folder
        self._has_card = False
        self._clues: dict[tuple[str, str, str], tuple[int, Clue]] = {}
        self._licenses: dict[tuple[str, str], str] = {}
        self._facts: dict[str, dict[str, None]] = {}

    @property
    def clues(self) -> tuple[Clue, ...]:
        """The clues, surest first; of the same in several shards of one model, the first."""
        return tuple(clue for _, clue in sorted(self._clues.values(), key=lambda ranked: ranked[0]))

    @property
    def licenses(self) -> tuple[tuple[str, str], ...]:
        """Licence labels, each with the file that states it."""
        return tuple((label, file) for (label, _), file in self._licenses.items())

    @property
    def facts(self) -> dict[str, str]:
        """What else the files say; several formats or quantizations are joined by commas."""
        return {name: ", ".join(said) for name, said in self._facts.items()}

    def read(self, path: str, file: BinaryIO, size: int) -> None:
        """Read the head of a file of the folder, if it is of a kind that says something."""
        name = path.rpartition("/")[2]
        lower = name.lower()
        if lower.endswith(".gguf"):
            self._fact("format", "gguf", several=True)
            self._gguf(path, self._values(path, read_gguf(file, size)))
        elif lower.endswith(".safetensors"):
            self._fact("format", "safetensors", several=True)
            self._safetensors(path, self._values(path, read_safetensors(file, size)))
        elif lower.endswith(_PICKLES):
            self._fact("format", "pickle", several=True)
        elif name == "adapter_config.json":
            self._adapter(path, self._values(path, read_json(file)))
        elif name == path:
            self._at_the_top(path, file)

    def _at_the_top(self, path: str, file: BinaryIO) -> None:
        """Files that speak for the whole folder only where they stand at its top."""
        if path.lower() == "readme.md":
            if not self._has_card:
                self._has_card = True
                header = front_matter(file)
                self.card = header.values
                self._values(path, header)
        elif _MERGE_FILE.fullmatch(path):
            self._mergekit(path, self._values(path, read_yaml(file)))
        elif path in _CONFIGS:
            self._config(path, self._values(path, read_json(file)))

    def _values(self, path: str, header: Header) -> dict[str, Any]:
        if header.defect:
            kind, reason = header.defect
            self.notes.add(kind, path, "", reason)
        return header.values or {}

    def _fact(self, name: str, value: object, several: bool = False) -> None:
        if isinstance(value, str) and value.strip() and (several or name not in self._facts):
            self._facts.setdefault(name, {})[storable(value.strip())[:LONGEST_LABEL]] = None

    def _license(self, path: str, field: str, label: object) -> None:
        if not isinstance(label, str) or not label.strip():
            return
        label = storable(label.strip())
        if len(label) > LONGEST_LABEL:
            self.notes.add("too-long", f"{path}: {field}", label, f"cut at {LONGEST_LABEL} characters")
        self._licenses.setdefault((label[:LONGEST_LABEL], _SHARD.sub("", path)), path)

    def _clue(
        self,
        rank: int,
        given: object,
        relation: Relation,
        path: str,
        field: str,
        why: str | None,
        revision: object = None,
    ) -> None:
        """Keep what a field gives for a base model, if it is a name."""
        if not isinstance(given, str) or not given.strip():
            self.notes.add("not-a-name", f"{path}: {field}", given, "a base model is named by text")
            return
        if len(given) > LONGEST_LABEL:
            self.notes.add("too-long", f"{path}: {field}", given, f"cut at {LONGEST_LABEL} characters")
        name, read, how = read_name(given[:LONGEST_LABEL])
        stated = revision.strip() if isinstance(revision, str) else ""
        reasons = "; ".join(reason for reason in (why, how) if reason)
        clue = Clue(name, relation, path, field, reasons or None, storable(stated)[:LONGEST_LABEL] or read)
        self._clues.setdefault((name, relation, _SHARD.sub("", path)), (rank, clue))

    def _most(self, path: str, named: Iterable[_T]) -> list[_T]:
        """As many of the models that a file names as are taken."""
        some = list(islice(named, _MOST_NAMES + 1))
        if len(some) > _MOST_NAMES:
            self.notes.add("too-long", path, "", f"names over {_MOST_NAMES:,} models; the others are left out")
        return some[:_MOST_NAMES]

    def _adapter(self, path: str, values: dict[str, Any]) -> None:
        """What PEFT writes (https://huggingface.co/docs/peft/package_reference/config): `revision` is the base's."""
        field = "base_model_name_or_path"
        if not values:
            return
        self._fact("library_name", "peft")
        self._fact("peft_type", values.get("peft_type"))
        if values.get(field) not in (None, ""):
            self._clue(_ADAPTER, values[field], Relation.ADAPTER, path, field, None, values.get("revision"))

    def _mergekit(self, path: str, values: dict[str, Any]) -> None:
        for field, name, revision in self._most(path, merged_models(values)):
            self._clue(_MERGEKIT, name, Relation.MERGE, path, field, None, revision)

    def _config(self, path: str, values: dict[str, Any]) -> None:
        given, quantized = values.get("_name_or_path"), values.get("quantization_config")
        for library in ("diffusers", "transformers"):
            if {f"{library}_version", f"_{library}_version"} & values.keys():
                self._fact("library_name", library)
        architectures = values.get("architectures")
        for named in (*(architectures[:1] if isinstance(architectures, list) else ()), values.get("_class_name")):
            self._fact("architecture", named)
        if isinstance(quantized, dict):
            self._fact("quantization", quantized.get("quant_method"), several=True)
        if given not in (None, "") and not (isinstance(given, str) and self._is_own(given)):
            relation = Relation.QUANTIZED if isinstance(quantized, dict) else Relation.FINETUNE
            self._clue(_CONFIG, given, relation, path, "_name_or_path", _LOADED.format(path))

    def _is_own(self, name: str) -> bool:
        """Whether a name is the folder, or something in it."""
        if "\0" in name:
            return False
        place = os.path.normpath(os.path.join(self._folder, name.strip()))
        return place == self._folder or (place.startswith(self._folder + os.sep) and os.path.lexists(place))

    def _gguf(self, path: str, values: dict[str, Any]) -> None:
        self._fact("architecture", values.get("general.architecture"))
        self._fact("quantized_by", values.get("general.quantized_by"))
        file_type = values.get("general.file_type")
        if isinstance(file_type, int) and file_type >= 0:
            self._fact("quantization", _FILE_TYPES.get(file_type & ~_GUESSED), several=True)
        self._license(path, "general.license", values.get("general.license"))
        for field in _SOURCES:
            name = hub_name(values.get(field), bare=field.endswith(".repository"))
            if name:
                self._clue(_WEIGHTS, name, Relation.QUANTIZED, path, field, _CONVERTED)
        parents = list(_gguf_parents(values))
        # On the Hub a GGUF file of any type is a quantization, one of floats too: `base_model_relation` has no word for
        # a conversion. Several bases are a merge, as in a card, and an adapter stays one.
        relation = Relation.MERGE if len(parents) > 1 else Relation.QUANTIZED
        why: str | None = _COPIED
        if values.get("general.type") == "adapter":
            relation, why = Relation.ADAPTER, None
        for field, name, how in parents:
            self._clue(_WEIGHTS, name, relation, path, field, "; ".join(filter(None, (why, how))) or None)

    def _safetensors(self, path: str, values: dict[str, Any]) -> None:
        self._fact("architecture", values.get("modelspec.architecture"))
        self._license(path, "modelspec.license", values.get("modelspec.license"))
        merged = values.get("modelspec.merged_from", "").split(",", _MOST_NAMES + 1)
        for name in self._most(path, filter(str.strip, merged)):
            self._clue(_WEIGHTS, name, Relation.MERGE, path, "modelspec.merged_from", None)
        # modelspec names adapters so: https://github.com/Stability-AI/ModelSpec#architecture-id-listing
        adapts = "ss_network_module" in values or values.get("modelspec.architecture", "").endswith("lora")
        relation = Relation.ADAPTER if adapts else Relation.UNKNOWN
        for field in ("base_model", "base_model_name_or_path"):
            if values.get(field, "").strip():
                self._clue(_WEIGHTS, values[field], relation, path, field, None if adapts else _UNSAID)
        relation = Relation.ADAPTER if adapts else Relation.FINETUNE
        for field, why in (("ss_sd_model_name", _BEGUN), ("ss_base_model_version", _KIND)):
            if values.get(field, "").strip() not in ("", "None"):
                self._clue(_WEIGHTS, values[field], relation, path, field, why)


_SOURCES = (
    "general.source.huggingface.repository",
    "general.source.hugginface.repository",
    "general.source.repo_url",
    "general.source.url",
)
_PARENT = re.compile(r"general\.base_model\.([0-9]+)\.")


def hub_name(value: object, bare: bool = False) -> str | None:
    """The id in the URL of a model's page on the Hub, or with `bare` in an id that stands alone."""
    if not isinstance(value, str):
        return None
    if url := split_url(value.strip()):
        return url[0]
    return value.strip() if bare and ID.fullmatch(value.strip()) else None


def _gguf_parents(values: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """The base models in a GGUF header: the key that names each, its name, and how that was read.

    Their count is a key of its own, which nothing here needs.
    """
    numbers = dict.fromkeys(int(found[1]) for key in values if (found := _PARENT.match(key)))
    for number in sorted(numbers):
        prefix = f"general.base_model.{number}."
        for field in ("repo_url", "url"):
            if page := hub_name(values.get(prefix + field)):
                yield prefix + field, page, None
                break
        else:
            yield from _titled(prefix, values)


def _titled(prefix: str, values: dict[str, Any]) -> Iterator[tuple[str, str, str | None]]:
    """A base model that has a title and perhaps an organization: `Meta Llama` and `Llama 3 8B`."""
    name, owner = values.get(prefix + "name"), values.get(prefix + "organization")
    if not isinstance(name, str) or not name.strip():
        return
    joined = f"{'-'.join(owner.split())}/{'-'.join(name.split())}" if isinstance(owner, str) else ""
    if "/" not in name and "/" in joined[1:] and ID.fullmatch(joined):
        yield prefix + "name", joined, _TITLES
    else:
        yield prefix + "name", name, None


def merged_models(config: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """The models that a mergekit configuration merges, the LoRAs applied to them among them: field, name, revision.

    Source: https://github.com/arcee-ai/mergekit, `MergeConfiguration` in mergekit/config.py, `MoEMergeConfig` in
    mergekit/moe/config.py, and `ModelReference` in mergekit/common.py.
    """
    yield from _reference("base_model", config.get("base_model"))
    yield from _outputs("", config)
    modules = config.get("modules")
    for name, module in modules.items() if isinstance(modules, dict) else ():
        if isinstance(module, dict):
            yield from _outputs(f"modules.{storable(name)[:100]}.", module)
    for field in ("experts", "shared_experts"):
        for expert in _objects(config.get(field)):
            yield from _reference(f"{field}[].source_model", expert.get("source_model"))


def _outputs(prefix: str, config: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for model in _objects(config.get("models")):
        yield from _reference(f"{prefix}models[].model", model.get("model"))
    for output in _objects(config.get("slices")):
        yield from _reference(f"{prefix}slices[].base_model", output.get("base_model"))
        for source in _objects(output.get("sources")):
            yield from _reference(f"{prefix}slices[].sources[].model", source.get("model"))


def _objects(value: object) -> Iterable[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _reference(field: str, value: object) -> Iterator[tuple[str, Any, Any]]:
    """A model, and the LoRA applied to it: `model@revision+lora@revision`, or an object of the two."""
    parts: list[object]
    if isinstance(value, str):
        split = value.split("+")
        parts = [*split] if len(split) == 2 else [value]
    elif isinstance(value, dict):
        parts = [value.get("model"), value.get("lora")]
    else:
        parts = [value]
    for part in parts:
        if isinstance(part, dict):
            yield field, part.get("path"), part.get("revision")
        elif isinstance(part, str) and part.count("@") == 1:
            name, _, revision = part.partition("@")
            yield field, name, revision
        elif part is not None:
            yield field, part, None
