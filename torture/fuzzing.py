"""One target under atheris until its time is over: `python -m torture.fuzzing TARGET [libFuzzer's options]`.

atheris never returns, and its inputs are told apart by which lines of the product they reach: so each target has a
process of its own, and imports the product through it.
"""

import sys

import atheris


def main() -> None:
    """Fuzz the target that is named first."""
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["crawler", "lineage", "registry", "tomllib"]):
        from torture.targets import TARGETS  # noqa: PLC0415 - imported so that it is instrumented
    atheris.Setup(sys.argv, TARGETS[name], enable_python_coverage=True)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
