"""Read tox's configuration: what its test environment installs, sets and runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from harness.detect.commands import read_words
from harness.detect.installers import Recipe, combine_recipes
from harness.detect.model import strings, table
from harness.detect.pyproject import load
from harness.detect.setuptools_files import lines, load_ini
from harness.detect.tree import RepositoryTree, read_text

ANY_PYTHON = frozenset({"", "py", "py3", "python"})
"""Names that leave it to tox which environment tests the Python at hand."""
MOST_NAMES = 1000
"""A pattern of environments may stand for this many; more is a mistake, or meant to hurt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToxEnv:
    """The tox environment that runs the tests on one Python."""

    arguments: tuple[str, ...] = ()
    """For ``uv pip install``: requirements, and pairs of ``-r`` and a file."""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    setenv: tuple[tuple[str, str], ...] = ()


def read_tox(tree: RepositoryTree, python: str, wanted: str = "") -> ToxEnv | None:
    """Return the environment tox would test ``python`` with; None when there is no tox.

    Another is returned when it is ``wanted`` by its name.
    """
    document = load(tree, "tox.toml") or table(load(tree), "tool", "tox")
    legacy = document.get("legacy_tox_ini")
    if isinstance(legacy, str):
        return from_ini(sections(legacy), python, wanted)
    if document:
        return from_toml(document, python, wanted)
    for path in ("tox.ini", "setup.cfg"):
        found = sections(read_text(tree, path))
        if any(name.partition(":")[0] == "testenv" for name in found):
            return from_ini(found, python, wanted)
    return None


def sections(text: str) -> dict[str, dict[str, str]]:
    """Return the sections of an ini file, with names in lower case where tox has them so."""
    parser = load_ini(text)
    return {
        name.removeprefix("tox:"): {key: value or "" for key, value in parser.items(name)}
        for name in parser.sections()
    }


def from_ini(found: Mapping[str, Mapping[str, str]], python: str, wanted: str = "") -> ToxEnv:
    """Return the test environment of a ``tox.ini``."""
    name = wanted if wanted not in ANY_PYTHON else choose(expand(envlist(found)), python)
    own = found.get(f"testenv:{name}", {}) or find_generated_section(found, name)
    section = {**found.get("testenv", {}), **own}
    factors = frozenset(name.split("-")) | {name}

    def values(*keys: str) -> tuple[str, ...]:
        raw = next((section[key] for key in keys if key in section), "")
        return tuple(filter_by_factors(lines(refer(raw, found)), factors))

    commands = join_continued_lines(values("commands_pre")) + join_continued_lines(
        values("commands")
    )
    deps, setenv = values("deps"), values("setenv", "set_env")
    return ToxEnv(
        arguments=dependency_arguments(deps),
        extras=words(values("extras")),
        groups=words(values("dependency_groups")),
        commands=tuple(command for text in commands if (command := split_command(text))),
        setenv=plain_pairs(line.partition("=")[::2] for line in setenv if "=" in line),
    )


def find_generated_section(found: Mapping[str, Mapping[str, str]], name: str) -> Mapping[str, str]:
    """Return the section whose pattern (``testenv:py{311,312}``) stands for a name."""
    sections = (title for title in found if title.startswith("testenv:") and "{" in title)
    return next((found[t] for t in sections if name in expand(t.removeprefix("testenv:"))), {})


def envlist(found: Mapping[str, Mapping[str, str]]) -> str:
    tox = found.get("tox", {})
    return tox.get("envlist") or tox.get("env_list") or ""


def expand(text: str) -> list[str]:
    """Expand a list of environments: ``py{311,312}-{a,b}`` is four."""
    names: list[str] = []
    for item in re.split(r"[,\s]+(?![^{]*\})", text.strip()):
        parts = re.split(r"\{([^}]*)\}", item)
        choices = [p.split(",") if n % 2 else [p] for n, p in enumerate(parts)]
        names += [
            "".join(c.strip() for c in combined)
            for combined in islice(product(*choices), MOST_NAMES)
        ]
    return [name for name in names if name]


def choose(names: list[str], python: str) -> str:
    """Return the environment that tests ``python``, or the likeliest to run tests at all."""
    short = "py" + python.replace(".", "")
    for wanted in ({short, f"py{python}", python}, {"py3", "py", "python"}, {"tests", "test"}):
        for name in names:
            if wanted & set(name.split("-")):
                same = [n for n in names if wanted & set(n.split("-"))]
                return min(same, key=lambda n: n.count("-")) if name != same[0] else name
    return short


def filter_by_factors(values: Iterable[str], factors: frozenset[str]) -> Iterable[str]:
    """Yield the lines whose condition (``py311,py312: line``) holds for the environment."""
    for value in values:
        match = re.match(r"([!\w.{},-]+):\s+(.*)$", value) or re.match(r"([!\w.,-]+):$", value)
        if match is None or "=" in match[1]:
            yield value
        elif holds(match[1], factors) and match.lastindex == 2:
            yield match[2]


