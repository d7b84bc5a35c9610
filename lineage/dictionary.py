"""What the columns of an export mean: docs/export.md, and the README of every export."""

from registry.exchange import exchanged
from registry.parquet import Field

#: The fields of verdicts, with what they mean.
VERDICTS = {
    Field("model", "text", optional=False): "the model",
    Field("class", "text", optional=False): "pass, review or violation",
    Field("verdict", "text", optional=False): "the worst that a rule says, as in docs/rules.md",
    Field("label", "text", optional=False): "what the model declares, as it was read",
    Field("effective", "text", optional=False): "all licences that apply, as an SPDX expression",
    Field("inherited", "list", optional=False): "the licences above the model, by their ids in the catalogue",
    Field("rules", "list", optional=False): "the rules that keep it from passing",
    Field("because_of", "list", optional=False): "the ancestors on which the verdict rests",
}
_TABLES = {
    "models": "One row for each model: a repository of the Hub that was seen, or that a seen one names as its parent.",
    "sights": "When and by whom each model was seen; one that is only named by others was never.",
    "past": "What models were seen as before: one row for each run of sights that said the same.",
    "names": "Other names of models: old ones, legacy short ids, other letter cases.",
    "versions": "Versions of models that people registered.",
    "tags": "Words that people put on versions.",
    "events": "What people did to registered models, in order.",
    "derivations": "One row for each parent that a model declares. Where `parent` is empty, a row of defects says why.",
    "defects": "Metadata that was refused or repaired.",
    "verdicts": "What an audit of all models says, whatever they claim, without a policy; those that are gone, or only "
    "named by others, have none. It is no legal advice.",
}
_MEANINGS = {
    "models": {
        "model": "its id; all tables join by it",
        "hub_id": "the Hub's `_id`, stable over renames",
        "author": "its owner",
        "created_at": "when the repository was made",
        "last_modified": "when it was changed last",
        "sha": "its newest commit",
        "downloads": "of the last 30 days",
        "likes": "of all time",
        "pipeline_tag": "its task, as the Hub calls it",
        "library_name": "the library that loads it",
        "gated": "false, auto or manual",
        "private": "whether only its owner sees it",
        "disabled": "whether the Hub took it down",
        "licenses": "the labels as declared; empty where a source said there is none, missing where no source said",
        "license_name": "the name that goes with `other`",
        "license_link": "the link that goes with `other`",
        "new_version": "the model that its owner says replaces it",
        "datasets": "what it was trained on, as declared",
        "tools": "what it was made with, by its tags",
        "state": "listed, gone (deleted or private), placeholder (only named by others), or registered",
    },
    "sights": {
        "model": "the model that was seen",
        "first_seen": "when a source saw it first; missing where no date is known",
        "last_seen": "when a source saw it last; missing where no date is known",
        "source": "where it was seen last: a file or the Hub",
        "since": "when it was first seen as it is now; missing where it was never seen otherwise",
        "silent": "the last sight said nothing of licence and parents: they are as told before",
        "fingerprint": "a sum of the raw row that said so, by which an import knows it again",
    },
    "past": {
        "model": "its id today",
        "since": "the first of these sights; missing where no date is known",
        "until": "the last of them; the change came after it, and before the next row's `since` or that of the sights",
        "name": "the id that it had",
        "state": "listed or gone",
        "gated": "false, auto or manual",
        "disabled": "whether the Hub had taken it down",
        "licenses": "the labels as declared then",
        "license_name": "the name that went with `other`",
        "license_link": "the link that went with `other`",
        "parents": "the parents as declared then, a JSON list of name, relation, origin and alias; missing where they "
        "are as in the next row, or in derivations",
        "silent": "these sights said nothing of licence and parents: they are as told before",
    },
    "names": {
        "name": "the other name",
        "model": "the model that it means",
        "evidence": "how that is known: hub-id, hub-tag, legacy or case; of registered models version or alias",
    },
    "versions": {
        "name": "the name it was registered by",
        "number": "its number under that name, from 1",
        "model": "the model that it is: `name@number`, or one of the Hub",
        "digest": "SHA-256 of the content, or the commit of a model of the Hub",
        "place": "where it lay, or the id on the Hub",
        "registered_at": "when somebody registered it",
        "removed_at": "when somebody took it out of use",
        "files": "its files, a JSON list of path, size in bytes and SHA-256",
        "evidence": "what names a parent, a JSON list of name, relation, origin, where, why and revision",
    },
    "tags": {"name": "the name of the model", "number": "the version", "tag": "the word"},
    "events": {
        "at": "when",
        "who": "who did it",
        "action": "register, alias, unalias, tag, untag, note or remove",
        "name": "the name of the model",
        "number": "the version; missing where it is about all",
        "what": "the alias, tag, note or place",
        "why": "why, in words",
    },
    "derivations": {
        "child": "the model that declares a parent",
        "position": "the place among its parents, from 0",
        "parent": "the model that the declared name means",
        "name": "the parent as declared",
        "relation": "finetune, adapter, quantized, merge or unknown",
        "origin": "who says so: tag (the Hub), card (the model card), both, or tag-unresolved; of registered models "
        "file, heuristic or stated",
        "recovery": "how the name was led to a model, where it is no model's",
        "alias": "the card's spelling, where the Hub resolved it to `name`",
    },
    "defects": {
        "model": "whose metadata it is; missing where the row was no model at all",
        "stage": "the step that found it: parse, resolve or cycle",
        "kind": "as in docs/metadata.md",
        "field": "where it stands",
        "value": "what stands there, at most 2 kB",
        "reason": "what is wrong with it, or what was done",
    },
}
_TYPES = {
    "text": "string", "integer": "int64", "boolean": "bool", "binary": "binary", "time": "timestamp[ms, UTC]",
    "list": "list<string>",
}  # fmt: skip
_READING = """```sql
-- DuckDB: derivatives by the licence of what they were made from
SELECT license, count(DISTINCT child) AS derivatives
FROM 'models/*.parquet' JOIN 'derivations/*.parquet' ON parent = model, unnest(licenses) AS t(license)
GROUP BY license ORDER BY derivatives DESC;
```

```python
polars.scan_parquet("verdicts/*.parquet").group_by("class", "verdict").len().collect()
spark.read.parquet("derivations").groupBy("relation").count()
```
"""


