"""The licence files that are shipped: whole, sourced, consistent; and a broken one is told by its name."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from crawler.parse import parse
from lineage.licenses.catalogue import AXES, CatalogueError, Terms, catalogue, read_catalogue, read_license
from lineage.licenses.labels import license_named
from tests.conftest import CHECKOUT
from tests.families import api_row

DATA = CHECKOUT / "lineage" / "data"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted((DATA / "licenses").glob("*.toml"))}
KNOWN = catalogue().licenses
#: The 83 values that the Hub takes (its documentation on licences, 2026-08-22).
HUB = """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
    afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5
    cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
    cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0
    lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl
    openmdw-1.0 openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr
    deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4
    grok2-community gemma unknown other
    """.split()
#: Where we read a licence otherwise than the notes that we started from: (theirs, ours).
OTHERWISE = {
    # A derivative may carry its own terms if they repeat the limit on use; a copy stays under the licence.
    ("nvidia-nc", "child_terms"): ("same-licence", "flow-down"),
    # Nobody has read its text, so there is no ground for a verdict.
    ("sarvam", "commercial_use"): ("conditional", "unknown"),
    ("sarvam", "child_terms"): ("residual", "unknown"),
}


def read(name: str) -> Mapping[str, Any]:
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))


def folded(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.strip().casefold())


def test_every_file_is_read() -> None:
    assert {f"{id}.toml" for id in KNOWN} == TEXTS.keys()
    assert read_catalogue(TEXTS).licenses == catalogue().licenses


def test_every_id_of_the_hub_is_there() -> None:
    assert len(HUB) == len(set(HUB)) == 83
    assert {id for id, license in KNOWN.items() if license.hub} == set(HUB)
    assert {id for id, license in KNOWN.items() if license.kind == "none"} == {"unknown", "other"}


def test_spdx_ids_look_like_ones_and_stand_once() -> None:
    ids = [license.spdx for license in KNOWN.values() if license.spdx is not None]
    assert len(ids) == len(set(ids)) > 50
    assert [id for id in ids if not re.fullmatch(r"[A-Za-z][A-Za-z0-9.]*(-[A-Za-z0-9.]+)*", id)] == []
    versioned = [license for license in KNOWN.values() if license.spdx and re.search(r"\d", license.id)]
    assert [x.id for x in versioned if re.findall(r"\d+", x.id)[0] not in re.findall(r"\d+", str(x.spdx))] == []
    expressions = [license.expression for license in KNOWN.values()]
    assert len(set(expressions)) == len(expressions)
    assert [e for e in expressions if not re.fullmatch(r"[A-Za-z0-9.-]+", e)] == []


def test_what_osi_approved_has_an_spdx_id() -> None:
    assert [id for id, license in KNOWN.items() if license.osi and not license.spdx] == []


@pytest.mark.parametrize("id", KNOWN)
def test_facts_are_short_sourced_and_in_our_own_plain_words(id: str) -> None:
    license = KNOWN[id]
    for fact in license.facts:
        assert fact.axis in AXES
        assert fact.source.strip()
        assert fact.source != "not seen" or fact.unverified
        assert 3 <= len(fact.says.split()) <= 30
        assert fact.says.endswith(".")
        assert not re.search(r"todo|fixme|infring|illegal|\?\?", TEXTS[f"{id}.toml"], re.IGNORECASE)
    assert len(set(license.facts)) == len(license.facts)
    assert license.name


#: Their texts restrict outputs, but the clause that does was not noted.
NO_OUTPUTS_CLAUSE = {"deepfloyd-if-license", "hyperclovax-seed", "llama1", "stabilityai-nc-research-community"}


@pytest.mark.parametrize("id", [id for id, license in KNOWN.items() if not license.unverified])
def test_what_was_read_in_full_has_a_clause_for_each_objection(id: str) -> None:
    license = KNOWN[id]
    if license.commercial == "no":
        assert license.clause("use")
    if license.terms not in {Terms.FREE, Terms.NOTICES, Terms.UNKNOWN}:
        assert license.clause("child")
    if license.training not in {"no-restriction", "unknown"} and id not in NO_OUTPUTS_CLAUSE:
        assert license.clause("outputs")
    if license.begins:
        assert [fact for fact in license.facts if fact.axis == "naming" and license.begins in fact.says]
    if license.threshold:
        assert license.clause("use")


def test_every_vendors_licence_names_its_vendors() -> None:
    assert [id for id, license in KNOWN.items() if license.kind == "vendor-community" and not license.vendors] == []
    owners = {vendor for license in KNOWN.values() for vendor in license.vendors}
    assert [owner for owner in owners if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]+", owner)] == []


def test_relations_between_licences_make_sense() -> None:
    for license in KNOWN.values():
        assert license.id not in license.compatible | license.carries
        assert all(KNOWN[id].commercial == "no" for id in license.compatible if license.commercial == "no"), license.id
        kin = [other for other in KNOWN.values() if other.family and other.family == license.family]
        assert not license.family or len(kin) > 1, f"{license.id} is a family of its own"
        assert license.terms != Terms.NO_SHARE or license.derivatives == "make-only"
        assert license.derivatives in {"share", "make-only", "share-noncommercial", "share-research", "unknown"}
        assert license.hosted in {None, "depends", "no"}
        assert license.commercial == "no" or license.derivatives not in {"share-noncommercial", "share-research"}


def test_days_of_validity_are_days() -> None:
    for license in KNOWN.values():
        days = [date.fromisoformat(day) for day in (license.valid_from, license.valid_to) if day]
        assert days == sorted(days)


def test_other_names_lead_to_one_licence_and_hide_none() -> None:
    names = read("aliases.toml")["names"]
    assert set(names) <= KNOWN.keys()
    all_names = [folded(name) for listed in names.values() for name in listed]
    assert len(all_names) == len(set(all_names))
    assert set(all_names) & set(map(folded, KNOWN)) == set()
    assert [name for listed in names.values() for name in listed if name != folded(name)] == []
    assert all(license_named(name) == id for id, listed in names.items() for name in listed)


def test_links_lead_to_one_licence() -> None:
    links = read("aliases.toml")["links"]
    assert set(links) <= KNOWN.keys()
    listed = [link for some in links.values() for link in some]
    assert len({link.casefold().rstrip("/") for link in listed}) == len(listed)
    assert all(link.startswith("https://") for link in listed)


def test_clarifications_of_one_model_do_not_overlap() -> None:
    held: dict[str, list[tuple[str, str]]] = {}
    for entry in read("clarifications.toml")["model"]:
        assert entry.keys() <= {"ids", "license", "from", "to", "evidence", "unverified"}
        assert license_named(entry["license"]) == entry["license"]
        assert entry["evidence"].strip()
        days = [entry[end] for end in ("from", "to") if end in entry]
        assert [str(date.fromisoformat(day)) for day in days] == days
        for model in entry["ids"]:
            assert re.fullmatch(r"[\w.-]+/[\w.-]+", model)
            held.setdefault(model, []).append((entry.get("from", ""), entry.get("to", "9999")))
    for spans in held.values():
        assert all(start < end for start, end in spans)
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(sorted(spans)))


def test_templates_name_tools_that_are_read_from_tags() -> None:
    entries = read("templates.toml")["template"]
    assert len({(entry["tool"], entry["license"]) for entry in entries}) == len(entries)
    for entry in entries:
        assert entry["license"] in HUB
        assert entry["source"]
        row = api_row("me/Model")
        row["tags"].append(entry["tool"])
        record, _ = parse(row)
        assert record is not None
        assert record.tools == (entry["tool"],)


@given(name=st.sampled_from(sorted(TEXTS)), data=st.data())
def test_the_version_changes_with_any_byte(name: str, data: st.DataObject) -> None:
    comment = data.draw(st.text("abc #\n", min_size=1))
    place = data.draw(st.sampled_from(["# ", "\n# "]))
    changed = {**TEXTS, name: f"{TEXTS[name]}{place}{comment.replace(chr(10), ' ')}\n"}
    assert read_catalogue(changed).version != catalogue().version
    assert read_catalogue(changed).licenses == catalogue().licenses


def test_the_version_is_that_of_the_content_not_of_its_order() -> None:
    version = read_catalogue(TEXTS).version
    assert read_catalogue(dict(reversed(TEXTS.items()))).version == version
    assert re.fullmatch(r"[0-9a-f]{12}", version)
    fewer = {name: text for name, text in TEXTS.items() if name != "zlib.toml"}
    assert read_catalogue(fewer).version != version
    assert read_catalogue(TEXTS, {"aliases.toml": ""}).version != version  # what labels mean is part of it


GOOD = """
id = "x"
name = "X"
kind = "permissive"
vendors = ["me"]

