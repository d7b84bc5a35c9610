"""CITATION.cff: what the Citation File Format 1.2.0 asks for, and what the package says of itself."""

import re
from configparser import ConfigParser
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
#: https://github.com/citation-file-format/citation-file-format/blob/1.2.0/schema-guide.md
REQUIRED = {"authors", "cff-version", "message", "title"}
KNOWN = REQUIRED | {
    "abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license", "license-url",
    "preferred-citation", "references", "repository", "repository-artifact", "repository-code", "type", "url",
    "version",
}  # fmt: skip


@pytest.fixture(scope="module")
def citation() -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def package() -> dict[str, str]:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return dict(parser["metadata"])


def test_the_citation_has_the_keys_of_its_format(citation: dict[str, Any]) -> None:
    assert REQUIRED <= citation.keys() <= KNOWN
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in {"software", "dataset"}
    for author in citation["authors"]:
        assert {"name"} <= author.keys() or {"family-names", "given-names"} & author.keys()
    assert all(isinstance(citation[key], str) and citation[key] for key in ("message", "title", "abstract", "version"))
    assert len(set(citation["keywords"])) == len(citation["keywords"])
    assert isinstance(citation.get("date-released", date.today()), date)


def test_the_citation_is_of_this_package(citation: dict[str, Any], package: dict[str, str]) -> None:
    assert (citation["title"], citation["version"]) == (package["name"], package["version"])
    assert citation["license"] == package["license"]
    assert citation["keywords"] == package["keywords"].split(", ")
    [author] = citation["authors"]
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert re.search(rf"Copyright \d{{4}} {author['name']}$", notice, re.MULTILINE | re.IGNORECASE)
