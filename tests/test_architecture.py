"""The doors between the rooms, and the size of files."""

import ast
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("registry", "crawler", "lineage")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
#: What each room may import of the others.
DOORS = {"registry": set(), "crawler": {"registry"}, "lineage": {"registry"}, "lineage.cli": {"registry", "crawler"}}
LIMIT = 400


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> set[str]:
    """The modules of ours that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {module for module in inner if module in MODULES} or {node.module}
    return {module for module in found if module.split(".")[0] in PACKAGES}


MODULES = {name_of(path) for path in SOURCES}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_go_through_the_doors(path: Path) -> None:
    name = name_of(path)
    room = "lineage.cli" if name.startswith(("lineage.cli", "lineage.__main__")) else name.split(".")[0]
    others = {module.split(".")[0] for module in imports_of(path)} - {name.split(".")[0]}
    assert others <= DOORS[room]


def test_no_module_imports_itself_by_a_detour() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph([(name_of(path), module) for path in SOURCES for module in imports_of(path)])
    assert list(nx.simple_cycles(graph)) == []
    assert graph.number_of_edges() > len(SOURCES)  # the reader of imports does read


def test_formats_and_queries_do_not_print_or_exit() -> None:
    calls = {
        (name_of(path), node.func.id)
        for path in SOURCES
        if not name_of(path).startswith("lineage.cli")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"print", "exit"}
    }
    assert calls == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_hold_a_docstring_and_nothing_else(package: str) -> None:
    body = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8")).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


@pytest.mark.parametrize("folder", [*PACKAGES, "tests", "tools", "benchmarks", "torture"])
def test_files_stay_small(folder: str) -> None:
    sizes = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert {path: size for path, size in sizes.items() if size > LIMIT} == {}


def test_the_plan_names_every_file() -> None:
    plan = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [p for p in SOURCES if p.parent.name in PACKAGES and not p.name.startswith("__")]
    assert [path.name for path in rooms if path.name not in plan] == []
