"""What a code base says of models: each kind of file, its lines, and what hostile files cannot do."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from crawler import code
from crawler.code import FILE_LIMIT, CodeError, CodeFile, read_code
from crawler.mentions import names_model
from tests.crawler.folders import write

Said = list[tuple[int, str, str | None, str]]


def files(folder: Path) -> dict[str, CodeFile]:
    """What is read of a folder, by path within it."""
    return {os.path.relpath(file.path, folder): file for file in read_code([folder])}


def said(tmp_path: Path, name: str, text: str) -> Said:
    """What one file says: line, name, revision and how of each mention."""
    write(tmp_path, {name: text})
    return [(m.line, m.name, m.revision, m.how) for m in files(tmp_path)[name].mentions]


def named(tmp_path: Path, text: str, name: str = "a.py") -> list[tuple[int, str]]:
    return [(line, model) for line, model, _, _ in said(tmp_path, name, text)]


@pytest.mark.parametrize(
    ("line", "model", "how"),
    [
        ('AutoModel.from_pretrained("a/B")', "a/B", "from_pretrained()"),
        ('x.from_pretrained(pretrained_model_name_or_path="a/B")', "a/B", "from_pretrained()"),
        ('FastModel.from_pretrained(model_name="a/B")', "a/B", "from_pretrained()"),
        ('pipeline("ner", model="a/B")', "a/B", "pipeline()"),
        ('pipeline("ner", "a/B")', "a/B", "pipeline()"),
        ('hub.snapshot_download("a/B")', "a/B", "snapshot_download()"),
        ('hf_hub_download(repo_id="a/B", filename="c/d")', "a/B", "hf_hub_download()"),
        ('HfApi().model_info("a/B")', "a/B", "model_info()"),
        ('SentenceTransformer("a/B")', "a/B", "SentenceTransformer()"),
        ('vllm.LLM(model="a/B")', "a/B", "LLM()"),
        ('LLM("a/B")', "a/B", "LLM()"),
        ('x.from_pretrained("gpt2")', "gpt2", "from_pretrained()"),
        ('x.from_pretrained("https://huggingface.co/a/B")', "a/B", "from_pretrained()"),
        ('x.from_pretrained(args.model or "a/B")', "a/B", "from_pretrained()"),
        ('embed(model_name="a/B")', "a/B", "model_name"),
        ('MODEL_ID = "a/B"', "a/B", "MODEL_ID"),
        ('self.baseModelName: str = "a/B"', "a/B", "baseModelName"),
        ('config["reward_model"] = "a/B"', "a/B", "reward_model"),
        ('x = {"base_model": "a/B", "data": "c/D"}', "a/B", "base_model"),
        ('def f(path, model_id="a/B", *, data="c/D"): ...', "a/B", "model_id"),
        ('p.add_argument("-m", "--model", default="a/B")', "a/B", "--model"),
        ('os.environ.get("MODEL", "a/B")', "a/B", "MODEL"),
        ("# see https://hf.co/a/B/blob/main/README.md.", "a/B", "URL"),
    ],
)
def test_what_names_a_model_in_python(tmp_path: Path, line: str, model: str, how: str) -> None:
    assert said(tmp_path, "a.py", f"import x\n\n{line}\n") == [(3, model, None, how)]


@pytest.mark.parametrize(
    "line",
    [
        'load_dataset("a/B")',
        'snapshot_download("a/B", repo_type="dataset")',
        'snapshot_download(repo_id="a/B", repo_type="space")',
        'dataset_info(repo_id="a/B")',
        'url = "https://huggingface.co/datasets/a/B"',
        'url = "https://huggingface.co/spaces/a/B"',
        'url = "https://huggingface.co/blog/a"',
        'url = "https://nothuggingface.co/a/B"',
        'url = f"https://huggingface.co/a/B-{size}"',
        'model.push_to_hub(repo_id="a/B")',
        'TrainingArguments(hub_model_id="a/B")',
        'model_path = "outputs/last"',
        'model_path = "a/b.safetensors"',
        'model = "bert-base-uncased"',
        'x.from_pretrained("./a")',
        'x.from_pretrained("a/../b")',
        'x.from_pretrained("no-legacy-id")',
        'name = "a/B"',
        '"""model = "a/B" in prose"""',
    ],
)
def test_what_names_no_model(tmp_path: Path, line: str) -> None:
    assert said(tmp_path, "a.py", line) == []


def test_calls_find_constants_of_their_file_and_revisions(tmp_path: Path) -> None:
    text = (
        'NAME = "a/B"\nCOMMIT = "0123abc"\n\nx.from_pretrained(NAME, revision=COMMIT)\n'
        'x.from_pretrained(\n    "c/D",\n    revision="main",\n)\n'
    )
    assert said(tmp_path, "a.py", text) == [
        (1, "a/B", "0123abc", "from_pretrained()"),
        (6, "c/D", "main", "from_pretrained()"),
    ]


def test_what_only_a_run_would_tell_is_counted_and_not_guessed(tmp_path: Path) -> None:
    text = (
        'NAME = "a/B"\nfor NAME in names(): x.from_pretrained(NAME)\n'  # 1: two things give it a value
        'x.from_pretrained(f"a/{size}")\n'  # 2
        'x.from_pretrained("a/" + size)\n'  # 3
        "def f(other): return LLM(other)\n"  # 4
        'pipeline("ner")\n'  # 5
        "LLM()\n"  # a class of somebody's own
    )
    write(tmp_path, {"a.py": text})
    (file,) = files(tmp_path).values()
    assert (file.unnamed, file.mentions) == (5, ())


def test_python_that_does_not_parse_is_read_by_patterns(tmp_path: Path) -> None:
    text = (
        'print "old"\nx.from_pretrained("a/B")\nbase_model = \'c/D\'\ny = {"model": "e/F"}\n'
        'snapshot_download("g/H", repo_type="dataset")\nname = "i/J"\n'
    )
    assert named(tmp_path, text) == [(2, "a/B"), (3, "c/D"), (4, "e/F")]


def test_line_ends_of_any_kind_count_as_editors_count_them(tmp_path: Path) -> None:
    assert named(tmp_path, '\ufeffa = 1\r\nb = "\u2028\x0b\x0c"\r\nLLM("a/B")\r\n') == [(3, "a/B")]


def notebook(*cells: tuple[str, str | list[str]], indent: int | None = 1) -> str:
    outputs = [{"source": "LLM('no/Out')"}]
    made: list[dict[str, Any]] = [
        {"cell_type": kind, "metadata": {}, "outputs": outputs, "source": source} for kind, source in cells
    ]
    return json.dumps({"cells": made, "nbformat": 4}, indent=indent)


def test_a_notebook_is_read_by_its_code_cells_at_the_lines_of_its_file(tmp_path: Path) -> None:
    text = notebook(
        ("markdown", ["LLM('no/Prose')"]),
        ("code", ["!hf download a/Shell\n", "%matplotlib inline\n", "if x:\n", "    !ls\n", "NAME = 'b/Constant'"]),
        ("code", "%%time\nx.from_pretrained(NAME)"),
        ("code", ["files = !ls\n", "LLM('c/Broken')"]),
        ("code", ["%%bash\n", "huggingface-cli download d/Cell"]),
    )
    found = named(tmp_path, text, "a.ipynb")
    assert [name for _, name in found] == ["a/Shell", "b/Constant", "c/Broken", "d/Cell"]
    lines = text.split("\n")
    assert all(name in lines[line - 1] for line, name in found)
    assert files(tmp_path)["a.ipynb"].unnamed == 0


def test_a_notebook_on_one_line_has_one_line(tmp_path: Path) -> None:
    assert named(tmp_path, notebook(("code", ["\n", "LLM('a/B')"]), indent=None), "a.ipynb") == [(1, "a/B")]


def test_yaml_settings_lists_options_and_commands(tmp_path: Path) -> None:
    text = """\