def dictionary() -> str:
    """The tables with their columns, as Markdown."""
    meanings = _MEANINGS | {"verdicts": {field.name: meaning for field, meaning in VERDICTS.items()}}
    tables = {what.name: what.fields for what in exchanged()} | {"verdicts": tuple(VERDICTS)}
    parts = []
    for name, fields in tables.items():
        parts += [f"## {name}", "", _TABLES[name], "", "| column | type | meaning |", "| --- | --- | --- |"]
        parts += [
            f"| {field.name} | {_TYPES[field.kind]}{'' if field.optional else ', never missing'} "
            f"| {meanings[name][field.name]} |"
            for field in fields
        ]
        parts.append("")
    return "\n".join(parts)


def guide() -> str:
    """How the tables are read, and what is in them, as Markdown."""
    return f"{_READING}\n{dictionary()}"


def readme(data_date: str | None, counts: dict[str, int]) -> str:
    """The README of an export of data of a date, with so many rows in each table."""
    rows = "\n".join(f"- {name}: {count:,} rows" for name, count in counts.items())
    return (
        f"# Model lineage of the Hugging Face Hub\n\nData of {(data_date or 'no date')[:10]}, written by "
        f"`lineage export`. Each folder is a table in Parquet files, zstd; manifest.json holds what they are of, and "
        f"`lineage import` reads them back.\n\n{rows}\n\n{guide()}"
    )
