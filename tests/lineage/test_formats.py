"""What each format looks like, to the letter."""

import csv
import io
import json
from textwrap import dedent
from typing import Any

import pytest
from sqlalchemy import Engine

from lineage.family import ancestors, descendants
from lineage.formats.rows import Table, csv_table, json_lines, markdown_table, text_table
from lineage.formats.tables import as_table
from lineage.formats.text import columns_wide, number, printable
from lineage.formats.tree import tree
from tests.families import Row, api_row, save
from tests.lineage.calls import answer

WORLD: list[Row] = [
    api_row("Qwen/Base", ["no/Origin"], license="apache-2.0", downloads=1234567),
    api_row("me/Tuned", ["Qwen/Base"], license="mit", downloads=30),
    api_row(
        "you/Tuned-GGUF",
        ["me/Tuned"],
        "quantized",
        downloads=0,
        cardData={"license": "other", "license_name": "mine|yours", "base_model": "me/Tuned"},
    ),
    api_row("me/Cased", tags=[], cardData={"base_model": "qwen/BASE"}, downloads=None),
    api_row("they/Merged", ["me/Tuned", "me/Cased"], "merge", downloads=20, observation={"gone": True}),
]


def text(expected: str) -> str:
    return dedent(expected).lstrip("\n")


def test_a_tree_downward(registry: Engine) -> None:
    save(registry, WORLD)
    assert answer(registry, "descendants", "no/Origin") == text("""
        no/Origin  licence not known  [not seen]
        └─ finetune  Qwen/Base  apache-2.0 · 1,234,567 downloads
           ├─ finetune  me/Tuned  mit · 30 downloads
           │  ├─ merge  they/Merged  no licence declared · 20 downloads  [gone]
           │  └─ quantized  you/Tuned-GGUF  other (mine|yours) · 0 downloads
           └─ derived  me/Cased  no licence declared  [mended letter case]
              └─ merge  they/Merged  ↑ drawn above
        """)


def test_a_tree_upward(registry: Engine) -> None:
    save(registry, [row for row in WORLD if row["id"] != "me/Cased"])
    assert answer(registry, "ancestors", "they/merged@abc1234") == text("""
        they/Merged@abc1234  no licence declared · 20 downloads  [gone]
        ├─ merge of  me/Tuned  mit · 30 downloads
        │  └─ finetune of  Qwen/Base  apache-2.0 · 1,234,567 downloads
        │     └─ finetune of  no/Origin  licence not known  [not seen]
        └─ merge of  me/Cased  licence not known  [not seen]
        """)


def test_a_tree_that_was_cut(registry: Engine) -> None:
    save(registry, WORLD)
    assert answer(registry, "descendants", "no/Origin", "--limit", "3") == text("""
        no/Origin  licence not known  [not seen]
        └─ finetune  Qwen/Base  apache-2.0 · 1,234,567 downloads
           ├─ finetune  me/Tuned  mit · 30 downloads
           │  └─ … and 2 more
           └─ derived  me/Cased  no licence declared  [mended letter case]
        """)


def test_trees_of_several_roots_share_what_is_drawn(registry: Engine) -> None:
    save(registry, [api_row("a/A"), api_row("b/B"), api_row("x/M", ["a/A", "b/B"], "merge"), api_row("x/N", ["x/M"])])
    assert answer(registry, "descendants", "b/B", "a/A", "x/M") == text("""
        b/B  no licence declared · 10 downloads
        └─ merge  x/M  no licence declared · 10 downloads
           └─ finetune  x/N  no licence declared · 10 downloads
        a/A  no licence declared · 10 downloads
        └─ merge  x/M  ↑ drawn above
        """)


def test_a_tree_with_a_cycle(registry: Engine) -> None:
    save(registry, [api_row("a/A", ["a/B"], downloads=None), api_row("a/B", ["a/A"], downloads=None)])
    assert answer(registry, "ancestors", "a/A") == text("""
        a/A  no licence declared
        └─ finetune of  a/B  no licence declared
           └─ finetune of  a/A  ↑ drawn above
        """)


