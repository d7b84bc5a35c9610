"""The `lineage` command: its sub-commands, and how every error ends."""

import gc
import io
import os
import sys
import traceback
from importlib import import_module
from typing import Any

import click

from lineage.formats.text import printable
from registry.records import RegistryError

#: Sub-commands with the module that holds them and their help line, so that `lineage --help` imports none of them
#: (a test compares these lines with the commands' own).
COMMANDS = {
    "demo": ("lineage.cli.demo:demo", "Load the embedded snapshot and show what can be asked."),
    "import": ("lineage.cli.load:import_command", "Import files of Hub metadata into the registry."),
    "export": ("lineage.cli.export:export_command", "Export the registry with all verdicts to DIR, as Parquet tables."),
    "crawl": ("lineage.cli.crawl:crawl", "Crawl the Hub into the registry."),
    "ancestors": ("lineage.cli.families:ancestors", "Show what MODEL was made from."),
    "descendants": ("lineage.cli.families:descendants", "Show what was made from the ROOTs."),
    "why": ("lineage.cli.families:why", "Show the paths by which ANCESTOR reached MODEL."),
    "graph": ("lineage.cli.graph:graph", "Draw what MODEL was made from, and what was made from it."),
    "map": ("lineage.cli.map:map_command", "Draw the whole family of the ROOTs as a map."),
    "common": ("lineage.cli.families:common", "Show the ancestors that all MODELs share."),
    "license": ("lineage.cli.licenses:license_command", "Show which licences reached MODEL, and judge its label."),
    "audit": ("lineage.cli.audit:audit_command", "Audit licence claims against all that models were made from."),
    "scan": ("lineage.cli.scan:scan_command", "Find the models that code names, with file and line."),
    "bom": ("lineage.cli.bom:bom_command", "Write a bill of materials of MODELs and their ancestors."),
    "policy": ("lineage.cli.audit:policy", "Say what you allow, waive and know besides: lineage.toml."),
    "check": ("lineage.cli.check:check_command", "Check a model folder before you publish it."),
    "notice": ("lineage.cli.notice:notice_command", "Write the attribution for MODELs and all they were made from."),
    "dossier": ("lineage.cli.dossier:dossier_command", "Write a page about MODEL for who decides on its licence."),
    "lock": ("lineage.cli.lock:lock_command", "Write down what MODELs and all they were made from are now."),
    "register": ("lineage.cli.register:register", "Register a model of your own."),
    "model": ("lineage.cli.register:model", "Look after registered models: versions, aliases, notes."),
    "history": ("lineage.cli.changes:history_command", "Show what is known to have changed in MODEL, and when."),
    "diff": ("lineage.cli.changes:diff", "Show what changed since a day, or between two registries."),
    "watch": ("lineage.cli.watch:watch", "Update, and say what changed in what you follow."),
    "show": ("lineage.cli.models:show", "Show everything that is known of MODEL."),
    "search": ("lineage.cli.models:search", "Find models whose id holds TEXT."),
    "stats": ("lineage.cli.numbers:stats", "Numbers about a family, or about the whole registry."),
    "count": ("lineage.cli.numbers:count", "Count a family, with the definition of each number."),
    "defects": ("lineage.cli.models:defects", "List metadata that was refused or repaired."),
    "db": ("lineage.cli.db:db", "Look after the registry itself."),
}
#: Exit status of a crash of ours (EX_SOFTWARE of sysexits.h); 1 and 3 are kept for audits.
CRASH = 70


class Lineage(click.Group):
    """Loads sub-commands when they are called, and turns every error into one line and an exit status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101
        collect_seldom()
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The sub-commands with their help lines, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and exit with 0 or what the command says, 2 (one line on stderr) or 70."""
        kwargs["standalone_mode"] = False
        given = kwargs.get("args") or (args[0] if args else None) or sys.argv[1:]
        stdout = sys.stdout
        status: object = 0
        for stream in (sys.stdout, sys.stderr):  # a terminal that is not UTF-8 shows escapes
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            status = super().main(*args, **kwargs)
            sys.stdout.flush()
        except (BrokenPipeError, SystemExit) as error:
            if isinstance(error, SystemExit) and sys.stdout is stdout:
                raise
            # The reader of our output (`| head`) has seen enough and gone: click puts another stdout, and exits.
            # https://docs.python.org/3/library/signal.html#note-on-sigpipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        except Exception as error:
            sys.exit(_report(error, list(given)))
        sys.exit(status if isinstance(status, int) else 0)  # what a command gave to Context.exit


def collect_seldom() -> None:
    """Let the garbage collector look at less, and less often: what is loaded stays, and rows go by themselves.

    It would take 15 % of an import or crawl, and a tenth of the count of a large family.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _report(error: Exception, given: list[str]) -> int:
    """Say in one line what went wrong and what to do; returns the exit status."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return 2
    if isinstance(error, click.exceptions.Abort):
        line, status = "interrupted; what was saved stays saved: run it again, a crawl by `lineage crawl resume`", 130
    elif (known := _a_users_line(error, given)) is not None:
        line, status = known, 2
    else:
        if "--debug" in given:
            traceback.print_exception(error)
        line = f"internal error ({type(error).__name__}: {error}): run `lineage --debug …` and report what it says"
        status = CRASH
    click.echo(f"lineage: {printable(' '.join(line.split()))}", err=True)
    return status


def _a_users_line(error: Exception, given: list[str]) -> str | None:
    """The line for an error that a person can mend; None for a crash of ours."""
    if isinstance(error, click.UsageError):
        command = next((word for word in given if word in COMMANDS), "")
        path = error.ctx.command_path if error.ctx else f"lineage {command}".strip()
        return f"{error.format_message().rstrip('.')}: see `{path} --help`"
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, RegistryError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}: check the name and the disk"
    if "sqlalchemy" in sys.modules:
        from registry.database import readable  # noqa: PLC0415 - loaded already, if this is a database's error

        return readable(error)
    return None


@click.group(cls=Lineage, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="finetune-lineage", prog_name="lineage")
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
def main(debug: bool) -> None:
    """What was a model made from, what was made from it, and which licence terms came along?

    MODEL is an id in any letter case, an old name, or a URL of the Hub; `ID@sha` keeps the revision in the output.
    """
