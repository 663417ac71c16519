"""Read what is behind the names people type: targets of make and just, tasks, test scripts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.detect.commands import read_script
from harness.detect.installers import Recipe, combine_recipes
from harness.detect.model import strings, table
from harness.detect.pyproject import load
from harness.detect.shell import LONGEST, UNKNOWN
from harness.detect.tree import RepositoryTree, read_text

MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
JUSTFILES = ("justfile", "Justfile", ".justfile")
SCRIPT_FOLDERS = frozenset({"", "scripts", "script", "bin", "ci", "tools", "dev", ".ci", "etc"})
TESTING = ("test", "tests", "unittest", "unittests", "unit", "pytest", "check")
DEEP = 3
MOST_RULES = 50
MOST_PLACES = 20
"""Variables that are filled in within one text."""

Rules = Mapping[str, tuple[tuple[str, ...], str]]
"""By name: the names that go before it, and a shell script."""


def make_rules(tree: RepositoryTree) -> Rules:
    """Return the rules of the Makefile, variables filled in as far as they are literal."""
    path = next((path for path in MAKEFILES if tree.read_file(path) is not None), "")
    values: dict[str, str] = {}
    rules: dict[str, tuple[tuple[str, ...], str]] = {}
    targets: list[str] = []
    for line in re.sub(r"\\\n\s*", " ", read_text(tree, path)).splitlines():
        if line.startswith("\t"):
            for target in targets:
                before, script = rules[target]
                rules[target] = (
                    before,
                    script + fill_variables(line.strip().lstrip("@-+"), values) + "\n",
                )
        elif match := re.match(r"(?:export\s+)?([\w.-]+)\s*(:=|::=|\?=|\+=|=)\s*(.*)$", line):
            more = values.get(match[1], "") + " " if match[2] == "+=" else ""
            values[match[1]] = more + match[3].split(" #")[0].strip()
        elif match := re.match(r"([\w./ -]+):(?!=)([^#;]*)(?:;(.*))?", line):
            targets = match[1].split()
            for target in targets:
                before, script = rules.get(target, ((), ""))
                added = fill_variables(match[3] or "", values).strip()
                rules[target] = ((*before, *match[2].split()), script + added + "\n")
        elif line.strip() and not line.startswith((" ", "#", "if", "else", "endif")):
            targets = []
    return rules


def fill_variables(text: str, values: Mapping[str, str], depth: int = 0) -> str:
    """Replace make's variables by their values; what is no plain value stays unknown."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        known = values.get(name, "" if re.fullmatch(r"\w+", name) else UNKNOWN)
        return fill_variables(known, values, depth + 1) if depth < DEEP else UNKNOWN

    text = re.sub(
        r"\$\(([^()]*(?:\([^()]*\))?[^()]*)\)|\$\{([^{}]*)\}",
        value,
        text[:LONGEST],
        count=MOST_PLACES,
    )
    return text.replace("$$", "$") if depth == 0 else text


def just_rules(tree: RepositoryTree) -> Rules:
    """Return the recipes of the justfile."""
    path = next((path for path in JUSTFILES if tree.read_file(path) is not None), "")
    values: dict[str, str] = {}
    rules: dict[str, tuple[tuple[str, ...], str]] = {}
    name = ""
    for line in re.sub(r"\\\n\s*", " ", read_text(tree, path)).splitlines():
        if match := re.match(r"(?:export\s+)?([\w-]+)\s*:=\s*['\"](.*)['\"]\s*$", line):
            values[match[1]] = match[2]
        elif match := re.match(r"@?([\w-]+)([^:=]*(?:=[^:]*)?):(?!=)([^#]*)", line):
            name = match[1]
            rules[name] = (tuple(re.findall(r"[\w-]+", match[3])), "")
        elif name and line[:1].isspace():
            text = re.sub(
                r"\{\{\s*([^}]*?)\s*\}\}", lambda m: values.get(m[1], ""), line.strip().lstrip("@-")
            )
            rules[name] = (rules[name][0], rules[name][1] + text + "\n")
        elif line.strip() and not line.startswith(("#", "[")):
            name = ""
    return rules


def task_rules(tree: RepositoryTree) -> Rules:
    """Return the tasks of poe, pdm and taskipy."""
    tool = table(load(tree), "tool")
    tasks = {
        **table(tool, "taskipy", "tasks"),
        **table(tool, "pdm", "scripts"),
        **table(tool, "poe", "tasks"),
    }
    return {name: task(definition) for name, definition in tasks.items()}


def task(definition: Any) -> tuple[tuple[str, ...], str]:
    """Return the tasks that a task names, and its own commands."""
    if isinstance(definition, str):
        return (), definition + "\n"
    if isinstance(definition, list):
        parts = [task(item) if not isinstance(item, str) else ((item,), "") for item in definition]
        return tuple(n for part in parts for n in part[0]), "".join(part[1] for part in parts)
    given = table(definition)
    before = (*strings(given.get("deps")), *strings(given.get("ref")))
    script = ""
    env = {k: v for k, v in table(given, "env").items() if isinstance(v, str) and "'" not in v}
    prefix = "".join(f"{key}='{value}' " for key, value in env.items())
    for key in ("cmd", "shell"):
        value = given.get(key)
        text = " ".join(strings(value)) if isinstance(value, list) else value
        script += f"{prefix}{text}\n" if isinstance(text, str) else ""
    for key in ("sequence", "composite"):
        if isinstance(given.get(key), list):
            inner = task(given[key])
            before, script = (*before, *inner[0]), script + inner[1]
    return before, script


def rule_recipe(rules: Rules, name: str) -> Recipe:
    """Return what a target does, after those that go before it."""
    return combine_recipes(parts(rules, name, set()))


def parts(rules: Rules, name: str, seen: set[str]) -> Iterator[Recipe]:
    """Yield what a target does; those that were ``seen`` are not done again."""
    if name not in rules:
        # poe and pdm let a sequence hold commands of its own
        if seen and " " in name:
            yield read_script(name)
        return
    before, script = rules[name]
    seen.add(name)
    for other in (*before, script.split(" ")[0].strip()):
        if other not in seen and len(seen) < MOST_RULES:
            yield from parts(rules, other, seen)
    yield read_script(script)


def script_recipe(tree: RepositoryTree, path: str) -> Recipe:
    """Return what a shell script of the tree does."""
    text = read_text(tree, path)
    shell = path.endswith((".sh", ".bash")) or re.match(r"#!.*\b(?:ba|da|z)?sh\b", text)
    return read_script(text) if shell else Recipe()


def test_scripts(tree: RepositoryTree) -> list[str]:
    """Return the shell scripts whose name says that they run the tests."""
    found = []
    for path in tree.paths:
        folder, name = posixpath.split(path)
        stem = name.removesuffix(".sh")
        named = re.fullmatch(r"(?:run[-_]?)?(?:unit[-_]?)?(?:tests?|pytest)(?:[-_]?all)?", stem)
        if named and folder in SCRIPT_FOLDERS and (stem != name or "." not in name):
            found.append(path)
    return sorted(found)
