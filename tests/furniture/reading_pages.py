"""Reads pages as a browser does, and is strict where a browser forgives."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "img", "input", "br", "hr"})
FORBIDDEN = frozenset({"script", "style", "iframe", "object", "embed", "base", "video", "audio"})


@dataclass
class Html:
    """What a page is made of."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    posts: list[str] = field(default_factory=list)
    """Where forms are posted to."""
    csrf: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Html()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert tag not in FORBIDDEN, tag
        assert len(given) == len(attrs), f"an attribute of <{tag}> is there twice"
        assert not [name for name in given if name.startswith("on") or name == "style"], given
        if tag not in VOID:
            self._open.append(tag)
        self._note(tag, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"rect", "line", "text"}, tag

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open[-1] == tag, f"</{tag}> ends {self._open[-3:]}"
        self._open.pop()
        if tag in ("td", "th", "li", "p"):
            self.page.text += " "

    def handle_data(self, data: str) -> None:
        self.page.text += data

    def close(self) -> None:
        super().close()
        assert not self._open, self._open

    def _note(self, tag: str, given: dict[str, str]) -> None:
        page = self.page
        if tag == "a":
            assert given["href"], "a link to nowhere"
            page.links.append(given["href"])
        if tag in ("img", "link"):
            page.sources.append(given.get("src") or given["href"])
        if tag in ("h1", "h2", "h3"):
            page.headings.append(tag)
        if tag == "form" and given.get("method") == "post":
            page.posts.append(given["action"])
        if tag in ("input", "select") and given.get("type") != "hidden":
            assert "label" in self._open, f"{given} has no label"
        if tag == "input" and given.get("name") == "csrf":
            page.csrf = given["value"]
        if "id" in given:
            page.ids.append(given["id"])


def read_page(text: str) -> Html:
    """Return what a page is made of; AssertionError where it is not well made."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    page = reader.page
    assert page.headings.count("h1") == 1, page.headings
    assert len(set(page.ids)) == len(page.ids), page.ids
    return page