def test_every_member_is_drawn_once_in_the_snapshots_tree(snapshot_registry: Engine) -> None:
    found = descendants(snapshot_registry, "author:Qwen")
    lines = tree(found).split("\n")
    tops = [line for line in lines if line[0] not in "├└│ "]
    assert len(lines) == len(tops) + len(found.edges)
    assert sum("↑ drawn above" not in line for line in lines) == len(found.members)
    assert len(tops) > 100


def test_paths_are_staircases(registry: Engine) -> None:
    save(registry, WORLD)
    assert answer(registry, "why", "they/Merged", "qwen/base") == text("""
        they/Merged
        └─ merge of  me/Tuned
           └─ finetune of  Qwen/Base

        they/Merged
        └─ merge of  me/Cased
           └─ derived from  Qwen/Base  [mended letter case]
        """)
    assert answer(registry, "why", "they/Merged", "qwen/base", "--limit", "1") == text("""
        they/Merged
        └─ merge of  me/Tuned
           └─ finetune of  Qwen/Base

        … and 1 more
        """)
    assert answer(registry, "why", "me/Tuned", "they/Merged") == (
        "they/Merged is not an ancestor of me/Tuned, as far as is known\n"
    )


def test_a_table(registry: Engine) -> None:
    save(registry, WORLD)
    assert answer(registry, "descendants", "Qwen/Base", "-f", "table") == text("""
        depth  model           relation   from       evidence           license             downloads  state
            0  Qwen/Base       ?          ?          ?                  apache-2.0          1,234,567  listed
            1  me/Tuned        finetune   Qwen/Base  both               mit                        30  listed
            1  me/Cased        unknown    Qwen/Base  recovered-by-case  none declared               ?  listed
            2  they/Merged     merge      me/Tuned   both               none declared              20  gone
            2  you/Tuned-GGUF  quantized  me/Tuned   both               other (mine|yours)          0  listed
        """)


def test_csv(registry: Engine) -> None:
    save(registry, WORLD)
    assert answer(registry, "descendants", "Qwen/Base", "-f", "csv") == text("""
        depth,model,relation,from,evidence,license,downloads,state
        0,Qwen/Base,,,,apache-2.0,1234567,listed
        1,me/Tuned,finetune,Qwen/Base,both,mit,30,listed
        1,me/Cased,unknown,Qwen/Base,recovered-by-case,none declared,,listed
        2,they/Merged,merge,me/Tuned,both,none declared,20,gone
        2,you/Tuned-GGUF,quantized,me/Tuned,both,other (mine|yours),0,listed
        """)


def test_markdown(registry: Engine) -> None:
    save(registry, WORLD)
    assert answer(registry, "ancestors", "you/Tuned-GGUF", "-f", "markdown", "--limit", "1") == text(r"""
        | depth | model | relation | of | evidence | license | downloads | state |
        | --- | --- | --- | --- | --- | --- | --- | --- |
        | 0 | you/Tuned-GGUF |  |  |  | other (mine\|yours) | 0 | listed |
        | 1 | me/Tuned | quantized | you/Tuned-GGUF | both | mit | 30 | listed |

        … and 2 more
        """)


def test_json_lines(registry: Engine) -> None:
    save(registry, WORLD)
    lines = answer(registry, "common", "they/Merged", "you/Tuned-GGUF", "-f", "jsonl").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"ancestor": "me/Tuned", "nearest": True, "steps from 1": 1, "steps from 2": 1, "license": "mit",
         "downloads": 30, "state": "listed"},
        {"ancestor": "Qwen/Base", "nearest": False, "steps from 1": 2, "steps from 2": 2, "license": "apache-2.0",
         "downloads": 1234567, "state": "listed"},
        {"ancestor": "no/Origin", "nearest": False, "steps from 1": 3, "steps from 2": 3, "license": "not known",
         "downloads": None, "state": "placeholder"},
    ]  # fmt: skip


