"""What the files of a model folder say of base models and licences, and how surely."""

import json
import shutil
import struct
import sys
from pathlib import Path

import pytest

from crawler.folder import Clue, ModelFolder, read_folder
from crawler.parse import parse
from registry.records import DEFECT_KINDS, Evidence, Parent, Relation
from tests.crawler.folders import (
    QWEN_GGUF,
    SHA,
    Value,
    adapter,
    finetune,
    gguf,
    gguf_of,
    merge,
    pair,
    safetensors,
    typed,
    write,
)


def names(folder: ModelFolder) -> list[tuple[str, str]]:
    return [(clue.name, clue.relation) for clue in folder.clues]


def defects(folder: ModelFolder) -> list[tuple[str, str]]:
    assert {defect.kind for defect in folder.defects} <= DEFECT_KINDS.keys()
    return [(defect.kind, defect.field) for defect in folder.defects]


def of_files(tmp_path: Path, **files: object) -> ModelFolder:
    """A folder of JSON files."""
    shutil.rmtree(tmp_path / "m", ignore_errors=True)
    return read_folder(write(tmp_path / "m", {f"{name}.json": json.dumps(value) for name, value in files.items()}))


def of_weights(tmp_path: Path, metadata: dict[str, object]) -> ModelFolder:
    shutil.rmtree(tmp_path / "m", ignore_errors=True)
    return read_folder(write(tmp_path / "m", {"x.safetensors": safetensors(metadata)}))


def of_gguf(tmp_path: Path, values: dict[str, Value]) -> ModelFolder:
    shutil.rmtree(tmp_path / "m", ignore_errors=True)
    return read_folder(write(tmp_path / "m", {"x.gguf": gguf(values)}))


def test_an_adapter(tmp_path: Path) -> None:
    folder = read_folder(adapter(tmp_path / "my-lora"))
    field = "base_model_name_or_path"
    assert folder.clues == (Clue("Qwen/Qwen3-8B", Relation.ADAPTER, "adapter_config.json", field, None, SHA),)
    assert folder.facts == {"library_name": "peft", "peft_type": "LORA", "format": "safetensors"}
    assert folder.defects == ()
    assert [file.path for file in folder.files] == ["README.md", "adapter_config.json", "adapter_model.safetensors"]


def test_the_card_is_read_as_the_hubs(tmp_path: Path) -> None:
    card = read_folder(adapter(tmp_path / "my-lora")).card
    record, _ = parse({"id": "me/my-lora", "cardData": card, "tags": []})
    assert record is not None
    assert record.parents == (Parent("Qwen/Qwen3-8B", Relation.UNKNOWN, Evidence.CARD),)
    assert record.licenses == ("apache-2.0",)


def test_a_merge_names_its_models_once_and_then_its_configs_word(tmp_path: Path) -> None:
    folder = read_folder(merge(tmp_path / "merged"))
    file, listed = "mergekit_config.yml", "models[].model"
    assert folder.clues == (
        Clue("mistralai/Mistral-7B-v0.1", Relation.MERGE, file, "base_model", None),
        Clue("HuggingFaceH4/zephyr-7b-beta", Relation.MERGE, file, listed, None, "b70e0c9"),
        Clue("teknium/OpenHermes-2.5-Mistral-7B", Relation.MERGE, file, listed, None),
        Clue("some/lora", Relation.MERGE, file, listed, None, "main"),
        Clue(
            "mistralai/Mistral-7B-v0.1",
            Relation.FINETUNE,
            "config.json",
            "_name_or_path",
            "config.json says which checkpoint it was loaded from",
        ),
    )
    assert folder.facts == {"architecture": "MistralForCausalLM", "format": "safetensors"}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("slices:\n- sources:\n  - {model: a/A, layer_range: [0, 8]}\n  - {model: b/B}\n", ["a/A", "b/B"]),
        ("slices:\n- base_model: c/C\n  sources:\n  - model: a/A\n", ["c/C", "a/A"]),
        (
            "base_model: a/A\nexperts:\n- source_model: b/B\nshared_experts:\n- source_model: c/C\n",
            ["a/A", "b/B", "c/C"],
        ),
        (
            "modules:\n  text:\n    models:\n    - model: a/A\n    slices:\n    - sources: [{model: b/B}]\n",
            ["a/A", "b/B"],
        ),
        ("models:\n- model:\n    model: {path: a/A, revision: x}\n    lora: {path: l/L}\n", ["a/A", "l/L"]),
        ("models:\n- model: {model: a/A@x, lora: null}\n", ["a/A"]),
        ("models:\n- model: https://huggingface.co/a/A\n- model: ./out/step1\n", ["a/A", "./out/step1"]),
        ("models:\n- model: a+b+c\n- model: a@b@c\n", ["a+b+c", "a@b@c"]),
        ("models: a/A\nslices: {a: 1}\nmodules: [1]\nexperts: 3\n", []),
        ("models: [1, null, {}, {model: }, {model: ''}, {model: [1]}]\nbase_model: a/A\n", ["a/A"]),
    ],
)
def test_every_form_of_a_merge(tmp_path: Path, config: str, expected: list[str]) -> None:
    folder = read_folder(write(tmp_path / "m", {"mergekit_moe_config.yaml": config}))
    assert names(folder) == [(name, Relation.MERGE) for name in expected]


