"""Mistreat the product, and write what came of it: `python -m torture [--brief] [OUTPUT.md]`.

Ends with 1 if anything happened that should not.
"""

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path

from torture.dirt import dirt
from torture.faults import faults
from torture.fuzz import fuzzing
from torture.graphs import torture_graphs
from torture.kills import kills
from torture.parts import Part

#: Each takes whether it is to be brief (a twentieth or so), and gives a part of the page.
PARTS: tuple[Callable[[bool], Part], ...] = (fuzzing, torture_graphs, faults, kills, dirt)
_PREFACE = """# Reliability

Made by `make torture`. Seeds are fixed: what is tried is the same each time, as far
as other processes let it.
"""


def main() -> None:
    """Run all parts and print them; write the page if a name is given."""
    brief = "--brief" in sys.argv
    outputs = [argument for argument in sys.argv[1:] if argument != "--brief"]
    of_what = "A brief run" if brief else "A full run"
    pieces, failures = [_PREFACE, f"{of_what}. Python {platform.python_version()}, {platform.machine()}.\n"], 0
    for part in PARTS:
        began = time.monotonic()
        made = part(brief)
        failures += len(made.failures)
        wrong = "".join(f"\n- **wrong:** {failure}" for failure in made.failures)
        seconds = time.monotonic() - began
        pieces.append(f"## {made.title}\n\n{made.text}\n{wrong}\nIt took {seconds:,.0f} s.\n")
        print(pieces[-1], flush=True)
    if outputs:
        Path(outputs[0]).write_text("\n".join(pieces), encoding="utf-8")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