def holds(condition: str, factors: frozenset[str]) -> bool:
    return any(
        all((part[1:] not in factors) if part[0] == "!" else part in factors for part in parts)
        for each in expand(condition)
        if (parts := [p for p in each.split("-") if p])
    )


def refer(value: str, found: Mapping[str, Mapping[str, str]], depth: int = 0) -> str:
    """Replace ``{[section]key}`` by what stands there."""
    if depth > 5:
        return value
    return re.sub(
        r"\{\[([^\]]+)\]\s*(\w+)\}",
        lambda m: refer(found.get(m[1].strip(), {}).get(m[2], ""), found, depth + 1),
        value,
    )


def join_continued_lines(values: Iterable[str]) -> list[str]:
    """Join lines that end in a backslash with the next."""
    return re.sub(r"\\\n\s*", " ", "\n".join(values)).splitlines()


def split_command(text: str) -> tuple[str, ...]:
    """Return a command's words after substitution, empty when it cannot be split."""
    try:
        return tuple(shlex.split(substitute(text.lstrip("-! "))))
    except ValueError:
        return ()


def substitute(text: str) -> str:
    """Replace tox's braces: the root by ``.``, site-packages by the tree, posargs by defaults."""
    text = re.sub(r"\{(?:toxinidir|tox_root)\}[/\\]?", "./", text)
    text = re.sub(r"\{(?:envsitepackagesdir|env_site_packages_dir)\}[/\\]?", "./", text)
    text = re.sub(r"\{/\}", "/", text)
    return re.sub(r"\{posargs(?::((?:[^{}]|\{[^{}]*\})*))?\}", lambda m: m[1] or "", text)


def words(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(word for value in values for word in re.split(r"[,\s]+", value) if word)


def dependency_arguments(deps: Iterable[str]) -> tuple[str, ...]:
    """Return tox dependencies as arguments; those that need a substitution are left out."""
    found: list[str] = []
    for dep in deps:
        text = substitute(dep).split(" #")[0].strip()
        match = re.match(r"(?:-r|--requirement)[\s=]*(\S+)$", text)
        if match and "{" not in text:
            found += ["-r", match[1].removeprefix("./")]
        elif text and "{" not in text and not text.startswith(("-", ".")):
            found.append(text)
    return tuple(found)


def plain_pairs(pairs: Iterable[Iterable[str]]) -> tuple[tuple[str, str], ...]:
    """Return variables that are plain strings; those of tox, pip and coverage are left out."""
    found = {}
    for name, value in pairs:
        name, value = name.strip(), value.strip()
        foreign = name.startswith(("COVERAGE_", "PIP_", "TOX_", "UV_", "VIRTUALENV_"))
        if re.fullmatch(r"[A-Za-z_]\w*", name) and "{" not in value and not foreign:
            found[name] = value
    return tuple(sorted(found.items()))


def from_toml(document: Mapping[str, Any], python: str, wanted: str = "") -> ToxEnv:
    """Return the test environment of tox's own TOML form."""
    listed = strings(document.get("env_list"))
    name = wanted if wanted not in ANY_PYTHON else choose(list(listed), python)
    section = {**table(document, "env_run_base"), **table(document, "env", name)}
    lists = (section.get(key) for key in ("commands_pre", "commands"))
    commands = [command for each in lists if isinstance(each, list) for command in each]
    pairs = [(k, v) for k, v in table(section, "set_env").items() if isinstance(v, str)]
    return ToxEnv(
        arguments=dependency_arguments(strings(section.get("deps"))),
        extras=strings(section.get("extras")),
        groups=strings(section.get("dependency_groups")),
        commands=tuple(toml_command(each) for each in commands),
        setenv=plain_pairs(pairs),
    )


def tox_recipe(env: ToxEnv) -> Recipe:
    """Return what a tox environment installs, and what its commands do."""
    variables = dict(env.setenv)
    own = Recipe(extras=env.extras, groups=env.groups, arguments=env.arguments, env=env.setenv)
    return combine_recipes([own, *(read_words(command, variables) for command in env.commands)])


def tox_pythons(tree: RepositoryTree) -> tuple[str, ...]:
    """Return the Python versions that tox's list of environments names, as ``3.11``."""
    document = load(tree, "tox.toml") or table(load(tree), "tool", "tox")
    legacy = document.get("legacy_tox_ini")
    names = list(strings(document.get("env_list")))
    texts = [legacy if isinstance(legacy, str) else "", read_text(tree, "tox.ini")]
    names += [name for text in texts for name in expand(envlist(sections(text)))]
    found = (re.match(r"(?:py)?3\.?(\d+)(?:$|-)", name) for name in names)
    return tuple(dict.fromkeys(f"3.{match[1]}" for match in found if match))


def toml_command(items: object) -> tuple[str, ...]:
    """Return a command's words; ``posargs`` tables give their defaults."""
    found: list[str] = []
    for item in items if isinstance(items, list) else [items]:
        if isinstance(item, str):
            found.append(substitute(item))
        elif isinstance(item, dict) and item.get("replace") == "posargs":
            found += strings(item.get("default"))
    return tuple(found)