def test_of_a_merge_of_very_many_as_many_as_a_thousand_are_kept(tmp_path: Path) -> None:
    config = "models:\n" + "".join(f"- model: a/M{n}\n" for n in range(1_500))
    folder = read_folder(write(tmp_path / "m", {"mergekit_config.yml": config}))
    assert len(folder.clues) == 1_000
    assert defects(folder) == [("too-long", "mergekit_config.yml")]


def test_a_plain_finetune(tmp_path: Path) -> None:
    folder = read_folder(finetune(tmp_path / "m", _name_or_path="meta-llama/Llama-3.1-8B"))
    assert names(folder) == [("meta-llama/Llama-3.1-8B", Relation.FINETUNE)]
    assert folder.facts == {
        "library_name": "transformers",
        "architecture": "LlamaForCausalLM",
        "format": "safetensors",
    }


def test_a_quantized_config(tmp_path: Path) -> None:
    config = {"_name_or_path": "meta-llama/Llama-3.1-8B", "quantization_config": {"quant_method": "awq", "bits": 4}}
    folder = read_folder(finetune(tmp_path / "m", 1, **config))
    assert names(folder) == [("meta-llama/Llama-3.1-8B", Relation.QUANTIZED)]
    assert folder.facts["quantization"] == "awq"


@pytest.mark.parametrize("name", [None, "", ".", "./", "checkpoint-9", "./checkpoint-9/", "SELF", "SELF/checkpoint-9"])
def test_a_config_that_names_its_own_folder_names_nothing(tmp_path: Path, name: str | None) -> None:
    write(tmp_path / "m", {"checkpoint-9/x.txt": "x"})
    given = name.replace("SELF", str(tmp_path / "m")) if name else name
    folder = read_folder(finetune(tmp_path / "m", _name_or_path=given))
    assert (folder.clues, folder.defects) == ((), ())


@pytest.mark.parametrize("name", ["/data/llama", "../base", "C:\\models\\llama", "llama", "a\0b", "a/" * 3_000])
def test_a_name_that_is_no_id_is_told_as_it_stands(tmp_path: Path, name: str) -> None:
    folder = of_files(tmp_path, config={"_name_or_path": name})
    assert names(folder) == [(name.replace("\0", "\ufffd")[:2048], Relation.FINETUNE)]


def test_a_path_of_the_hubs_cache_is_a_name_and_a_revision(tmp_path: Path) -> None:
    path = f"/home/me/.cache/huggingface/hub/models--meta-llama--Llama-2-7b-hf/snapshots/{SHA}/"
    [clue] = of_files(tmp_path, adapter_config={"base_model_name_or_path": path, "revision": None}).clues
    assert (clue.name, clue.revision) == ("meta-llama/Llama-2-7b-hf", SHA)
    assert clue.why == "the name is read out of a path of the Hub's cache"


@pytest.mark.parametrize("value", [7, ["a/A"], {"a": 1}, True])
def test_a_base_model_that_is_no_text(tmp_path: Path, value: object) -> None:
    folder = of_files(tmp_path, adapter_config={"base_model_name_or_path": value}, config={"_name_or_path": value})
    assert folder.clues == ()
    assert defects(folder) == [
        ("not-a-name", "adapter_config.json: base_model_name_or_path"),
        ("not-a-name", "config.json: _name_or_path"),
    ]