model: a/One
revision: 0123abc
models:
  - model: a/Two
  - a/Three
embedding: {model_name: "a/Four", name: no/Name}
dataset: {repo_id: no/Set, repo_type: dataset}
args:
  - --model
  - a/Five
  - --dataset
  - no/Set
environment:
  - MODEL_ID=a/Six
run: |
  hf download a/Seven --revision=4567def
  huggingface-cli download --repo-type dataset no/Set
x: !!python/object/apply:os.system ["touch /tmp/no"]
"""
    assert said(tmp_path, "a.yaml", text) == [
        (1, "a/One", "0123abc", "model"),
        (4, "a/Two", None, "model"),
        (5, "a/Three", None, "models"),
        (6, "a/Four", None, "model_name"),
        (10, "a/Five", None, "--model"),
        (14, "a/Six", None, "MODEL_ID"),
        (16, "a/Seven", "4567def", "hf download"),
    ]


def test_broken_yaml_keeps_what_came_before_the_fault(tmp_path: Path) -> None:
    assert named(tmp_path, "model: a/B\nx: @y\nmodel: c/D\n", "a.yml") == [(1, "a/B")]


def test_json_settings(tmp_path: Path) -> None:
    text = (
        '{"model": "a/One", "x": "\\ud83d\\ude00",\n\t"nested": [{"base_model_name_or_path": "a/Two",\n'
        ' "revision": "0123abc"}],\n "args": ["--model", "a/Three"], "\\u006dodel_id": "a\\/Four",\n'
        ' "text": "model: no/No"}'
    )
    assert said(tmp_path, "a.json", text) == [
        (1, "a/One", None, "model"),
        (2, "a/Two", "0123abc", "base_model_name_or_path"),
        (4, "a/Four", None, "model_id"),
        (4, "a/Three", None, "--model"),
    ]


def test_toml_settings(tmp_path: Path) -> None:
    text = (
        '[model]\nname = "no/Name"\nmodel_id = "a/One" # model = "no/No"\nmodels = [\n  "a/Two",\n]\ntext = """\n'
        'model = "no/No"\n"""\nx = {model = \'a/Three\', revision = "0123abc"}\n[[tool.x]]\n"base-model" = "a/Four"\n'
    )
    assert said(tmp_path, "a.toml", text) == [
        (3, "a/One", None, "model_id"),
        (5, "a/Two", None, "models"),
        (10, "a/Three", "0123abc", "model"),
        (12, "a/Four", None, "base-model"),
    ]


