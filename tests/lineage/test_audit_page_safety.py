"""The page asks nothing of anybody, nothing from outside is markup on it, and everybody can read it."""

import re
from base64 import b64encode
from configparser import ConfigParser
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote

import pytest

from lineage.formats.audit_page import audit_page
from lineage.formats.markup import Markup, clipped, joined, link, tag
from lineage.formats.text import printable
from tests.lineage.audits import HOSTILE, STEERING, audit_of, audited, finding, hostile, mixed
from tests.lineage.pages import read, shape

ROOT = Path(__file__).parents[2]
DATA = ROOT / "lineage" / "data"


def test_the_policy_of_the_page_allows_its_own_style_and_script_alone() -> None:
    page = read(mixed())
    head = page.one("head")
    metas = [meta.attributes for meta in head.all("meta")]
    (policy,) = [meta["content"] for meta in metas if meta.get("http-equiv") == "Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    hashes = {}
    for kind, element in (("style", page.one("style")), ("script", page.one("script"))):
        (text,) = element.content
        assert isinstance(text, str)
        hashes[f"{kind}-src"] = f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    assert directives == {"default-src": "'none'", **hashes, "base-uri": "'none'", "form-action": "'none'"}
    first = [element.attributes.get("http-equiv") or element.name for element in head.all()]
    assert first.index("Content-Security-Policy") < first.index("style")
    assert {"charset": "utf-8"} in metas
    assert {"name": "referrer", "content": "no-referrer"} in metas


def test_nothing_is_loaded() -> None:
    page = read(mixed())
    names = {element.name for element in page.all()}
    assert names.isdisjoint({"img", "link", "iframe", "object", "embed", "audio", "video", "base", "use", "image"})
    attributes = {name for element in page.all() for name in element.attributes}
    loading = {"src", "srcset", "action", "formaction", "style", "data", "poster", "background", "ping"}
    assert attributes.isdisjoint(loading)
    assert not [name for name in attributes if name.startswith("on")]
    style, script = (DATA / name for name in ("audit.css", "audit.js"))
    assert not re.search(r"url\(|@import|@font-face|expression\(|</", style.read_text(encoding="utf-8"))
    assert not re.search(
        r"fetch|XMLHttp|WebSocket|sendBeacon|import\b|eval|innerHTML|document\.write|https?:|</",
        script.read_text(encoding="utf-8"),
    )


def test_what_the_page_is_made_of_comes_with_the_product() -> None:
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = config["options.package_data"]["lineage"].split(", ")
    carried = {path for pattern in patterns for path in (ROOT / "lineage").glob(pattern)}
    assert {path for path in DATA.rglob("*") if path.is_file() and path.name != "README.md"} == carried


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_text(text: str) -> None:
    written = audit_page(hostile(text))
    assert not set(written) & set(STEERING)
    page = read(hostile(text))
    assert shape(page) == shape(read(hostile("plain")))
    shown = printable(text)
    model = page.by_id("models").all("details")[0]
    assert model.one("summary").one("span", "id").text.startswith(" ".join(shown.split())[:2_000])
    texts = page.text
    for words in (f"brings {shown}", f"Clause {shown}: ", f"Source {shown}", f"Waived {shown}", f"To mend it {shown}"):
        assert " ".join(words.split())[:1_990] in texts
    for anchor in page.all("a"):
        assert anchor.attributes["href"].startswith(("#", "https://huggingface.co/"))
        if "id" in anchor.classes:
            path = anchor.attributes["href"].removeprefix("https://huggingface.co/")
            assert re.fullmatch(r"(?:[\w./~-]|%[0-9A-F]{2})+", path, re.ASCII)
            assert unquote(path) in {text.replace("\ud800", "?"), "you/Tuned", "a/Waived", "a/B"}


def test_a_long_text_is_cut_and_says_how_long_it_is() -> None:
    page = read(audit_of(audited("you/Tuned", finding(clause="y" * 10_000, section=None))))
    assert f"{'y' * 2_000}… (10,000 characters)" in page.one("article").text
    assert "y" * 2_001 not in page.text
    title = read(audit_of(asked="z" * 500, claim="c" * 500))
    assert title.one("title").text == f"Licence audit: {'z' * 119}…"
    assert f"claim {'c' * 119}… pass" in title.one("h1").text
    assert f"Asked {'z' * 500}" in title.one("dl").text


@pytest.mark.parametrize(
    ("source", "href"),
    [
        ("https://x.example/a_(b)?c=d&e#f", "https://x.example/a_(b)?c=d&e#f"),
        ("https://x.example/ä\"'<>\x1b", "https://x.example/%C3%A4%22%27%3C%3E%1B"),
        ("https://x.example/100%25", "https://x.example/100%25"),
        ("http://x.example/", None),
        ("HTTPS://x.example/", None),
        ("javascript:alert(1)", None),
        ("data:text/html,<script>", None),
        (" https://x.example/", None),
        ("https://x.example/ and more", None),
        ("github:meta/llama@abc LICENSE", None),
    ],
)
def test_only_an_https_address_is_a_link(source: str, href: str | None) -> None:
    article = read(audit_of(audited("you/Tuned", finding(source=source)))).one("article")
    (told,) = [part.one("dd") for part in article.one("dl").all("div") if part.one("dt").text == "Source"]
    assert told.text == " ".join(printable(source).split())
    assert [anchor.attributes["href"] for anchor in told.all("a")] == ([href] if href else [])


def test_links_tell_the_other_side_nothing() -> None:
    page = read(audit_of(audited("you/Tüned x", finding())))
    outside = [anchor.attributes for anchor in page.all("a") if not anchor.attributes["href"].startswith("#")]
    assert len(outside) > 4
    assert {anchor["rel"] for anchor in outside} == {"noopener noreferrer nofollow"}
    assert "https://huggingface.co/you/T%C3%BCned%20x" in {anchor["href"] for anchor in outside}


def test_a_tag_escapes_what_is_no_markup() -> None:
    assert tag("p", "<b>", tag("i", "&"), class_='"x"') == '<p class="&quot;x&quot;">&lt;b&gt;<i>&amp;</i></p>'
    assert tag("td", "1", class_=None, aria_label="a\x1b", colspan=2) == '<td aria-label="a\\x1b" colspan="2">1</td>'
    assert tag("meta", name="x") == '<meta name="x">'
    assert joined(["<", Markup("<hr>")]) == "&lt;<hr>"
    assert isinstance(joined([]), Markup)
    assert link("text", "#x") == "text"
    assert (clipped("abc", 3), clipped("abcd", 3)) == ("abc", "ab…")
    for bad in ("javascript:alert(1)", "http://x.example", "//x.example", "data:,"):
        with pytest.raises(ValueError, match="no such link"):
            tag("a", "x", href=bad)


# everybody can read it


def test_landmarks_headings_and_labels_are_there() -> None:
    page = read(mixed())
    assert page.attributes == {"lang": "en"}
    for landmark in ("header", "main", "footer", "nav", "h1", "title"):
        assert page.one(landmark).text
    for section in page.all("section"):
        assert page.by_id(section.attributes["aria-labelledby"]).name == "h2"
    for anchor in page.all("a"):
        if anchor.attributes["href"].startswith("#"):
            assert page.by_id(anchor.attributes["href"][1:]).name in {"main", "section"}
    assert [a.attributes["href"] for a in page.one("nav").all("a")] == ["#begins", "#branches", "#models", "#passing"]
    assert [a.attributes["href"] for a in read(audit_of()).one("nav").all("a")] == ["#begins", "#models", "#passing"]
    ids = [element.attributes["id"] for element in page.all() if "id" in element.attributes]
    assert len(set(ids)) == len(ids)
    for label in page.one("form").all("label"):
        assert label.content[0]
        assert len([field for field in label.all() if field.name in {"input", "select"}]) == 1
    for drawing in page.all("svg"):
        assert drawing.attributes["role"] == "img"
        assert drawing.attributes["aria-label"]


def test_tables_have_headings_and_can_be_scrolled_with_the_keyboard() -> None:
    page = read(mixed())
    assert len(page.all("table")) == 2
    for table in page.all("table"):
        assert {cell.attributes["scope"] for cell in table.one("thead").all("th")} == {"col"}
        for row in table.one("tbody").all("tr"):
            assert row.one("th").attributes["scope"] == "row"
            assert len(row.all("td")) + 1 == len(table.one("thead").all("th"))
    for region in page.all("div", "scroll"):
        assert (region.attributes["role"], region.attributes["tabindex"]) == ("region", "0")
        assert region.attributes["aria-label"]


def test_the_page_reads_without_its_script() -> None:
    page = read(mixed())
    assert [element.name for element in page.all() if "hidden" in element.attributes] == ["form"]
    script = page.one("script").text
    for id_ in ("filter", "words", "grade", "shown", "open", "close"):
        assert f'"{id_}"' in script
        page.by_id(id_)
    assert [option.attributes["value"] for option in page.one("select").all("option")] == [
        "", "violation", "review", "pass",
    ]  # fmt: skip


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


def test_text_stands_out_from_what_it_stands_on() -> None:
    style = (DATA / "audit.css").read_text(encoding="utf-8")
    light, dark = (colours(block) for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2])
    assert set(light) == set(dark)
    texts = [(text, ground) for text in ("ink", "soft", "link") for ground in ("page", "card", "review-tint")]
    texts += [(kind, ground) for kind in ("violation", "review", "pass") for ground in ("card", f"{kind}-tint")]
    texts += [("mark", "mark-tint"), ("link", "mark-tint"), ("soft", "mark-tint"), ("ink", "mark-tint")]
    for scheme in (light, dark):
        faint = {pair: contrast(scheme[pair[0]], scheme[pair[1]]) for pair in texts}
        assert {pair: ratio for pair, ratio in faint.items() if ratio < 4.5} == {}
        bars = {kind: contrast(scheme[f"{kind}-bar"], scheme["page"]) for kind in ("violation", "pass")}
        assert min(bars.values()) >= 3