def test_only_adapters_and_weights_speak_from_below(tmp_path: Path) -> None:
    for name in ("a", "b"):
        adapter(tmp_path / "m" / name)
    finetune(tmp_path / "m" / "c", _name_or_path="x/X")
    folder = read_folder(tmp_path / "m")
    assert folder.card is None
    assert [(clue.name, clue.file) for clue in folder.clues] == [
        ("Qwen/Qwen3-8B", "a/adapter_config.json"),
        ("Qwen/Qwen3-8B", "b/adapter_config.json"),
    ]


def test_a_gguf_file_alone_or_in_a_folder(tmp_path: Path) -> None:
    file = write(tmp_path / "m", {"x-Q4_K_M.gguf": gguf(QWEN_GGUF)}) / "x-Q4_K_M.gguf"
    folder = read_folder(file)
    field = "general.base_model.0.repo_url"
    [clue] = folder.clues
    assert clue.why is not None
    assert clue == Clue("Qwen/Qwen3-8B-Base", Relation.QUANTIZED, "x-Q4_K_M.gguf", field, clue.why)
    assert folder.licenses == (("apache-2.0", "x-Q4_K_M.gguf"),)
    assert folder.facts == {
        "format": "gguf",
        "architecture": "qwen3",
        "quantized_by": "Unsloth",
        "quantization": "Q4_K_M",
    }
    assert folder == read_folder(tmp_path / "m")


@pytest.mark.parametrize(
    ("number", "name"),
    [(0, "F32"), (1, "F16"), (7, "Q8_0"), (32, "BF16"), (36, "TQ1_0"), (40, "Q1_0"), (1024 + 15, "Q4_K_M")],
)
def test_file_types_have_names(tmp_path: Path, number: int, name: str) -> None:
    folder = of_gguf(tmp_path, QWEN_GGUF | {"general.file_type": number})
    assert folder.facts["quantization"] == name
    assert names(folder) == [("Qwen/Qwen3-8B-Base", Relation.QUANTIZED)]


def test_a_file_type_of_tomorrow_has_none(tmp_path: Path) -> None:
    assert "quantization" not in of_gguf(tmp_path, QWEN_GGUF | {"general.file_type": 900}).facts


def test_titles_become_ids_if_an_organization_stands_by(tmp_path: Path) -> None:
    base = "general.base_model"
    one = of_gguf(tmp_path, {f"{base}.0.name": "Llama 3.1 8B", f"{base}.0.organization": "Meta Llama"})
    assert names(one) == [("Meta-Llama/Llama-3.1-8B", Relation.QUANTIZED)]
    assert "an organization and a title" in (one.clues[0].why or "")
    assert names(of_gguf(tmp_path, {f"{base}.0.name": "Llama 3.1 8B"})) == [("Llama 3.1 8B", Relation.QUANTIZED)]
    elsewhere = {f"{base}.0.name": "a/A", f"{base}.0.repo_url": "https://github.com/x/y"}
    assert names(of_gguf(tmp_path, {**elsewhere})) == [("a/A", Relation.QUANTIZED)]
    assert of_gguf(tmp_path, {f"{base}.0.organization": "Qwen", f"{base}.count": 2**31}).clues == ()


def test_several_bases_in_a_gguf_file_are_a_merge(tmp_path: Path) -> None:
    urls: dict[str, Value] = {f"general.base_model.{n}.repo_url": f"https://huggingface.co/a/M{n}" for n in (10, 0, 2)}
    assert names(of_gguf(tmp_path, urls)) == [(f"a/M{n}", Relation.MERGE) for n in (0, 2, 10)]


def test_a_gguf_adapter_states_its_base(tmp_path: Path) -> None:
    [clue] = of_gguf(tmp_path, QWEN_GGUF | {"general.type": "adapter"}).clues
    assert (clue.relation, clue.why) == (Relation.ADAPTER, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("general.source.huggingface.repository", "a/A"),
        ("general.source.hugginface.repository", "a/A"),
        ("general.source.repo_url", "https://huggingface.co/a/A"),
        ("general.source.url", "https://huggingface.co/a/A/tree/main"),
    ],
)
def test_the_source_of_a_gguf_file(tmp_path: Path, field: str, value: str) -> None:
    folder = of_gguf(tmp_path, {field: value})
    assert [(c.name, c.relation, c.field) for c in folder.clues] == [("a/A", Relation.QUANTIZED, field)]
    assert of_gguf(tmp_path, {"general.source.url": "https://github.com/a/A"}).clues == ()


