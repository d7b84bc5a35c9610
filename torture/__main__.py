"""Mistreat the product, and write what came of it: `python -m torture [--brief] [--part PART]… [OUTPUT.md]`.

Ends with 1 if anything happened that should not.
"""

import argparse
import platform
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

from torture.answers import answers
from torture.dirt import dirt
from torture.disks import disks
from torture.faults import faults
from torture.fuzz import fuzzing
from torture.graphs import torture_graphs
from torture.kills import kills
from torture.parts import Part

#: Each takes whether it is to be brief (a twentieth or so), and gives a part of the page.
PARTS: dict[str, Callable[[bool], Part]] = {
    "fuzzing": fuzzing,
    "graphs": torture_graphs,
    "faults": faults,
    "answers": answers,
    "kills": kills,
    "disks": disks,
    "dirt": dirt,
}
_PREFACE = """# Reliability

Made by `make torture`, part by part. Seeds are fixed: what is tried is the same each
time, as far as other processes let it.
"""


def main() -> None:
    """Run the parts that are asked for and print them; write them into the page, if one is named, as they are made."""
    parser = argparse.ArgumentParser("python -m torture")
    parser.add_argument("--brief", action="store_true")
    parser.add_argument("--part", action="append", choices=[*PARTS], help="only this one; may be given again")
    parser.add_argument("output", nargs="?", type=Path)
    wanted = parser.parse_args()
    failures = 0
    for name in wanted.part or PARTS:
        began = time.monotonic()
        made = PARTS[name](wanted.brief)
        failures += len(made.failures)
        section = _section(made, "brief" if wanted.brief else "full", time.monotonic() - began)
        print(section, flush=True)
        if wanted.output is not None:
            known = wanted.output.read_text(encoding="utf-8") if wanted.output.exists() else ""
            wanted.output.write_text(page(known, name, section), encoding="utf-8")
    sys.exit(1 if failures else 0)


def page(known: str, name: str, section: str) -> str:
    """A page with this section in place of the one of that name, the others as they are."""
    mark = rf"<!-- ({'|'.join(PARTS)}) -->\n"
    _, *pieces = re.split(mark, known)
    sections = {part: text.rstrip("\n") + "\n" for part, text in zip(pieces[::2], pieces[1::2], strict=True)}
    sections[name] = section
    return "\n".join([_PREFACE, *(f"<!-- {part} -->\n{sections[part]}" for part in PARTS if part in sections)])


def _section(made: Part, size: str, seconds: float) -> str:
    wrong = "".join(f"\n- **wrong:** {failure}" for failure in made.failures)
    of_what = f"A {size} run of {seconds:,.0f} s, with Python {platform.python_version()} on {platform.machine()}."
    return f"## {made.title}\n\n{made.text}\n{wrong}\n{of_what}\n"


if __name__ == "__main__":
    main()