def test_json(registry: Engine) -> None:
    save(registry, WORLD)
    root: dict[str, Any] = {
        "id": "me/Cased", "depth": 0, "state": "listed", "author": "me", "licenses": [], "license_name": None,
        "downloads": None, "created_at": "2025-01-01T00:00:00Z", "relation": None, "evidence": None, "via": None,
    }  # fmt: skip
    merged = root | {
        "id": "they/Merged", "depth": 1, "state": "gone", "author": "they", "downloads": 20, "relation": "merge",
        "evidence": "both", "via": "me/Cased",
    }  # fmt: skip
    assert json.loads(answer(registry, "descendants", "ME/cased@abc", "-f", "json")) == {
        "schema": "finetune-lineage/family/1",
        "direction": "descendants",
        "asked": ["me/Cased@abc"],
        "roots": ["me/Cased@abc"],
        "total": 1,
        "members": [root, merged],
        "edges": [
            {"child": "they/Merged", "parent": "me/Cased", "relation": "merge", "evidence": "both",
             "declared": "me/Cased"}
        ],
        "hidden": {},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("command", "schema"),
    [
        ("ancestors me/Tuned", "family/1"),
        ("why me/Tuned no/Origin", "paths/1"),
        ("common me/Tuned", "common/1"),
        ("show me/Tuned", "model/1"),
        ("search me", "models/1"),
        ("defects", "defects/1"),
        ("count me/Tuned", "count/1"),
        ("stats", "statistics/1"),
        ("db info", "overview/1"),
    ],
)
def test_every_json_document_names_its_schema(registry: Engine, command: str, schema: str) -> None:
    save(registry, WORLD)
    document = json.loads(answer(registry, *command.split(), "-f", "json"))
    assert next(iter(document)) == "schema"
    assert document["schema"] == f"finetune-lineage/{schema}"


def test_a_column_without_values_is_left_out_of_text_only() -> None:
    table = Table(("a", "b", "c"), [("x", None, 1), ("y", None, None)])
    assert text_table(table) == "a  c\nx  1\ny  ?"
    assert csv_table(table) == "a,b,c\nx,,1\ny,,"
    assert json_lines(table) == '{"a": "x", "b": null, "c": 1}\n{"a": "y", "b": null, "c": null}'


def test_wide_characters_take_two_columns() -> None:
    assert text_table(Table(("a", "b"), [("模型", "x"), ("e\u0301", "y")])) == "a     b\n模型  x\ne\u0301     y"
    assert (columns_wide("模型"), columns_wide("e\u0301"), columns_wide("abc")) == (4, 1, 3)


def test_a_table_without_rows_has_its_notes() -> None:
    assert text_table(Table(("a",), [], notes=("nothing",))) == "nothing"
    assert csv_table(Table(("a", "b"), [])) == "a,b"


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_no_spreadsheet_takes_text_for_a_formula(formula: str) -> None:
    written = csv_table(Table(("a", "b"), [(formula, -1)]))
    assert list(csv.reader(io.StringIO(written)))[1] == [f"'{formula}", "-1"]


def test_csv_quotes_what_would_end_a_cell() -> None:
    written = csv_table(Table(("a", "b"), [('say "x", y', "one\ntwo")]))
    assert written == 'a,b\n"say ""x"", y",one\\ntwo'


def test_markup_in_markdown_is_text() -> None:
    table = Table(("a",), [("a|b `c` *d* _e_ [f](g) <b> ~h~ \\ #i !j",)], title="x|y")
    assert markdown_table(table).split("\n") == [
        "x\\|y", "", "| a |", "| --- |",
        r"| a\|b \`c\` \*d\* \_e\_ \[f\](g) &lt;b&gt; \~h\~ \\ \#i \!j |",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("Ünïcode 模型 🤗", "Ünïcode 模型 🤗"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\u202eback\u2066", r"\u202eback\u2066"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("\u2028\u2029\ud800", r"\u2028\u2029\ud800"),
    ],
)
def test_what_could_steer_a_terminal_is_escaped(raw: str, shown: str) -> None:
    assert printable(raw) == shown


def test_numbers_are_grouped_and_unknown_ones_marked() -> None:
    assert (number(1234567), number(0), number(None)) == ("1,234,567", "0", "?")


def test_only_results_have_tables() -> None:
    with pytest.raises(TypeError, match="str"):
        as_table("text")


def test_colour_is_only_where_it_is_asked_for(registry: Engine) -> None:
    save(registry, WORLD)
    found = ancestors(registry, "they/Merged")
    assert "\x1b" not in tree(found)
    painted = tree(found, lambda piece, kind: f"<{kind}>{piece}</>")
    assert "<name>me/Tuned</>" in painted
    assert "<relation>merge of</>" in painted
    assert "<faint>mit · 30 downloads</>" in painted
    assert "<warning>[not seen]</>" in painted