def test_a_big_endian_file_says_the_same(tmp_path: Path) -> None:
    little = read_folder(write(tmp_path / "a", {"x.gguf": gguf(QWEN_GGUF)}))
    big = read_folder(write(tmp_path / "b", {"x.gguf": gguf(QWEN_GGUF, order=">")}))
    assert (little.clues, little.facts, little.licenses) == (big.clues, big.facts, big.licenses)
    assert little.digest != big.digest


def test_metadata_of_safetensors(tmp_path: Path) -> None:
    kohya: dict[str, object] = {"ss_network_module": "networks.lora", "ss_sd_model_name": "sd_xl_base_1.0.safetensors"}
    folder = of_weights(
        tmp_path, kohya | {"ss_base_model_version": "sdxl_base_v1-0", "modelspec.license": "OpenRAIL++"}
    )
    assert names(folder) == [("sd_xl_base_1.0.safetensors", Relation.ADAPTER), ("sdxl_base_v1-0", Relation.ADAPTER)]
    assert None not in {clue.why for clue in folder.clues}
    assert folder.licenses == (("OpenRAIL++", "x.safetensors"),)
    assert names(of_weights(tmp_path, {"ss_sd_model_name": "x.ckpt"})) == [("x.ckpt", Relation.FINETUNE)]
    assert names(of_weights(tmp_path, {"base_model": "a/A"})) == [("a/A", Relation.UNKNOWN)]
    lora: dict[str, object] = {"modelspec.architecture": "stable-diffusion-xl-v1-base/lora", "base_model": "a/A"}
    assert names(of_weights(tmp_path, lora)) == [("a/A", Relation.ADAPTER)]
    merged = of_weights(tmp_path, {"modelspec.merged_from": "SDXL 1.0 Base, My Model,,"})
    assert [(c.name, c.relation, c.why) for c in merged.clues] == [
        ("SDXL 1.0 Base", Relation.MERGE, None),
        ("My Model", Relation.MERGE, None),
    ]
    assert of_weights(tmp_path, {"base_model": 1, "ss_sd_model_name": "None", "modelspec.license": " "}).clues == ()


def test_shards_of_one_model_say_a_thing_once(tmp_path: Path) -> None:
    said = safetensors({"base_model": "a/A", "modelspec.license": "mit"})
    files: dict[str, str | bytes] = {f"model-{n:05}-of-00003.safetensors": said for n in (1, 2, 3)}
    folder = read_folder(write(tmp_path / "m", files | {"other.safetensors": said}))
    assert [clue.file for clue in folder.clues] == ["model-00001-of-00003.safetensors", "other.safetensors"]
    assert folder.licenses == (("mit", "model-00001-of-00003.safetensors"), ("mit", "other.safetensors"))


def test_a_license_that_is_a_whole_text_is_cut(tmp_path: Path) -> None:
    folder = of_weights(tmp_path, {"modelspec.license": "All rights. " * 1_000})
    assert len(folder.licenses[0][0]) == 2048
    assert defects(folder) == [("too-long", "x.safetensors: modelspec.license")]


def test_broken_files_are_told_and_cost_nothing_else(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "m")
    bad: dict[str, str | bytes] = {
        "README.md": "---\n- a list\n---\n",
        "config.json": '{"_name_or_path": ',
        "mergekit_config.yml": "models: [",
        "cut.gguf": gguf_of(2**60, pair("general.license", typed("mit"))),
        "huge.safetensors": struct.pack("<Q", 2**60) + b"{}",
        "model_index.json": "[]",
        "pytorch_model.bin": b"\x80\4cos\nsystem\n(S'touch pwned'\ntR.",
    }
    read = read_folder(write(folder, bad))
    assert names(read) == [("Qwen/Qwen3-8B", Relation.ADAPTER)]
    assert read.card is None
    assert defects(read) == [
        ("bad-type", "README.md"),
        ("bad-json", "config.json"),
        ("broken-file", "cut.gguf"),
        ("broken-file", "huge.safetensors"),
        ("broken-file", "mergekit_config.yml"),
        ("not-an-object", "model_index.json"),
    ]
    assert len(read.files) == 9
    assert read.facts["format"] == "safetensors, gguf, pickle"
    assert not (tmp_path / "pwned").exists()
    assert "torch" not in sys.modules


def test_a_readme_in_any_letter_case(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", {"readme.MD": "---\nlicense: mit\n---\n"})
    assert read_folder(folder).card == {"license": "mit"}
    write(folder, {"README.md": "# none"})
    assert read_folder(folder).card is None
