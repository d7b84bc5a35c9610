"""The command that finds the models which a code base names: scan."""

import sys
from pathlib import Path

import click

import lineage.formats.scans  # noqa: F401 - tells as_table how a scan is written
from crawler.code import read_code
from lineage.cli.options import FORMATS, opened, registry_option, write_text
from lineage.formats.scans import model_list, remarks
from lineage.formats.text import printable
from lineage.scan import LeftOut, Seen, scan

_FORMATS = {"list": model_list, **FORMATS}


@click.command(name="scan")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...", type=click.Path(path_type=Path))
@click.option(
    "-f",
    "--format",
    "format_",
    type=click.Choice(list(_FORMATS)),
    help="How to write the result. Default: table on a terminal, else list, which `lineage audit -r` reads.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead.")
@registry_option
def scan_command(paths: tuple[Path, ...], format_: str | None, output: Path | None, db: str | None) -> None:
    """Find the models that code names, with file and line.

    Reads Python, notebooks, YAML, JSON, TOML, .env files, Dockerfiles and shell scripts; runs nothing and follows no
    link. Finds ids of the Hub in calls (from_pretrained, pipeline, SentenceTransformer, LLM, snapshot_download and
    their like), in arguments, variables and keys that say so (model, model_id, base_model, repo_id, …), in `hf
    download` and `vllm serve`, and URLs. What only a run would tell is counted, not guessed. Ids that the registry does
    not know are told as such.

    `lineage scan . | lineage audit -r - --claim any` audits what is found.
    """
    engine = opened(db)
    read = list(read_code(paths))
    found = scan(
        engine,
        [Seen(m.name, m.revision, file.path, m.line, m.how) for file in read for m in file.mentions],
        files=sum(file.left_out is None or bool(file.mentions) for file in read),
        unnamed=sum(file.unnamed for file in read),
        left_out=[LeftOut(file.path, file.left_out) for file in read if file.left_out],
    )
    format_ = format_ or ("table" if output is None and sys.stdout.isatty() else "list")
    write_text(_FORMATS[format_](found), output)
    for remark in remarks(found) if format_ != "table" else ():
        click.echo(printable(remark), err=True)