[use]
commercial = "yes"

[child]
terms = "notices"
compatible = []

[outputs]
training = "no-restriction"

[[fact]]
axis = "use"
says = "All is allowed."
section = "1"
source = "here"
"""
BROKEN = {
    "no [use]": ('[use]\ncommercial = "yes"', ""),
    "no [child]": ('[child]\nterms = "notices"\ncompatible = []', ""),
    "no [outputs]": ('[outputs]\ntraining = "no-restriction"', ""),
    "no name": ('name = "X"\n', ""),
    "no kind": ('kind = "permissive"\n', ""),
    "no id": ('id = "x"\n', ""),
    "another id": ('id = "x"', 'id = "y"'),
    "id of another case": ('id = "x"', 'id = "X"'),
    "unknown key": ('name = "X"', 'name = "X"\nnmae = "X"'),
    "unknown key of a table": ('commercial = "yes"', 'commercial = "yes"\nthreshhold = "1"'),
    "unknown table": ("[use]", "[usage]\n[use]"),
    "no table": ('\n[use]\ncommercial = "yes"', 'use = "yes"'),
    "wrong kind": ('kind = "permissive"', 'kind = "free"'),
    "wrong commercial": ('commercial = "yes"', 'commercial = "maybe"'),
    "commercial is no text": ('commercial = "yes"', "commercial = true"),
    "wrong terms": ('terms = "notices"', 'terms = "notice"'),
    "wrong training": ('training = "no-restriction"', 'training = "none"'),
    "wrong derivatives": ('terms = "notices"', 'terms = "notices"\nderivatives = "sahre"'),
    "wrong hosted": ('commercial = "yes"', 'commercial = "yes"\nhosted = "maybe"'),
    "wrong axis": ('axis = "use"', 'axis = "usage"'),
    "fact without a source": ('source = "here"\n', ""),
    "fact without words": ('says = "All is allowed."\n', ""),
    "fact with an unknown key": ('section = "1"', 'clause = "1"'),
    "one fact as a table": ("[[fact]]", "[fact]"),
    "vendors is no list": ('vendors = ["me"]', 'vendors = "me"'),
    "compatible is no list": ("compatible = []", 'compatible = "mit"'),
    "compatible with an unknown licence": ("compatible = []", 'compatible = ["nobody-knows"]'),
    "carries an unknown licence": ("compatible = []", 'carries = ["nobody-knows"]'),
    "flag that is no truth value": ('kind = "permissive"', 'kind = "permissive"\nhub = "no"'),
    "no TOML": ('name = "X"', "name = X"),
    "key twice": ('name = "X"', 'name = "X"\nname = "X"'),
}


def test_a_good_file_is_read() -> None:
    license = read_license("x.toml", GOOD)
    assert (license.id, license.terms, license.vendors, license.facts[0].section) == ("x", Terms.NOTICES, ("me",), "1")


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_told_by_its_name_in_one_line(what: str) -> None:
    before, after = BROKEN[what]
    assert GOOD.count(before) == 1
    with pytest.raises(CatalogueError, match=r"x\.toml") as caught:
        read_catalogue({"mit.toml": TEXTS["mit.toml"], "x.toml": GOOD.replace(before, after)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("axis", ["commercial_use", "child_terms", "output_training"])
def test_the_axes_are_those_of_the_notes_but_for_some(shared: Path, axis: str) -> None:
    notes = yaml.safe_load((shared / "licences.yaml").read_text(encoding="utf-8"))["licences"]
    field = {"commercial_use": "commercial", "child_terms": "terms", "output_training": "training"}[axis]
    said = {entry["id"]: entry[axis] for entry in notes if entry["id"] != "none"}  # which is no declared licence
    assert said.keys() == KNOWN.keys()
    differing = {id: (said[id], str(getattr(KNOWN[id], field))) for id in KNOWN}
    expected = {id: pair for (id, name), pair in OTHERWISE.items() if name == axis}
    assert {id: pair for id, pair in differing.items() if pair[0] != pair[1]} == expected