def test_dockerfiles_env_files_and_shell_scripts(tmp_path: Path) -> None:
    docker = (
        "FROM vllm/vllm-openai\nENV MODEL_ID=a/One\nENV MODEL a/Two\nARG BASE_MODEL='a/Three'\n# ENV MODEL=no/No\n"
        "RUN pip install x && \\\n    huggingface-cli download --quiet a/Four \\\n  --revision 0123abc\n"
        'CMD ["vllm", "serve", "a/Five", "--port", "1"]\n'
    )
    assert said(tmp_path, "Dockerfile", docker) == [
        (2, "a/One", None, "MODEL_ID"),
        (3, "a/Two", None, "MODEL"),
        (4, "a/Three", None, "BASE_MODEL"),
        (7, "a/Four", "0123abc", "huggingface-cli download"),
        (9, "a/Five", None, "vllm serve"),
    ]
    assert named(tmp_path, 'export EMBEDDING_MODEL="a/B" # MODEL=no/No\nOTHER=c/D\n', ".env.local") == [(1, "a/B")]
    shell = "hf download $MODEL; hf download --local-dir x/y a/B\npython t.py --model-id a/C --data d/D\ngit clone https://hf.co/a/E.git\n"
    assert named(tmp_path, shell, "run.sh") == [(1, "a/B"), (2, "a/C"), (3, "a/E")]


def test_names_of_settings() -> None:
    yes = "model models MODEL_ID base-model rewardModelName model_name_or_path _name_or_path checkpoint repo_id".split()
    no = "modeling model_type model_max_length dataset repo hub_model_id remodeled".split()
    assert [key for key in yes if not names_model(key)] == []
    assert [key for key in no if names_model(key)] == []


def test_what_is_passed_over(tmp_path: Path) -> None:
    text = 'LLM("a/B")'
    skipped = [f"{name}/a.py" for name in sorted(code.PASSED_OVER)]
    write(tmp_path, dict.fromkeys(["src/a.py", "my-env/lib/a.py", "README.md", "a.txt", *skipped], text))
    write(tmp_path, {"my-env/pyvenv.cfg": ""})
    assert list(files(tmp_path)) == ["src/a.py"]
    (readme,) = read_code([write(tmp_path, {"README.md": "https://hf.co/a/B"}) / "README.md"])
    assert [mention.name for mention in readme.mentions] == ["a/B"]  # one that is named is read


