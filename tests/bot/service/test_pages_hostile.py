"""Whatever a repository holds, its pages show it and do nothing else."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import text

from bot.service.pages.charts import Bar, bars
from bot.service.pages.diffs import LONGEST_LINE, MOST_LINES, read_diff
from bot.service.pages.display import is_hidden, visible
from storage.records import FileChange, Mirroring, Task, digest
from storage.store import Store
from storage.tables.hosted import Hosted
from storage.tables.jobs import NewJob
from syntax.patches import unified_diff
from tests.furniture.board import (
    NOW,
    bug_of,
    dashboard,
    pull_of,
    stock,
    verdict_of,
)
from tests.furniture.reading_pages import Html, read_page

NASTY = "\"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}{% raw %}'&amp;"
TURNED = "ab\u202ecd\u2066\u200b\ufeff\u00ad"
BYTES = b"caf\xe9 \x00\x1b[31m\x07".decode("utf-8", "surrogateescape")
ARABIC = "\u0627\u0644\u0639\u0631\u0628\u064a\u0629"
NAMES = (NASTY, TURNED, BYTES, "x" * 5000, ARABIC, "..", "\u3164")
FILTERS = ("q", "show", "text", "repository", "strategy", "operator", "reason", "file", "state",
           "kind", "queue", "event", "page", "pulls", "gaps", "after", "outcome")  # fmt: skip


def poison(path: Path, name: str) -> tuple[str, str]:
    """Fill a store where all that a repository chooses is ``name``; return a task and a bug."""
    held = name.encode(errors="replace").decode()
    with Store(path) as store:
        made = stock(store, 1, "acme/shop", bugs=1)
        hosted = replace(
            made.hosted, default_branch=held, because=held, head=held, commit=held, name="acme/shop"
        )
        store.hosted.put_repository(hosted)
        content = f"{name}\n{'y' * 9000}\n".encode("utf-8", "surrogateescape")
        clean = bug_of(made.hosted.tree, 3, random.Random(1))
        bug = replace(
            clean,
            patch=unified_diff("evil.py", b"x\n", content) + f"--- {name}\n+++ {name}\n",
            changes=(FileChange(path=name, mode="100644", sha256=digest(held)),),
            origin=replace(
                clean.origin, strategy="mirror", operator=held, path=name, entity=name,
                commit=held, pull=7,
            ),
        )  # fmt: skip
        store.add_bug(bug)
        verdict = verdict_of(bug, made.environment, "valid", random.Random(1))
        store.add_verdict(replace(verdict, detail=name, fail_to_pass=(f"t.py::{name}",)))
        task = Task(
            id=f"acme__shop.12345678.func__{digest(held)[:8]}",
            bug=bug.id,
            environment=made.environment.id,
            statement=name,
            created="2026-01-01T00:00:00+00:00",
            hints=(held,),
            removed=((held, held),),
            test_patch=unified_diff("t.py", None, content),
        )
        store.add_task(task)
        store.pulls.add([replace(pull_of("acme/shop", held, 7, held), author=held)])
        store.pulls.set_outcome(
            Mirroring(tree=bug.tree, repository="acme/shop", commit=held, outcome="undone",
                      detail=held, tier="apply", undone=1.0, bug=bug.id, fix=bug.patch)
        )  # fmt: skip
        payload = json.dumps({"x": held})
        job = NewJob(queue="bad", kind="pull", subject=f"1:{held}", repository=1, payload=payload)
        store.jobs.put_jobs([job], NOW)
        [claimed] = store.jobs.claim("bad", "w", now=NOW, lease=9)
        store.jobs.fail(claimed, held, now=NOW, retry_in=None)
    return task.id, bug.id


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
async def test_hostile_names_and_texts_are_shown_and_nothing_more(
    tmp_path: Path, name: str
) -> None:
    task, bug = poison(tmp_path / "store.db", name)
    async with dashboard(tmp_path / "store.db") as client:
        waiting = {"/", f"/tasks/{task}", f"/bugs/{bug}", "/yield", "/queue"}
        pages: dict[str, Html] = {}
        while waiting:
            path = waiting.pop()
            answer = await client.get(path)
            assert answer.status == 200, path
            source = await answer.text()
            assert "<script" not in source and "49{" not in source
            assert not [c for c in source if is_hidden(c)], path
            assert len(source) < 400_000
            pages[path] = read_page(source)
            waiting |= {
                link.partition("#")[0]
                for link in pages[path].links
                if link.startswith(("/bugs", "/tasks", "/queue/", "/repositories"))
            } - pages.keys()
    assert any(path.startswith("/queue/pull/") for path in pages)
    assert any("<script>alert(1)</script>" in page.text for page in pages.values()) is (
        name == NASTY
    )
    if name == TURNED:
        assert "⟨U+202E⟩" in pages[f"/tasks/{task}"].text
    if name == BYTES:
        assert "caf⟨0xE9⟩ ⟨U+0000⟩⟨U+001B⟩[31m" in pages[f"/tasks/{task}"].text


async def test_hostile_addresses_are_answered(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        stock(store, 1, "acme/shop")
    asked = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE%00%ED%A0%80%ff"
    async with dashboard(tmp_path / "store.db") as client:
        for path in ("/", "/tasks", "/queue", "/deliveries", "/login", "/repositories/acme/shop"):
            query = "&".join(f"{name}={asked}" for name in (*FILTERS, asked))
            answer = await client.get(f"{path}?{query}")
            source = await answer.text()
            assert answer.status == 200, path
            read_page(source)
            assert "<script" not in source and "\u202e" not in source
        answer = await client.get(f"/{asked}")
        assert answer.status == 404
        assert "<script" not in await answer.text()


async def test_a_repository_named_to_be_an_address_is_only_a_name(tmp_path: Path) -> None:
    with Store(tmp_path / "store.db") as store:
        for number, name in enumerate(("a/..", "javascript:alert(1)/x", "//evil/x", 'a/"b')):
            store.hosted.put_repository(Hosted(id=number + 1, installation=1, name=name))
    async with dashboard(tmp_path / "store.db") as client:
        page = read_page(await (await client.get("/")).text())
    assert all(link.startswith(("/", "#")) and link[:2] != "//" for link in page.links)
    assert "javascript:alert(1)/x" in page.text


@given(text())
def test_nothing_stays_hidden(given: str) -> None:
    shown = visible(given)
    assert not [char for char in shown if is_hidden(char)]
    shown.encode()


def test_ordinary_text_stays_as_it_is() -> None:
    for ordinary in ("a b\tc\nd", "Grüße, 你好, שלום, naïve", "1\u00a0000 €", "👍🏽"):
        assert visible(ordinary) == ordinary


@given(text(), text())
def test_a_diff_is_read_whole_whatever_is_in_it(old: str, new: str) -> None:
    before, after = (t.encode("utf-8", "surrogatepass") for t in (old, new))
    counts: list[list[int]] = []
    for line in read_diff(unified_diff("a b.py", before, after)).lines:
        if line.kind == "hunk":
            told = re.match(r"@@ -\d+,(\d+) \+\d+,(\d+) @@", line.pieces[0].text)
            assert told is not None
            counts.append([int(told[1]), int(told[2])])
        if line.kind in ("kept", "removed"):
            counts[-1][0] -= 1
        if line.kind in ("kept", "added"):
            counts[-1][1] -= 1
        shown = [piece.text for piece in line.pieces if not piece.hidden]
        assert sum(map(len, shown)) <= LONGEST_LINE
    assert counts == [[0, 0]] * len(counts)


def test_a_removed_line_that_looks_like_a_header_is_a_line() -> None:
    diff = read_diff(unified_diff("q.sql", b"-- drop\nx\n", b"++ add\nx\n"))

    assert [(line.kind, line.mark) for line in diff.lines] == [
        ("file", ""), ("hunk", ""), ("removed", "-"), ("added", "+"), ("kept", "")
    ]  # fmt: skip
    assert [line.pieces[0].text for line in diff.lines][:1] == ["q.sql"]
    assert (diff.added, diff.removed) == (1, 1)


def test_a_diff_without_end_is_cut_and_says_so() -> None:
    diff = read_diff(unified_diff("a.py", None, b"x = 1\n" * 5000 + b"y" * 1_000_000))

    assert len(diff.lines) == MOST_LINES
    assert diff.left_out > 3000
    assert diff.added == 5001


def test_malformed_diff_is_shown_as_it_is() -> None:
    diff = read_diff("--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-x\nno mark\n")

    assert [line.kind for line in diff.lines] == ["note"] + ["kept"] * 5
    assert (
        diff.lines[0].pieces[0].text == "this patch is malformed: Hunk diff line expected: no mark"
    )
    assert diff.lines[-1].pieces[0].text == "no mark"


def test_hidden_characters_in_a_diff_are_marked_and_named() -> None:
    diff = read_diff(unified_diff("a.py", b"x\n", "x\u202e\n".encode()))
    [hidden] = [piece for line in diff.lines for piece in line.pieces if piece.hidden]

    assert (hidden.text, hidden.hidden) == ("⟨U+202E⟩", "RIGHT-TO-LEFT OVERRIDE")


def test_line_ends_are_shown_where_they_differ() -> None:
    def shown(old: bytes, new: bytes) -> str:
        diff = read_diff(unified_diff("a.py", old, new))
        return "".join(piece.text for line in diff.lines for piece in line.pieces)

    assert "U+000D" not in shown(b"a\r\nb\r\n", b"a\r\nc\r\n")
    assert "U+000D" in shown(b"a\r\nb\r\n", b"a\r\nb\n")


@given(text(), text())
def test_labels_of_a_chart_are_text(label: str, note: str) -> None:
    chart = bars([Bar(label=label, value=1, note=note)], title=label, axis="x", tick=str)
    read_page(f"<h1></h1>{chart}".replace("/>", "></rect>").replace("<line", "<rect"))