def test_no_link_is_followed_and_no_pipe_is_waited_for(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", write(tmp_path / "outside", {"a.py": 'LLM("a/B")'})
    write(tree, {"b.py": 'LLM("c/D")'})
    (tree / "folder").symlink_to(outside)
    (tree / "loop").symlink_to(tree)
    (tree / "file.py").symlink_to(outside / "a.py")
    os.mkfifo(tree / "pipe.py")
    assert list(files(tree)) == ["b.py"]


def test_what_is_left_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"big.py": b"#" * (FILE_LIMIT + 1), "binary.py": b'LLM("a/B")\0', "fits.py": b"#" * FILE_LIMIT})
    monkeypatch.setattr(code, "_MOST_MENTIONS", 2)
    write(tmp_path, {"many.py": "".join(f'LLM("a/B{n}")\n' for n in range(3))})
    found = {name: (file.left_out, len(file.mentions)) for name, file in files(tmp_path).items()}
    assert found == {
        "big.py": ("is larger than 1,000,000 bytes", 0),
        "binary.py": ("is no text", 0),
        "fits.py": (None, 0),
        "many.py": ("names over 2 models", 2),
    }


def test_a_path_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CodeError, match=r"cannot read .*nowhere \(No such file or directory\): check the path"):
        list(read_code([tmp_path / "nowhere"]))
    with pytest.raises(CodeError, match="check the path"):
        list(read_code([Path("a\0b")]))
    monkeypatch.setattr(code, "_MOST_FILES", 2)
    write(tmp_path, {"a.py": "", "b.py": ""})
    with pytest.raises(CodeError, match="holds over 2 files"):
        list(read_code([tmp_path]))


def test_files_are_read_once_and_in_the_order_of_their_paths(tmp_path: Path) -> None:
    write(tmp_path, {"b.py": "", "a/z.py": "", "a.py": "", "a/b/c.py": ""})
    found = [file.path for file in read_code([tmp_path, tmp_path / "a.py"])]
    assert [os.path.relpath(path, tmp_path) for path in found] == ["a/b/c.py", "a/z.py", "a.py", "b.py"]


def test_folders_may_be_deep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    deep = 1_200
    for _ in range(deep):
        os.mkdir("d")
        os.chdir("d")
    Path("a.py").write_text('LLM("a/B")')
    monkeypatch.chdir(tmp_path)
    found = [file.path for file in read_code([Path("d")]) if file.mentions]
    shutil.move("/".join(["d"] * 600), "half")  # else whoever clears up goes too deep
    assert found == ["d/" * deep + "a.py"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", "-" * 200_000 + "4"),
        ("a.py", "1+" * 200_000 + "1"),
        ("a.py", "(" * 10_000),
        ("a.py", "model" * 150_000),
        ("a.py", 'print ""' + 'model="a/B",' * 70_000),
        ("a.py", "huggingface.co/" * 60_000),
        ("a.json", "[" * 900_000),
        ("a.json", '"\\' * 450_000),
        ("a.json", '{"model": ' * 90_000),
        ("a.toml", '"\\' * 450_000),
        ("a.toml", '"""\\"' * 180_000),
        ("a.toml", "'''" * 300_001),
        ("a.yaml", "[" * 900_000),
        ("a.yaml", "a: &a [*a, *a]\n" * 50_000),
        ("a.yaml", "- " * 400_000),
        ("a.sh", '"' * 900_000),
        ("a.sh", "\\\n" * 450_000),
        ("a.sh", "--model " * 100_000),
        ("a.sh", "--model a\n" * 90_000),
        ("a.ipynb", '{"cells": [' + '{"cell_type": "code", "source": "x = ("},' * 20_000),
    ],
    ids=range(20),
)
def test_hostile_files_end_soon(tmp_path: Path, name: str, text: str) -> None:
    write(tmp_path, {name: text, "z.py": 'LLM("a/Good")'})
    begun = time.process_time()
    found = files(tmp_path)
    assert time.process_time() - begun < 20
    assert [mention.name for mention in found["z.py"].mentions] == ["a/Good"]


def test_nothing_is_said_on_the_way(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert named(tmp_path, 'x = "\\d"\ny = 1 is 1\nLLM("a/B")') == [(3, "a/B")]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("values.yaml", "a: {{ .Values.x }}\nb: @bad\nmodel: Qwen/Qwen3-8B\n"),
        ("broken.ipynb", "{broken"),
        ("cut.json", '{"model": "Qwen/Qwen3-8B", "x": '),
    ],
)
def test_a_broken_file_is_told(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (found,) = read_code([tmp_path])
    assert found.left_out == "is broken: what it names may be missing"
    assert [one.name for one in found.mentions] == (["Qwen/Qwen3-8B"] if name == "cut.json" else [])
