"""The commands that install: pip, uv, poetry and pdm, read into what they bring."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement

from harness.detect.shell import inside

UV_DEFAULT, POETRY_DEFAULT, PDM_DEFAULT = ":uv", ":poetry", ":pdm"
"""Groups that a tool installs unasked; which these are, the project says."""
ALL_GROUPS, ALL_EXTRAS = ":all", ":all"
LOCAL = re.compile(r"(\.{1,2}(?:/[\w./-]*)?)(?:\[([\w,\s.-]+)\])?")
BUILT = re.compile(r".*\.whl(?:\[([\w,\s.-]+)\])?")
FLAGS = frozenset(
    {"-U", "--upgrade", "--pre", "--user", "--system", "-q", "--quiet", "-v", "--verbose"}
    | {"--no-deps", "--force-reinstall", "--no-cache-dir", "--no-cache", "--no-build-isolation"}
    | {"--use-pep517", "--no-use-pep517", "--prefer-binary", "--ignore-installed", "-I", "-y"}
    | {"--break-system-packages", "--no-warn-script-location", "--require-hashes", "-qq", "-vv"}
    | {"--disable-pip-version-check", "--no-input", "--reinstall", "--no-python-version-warning"}
    | {"--no-index", "--compile", "--no-compile", "--refresh", "--exact", "--strict", "--no-binary"}
    | {"--locked", "--frozen", "--isolated", "--no-sync", "--no-project", "--no-progress"}
    | {"--active", "--offline", "--no-dev", "--dev", "--no-default-groups", "--inexact"}
    | {"--all-extras", "--all-groups", "--no-editable", "--no-install-project", "--all-packages"}
    | {"--managed-python", "--no-managed-python", "--no-config", "--no-env-file", "-n"}
)
"""Options without a value; any other takes the next word along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What commands install, set and run."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Dependency groups, whichever tool they belong to."""
    arguments: tuple[str, ...] = ()
    """For ``uv pip install``: requirements, and pairs of ``-r`` and a file."""
    system: tuple[str, ...] = ()
    """Debian packages."""
    tests: bool = False
    """Whether tests are run, by whatever runner."""
    pytest: tuple[str, ...] | None = None
    """Arguments of the first pytest that is called."""
    env: tuple[tuple[str, str], ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    """Other tools that do the work, each with the name of its environment or target."""


def combine_recipes(recipes: Iterable[Recipe]) -> Recipe:
    """Return several recipes as one; the first pytest command stands for all."""
    known = list(recipes)
    words = next((each.pytest for each in known if each.pytest is not None), None)
    env = dict(pair for each in reversed(known) for pair in each.env)

    def all_of(key: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item for each in known for item in getattr(each, key)))

    return Recipe(
        extras=all_of("extras"),
        groups=all_of("groups"),
        arguments=tuple(word for each in known for word in each.arguments),
        system=all_of("system"),
        tests=any(each.tests for each in known),
        pytest=words,
        env=tuple(sorted(env.items())),
        calls=tuple(dict.fromkeys(call for each in known for call in each.calls)),
    )


def pip(words: Sequence[str], folder: str = "") -> Recipe:
    """Return what ``pip install`` with these words brings."""
    found = Installed(folder)
    rest = list(words)
    while rest:
        found.word(rest.pop(0), rest)
    return found.recipe()


class Installed:
    """Gathers what install commands name; what is not understood is left out."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.extras: list[str] = []
        self.groups: list[str] = []
        self.arguments: list[str] = []

    def recipe(self) -> Recipe:
        return Recipe(
            extras=tuple(self.extras), groups=tuple(self.groups), arguments=tuple(self.arguments)
        )

    def word(self, word: str, rest: list[str]) -> None:
        """Take one word, and from ``rest`` the value that belongs to it."""
        name, equals, value = word.partition("=") if word.startswith("-") else (word, "", "")
        short = re.fullmatch(r"-([rec])(.+)", word)
        if short:
            name, equals, value = f"-{short[1]}", "=", short[2]
        if not word.startswith("-"):
            self.target(word)
            return
        if not equals and name not in FLAGS and rest:
            value = rest.pop(0)
        if "$" not in value:
            self.option(name, value)

    def option(self, name: str, value: str) -> None:
        if name in ("-r", "--requirement", "--requirements", "--with-requirements"):
            self.file(value)
        elif name in ("-e", "--editable"):
            self.target(value)
        elif name in ("--group", "--only-group"):
            self.groups.append(value.rpartition(":")[2])
        elif name == "--extra":
            self.extras.append(value)
        elif name == "--all-extras":
            self.extras.append(ALL_EXTRAS)
        elif name == "--all-groups":
            self.groups.append(ALL_GROUPS)
        elif name in ("--with", "--with-editable"):
            for part in value.split(","):
                self.target(part)

    def file(self, path: str) -> None:
        if "://" not in path and "*" not in path:
            self.arguments += ["-r", inside(self.folder, path)]

    def target(self, word: str) -> None:
        """Take what is to be installed: the project itself, or a distribution of an index."""
        if "$" in word:
            return
        local = LOCAL.fullmatch(word) or re.fullmatch(r"()\[([\w,\s.-]+)\]", word)
        built = BUILT.fullmatch(word)
        if local and inside(self.folder, local[1]) == "":
            self.extras += names(local[2])
        elif built:
            self.extras += names(built[1])
        elif not local and is_plain_requirement(word):
            self.arguments.append(word)


def names(text: str | None) -> list[str]:
    return [name for part in re.split(r"[,\s]+", text or "") if (name := part.strip())]


def is_plain_requirement(text: str) -> bool:
    """Say whether a text asks for a distribution of an index."""
    try:
        return Requirement(text).url is None
    except InvalidRequirement:
        return False


def uv_groups(words: Sequence[str], folder: str = "") -> tuple[Recipe, list[str]]:
    """Return what ``uv run`` or ``uv sync`` brings, and the command that it runs."""
    found = Installed(folder)
    rest = list(words)
    seen: list[str] = []
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        seen.append(word.partition("=")[0])
        if word == "--":
            break
        if word in ("-m", "--module"):
            rest = ["python", "-m", *rest]
            break
        found.word(word, rest)
    refusing = {"--no-default-groups", "--no-dev", "--only-group", "--no-project", "--no-sync"}
    if not refusing & set(seen):
        found.groups.append(UV_DEFAULT)
    return found.recipe(), rest


def poetry(words: Sequence[str]) -> Recipe:
    """Return what ``poetry install`` brings; groups it installs unasked are named so."""
    extras: list[str] = []
    groups: list[str] = []
    only = False
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not equals and name in ("--with", "--only", "--without", "-E", "--extras") and rest:
            value = rest.pop(0)
        if "$" in value:
            continue
        if name in ("--with", "--only"):
            groups += names(value)
        elif name in ("-E", "--extras"):
            extras += names(value)
        elif name == "--all-extras":
            extras.append(ALL_EXTRAS)
        elif name == "--all-groups":
            groups.append(ALL_GROUPS)
        only = only or name in ("--only", "--only-root", "--no-dev")
    return Recipe(extras=tuple(extras), groups=(*groups, *(() if only else (POETRY_DEFAULT,))))


def pdm(words: Sequence[str]) -> Recipe:
    """Return what ``pdm install`` brings."""
    groups: list[str] = []
    rest = list(words)
    refused = any(word in ("--prod", "--production", "--no-default") for word in words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name in ("-G", "-dG", "--group", "--with") and rest and not equals:
            value = rest.pop(0)
        if name in ("-G", "-dG", "--group", "--with") and "$" not in value:
            groups += names(value)
    return Recipe(groups=(*groups, *(() if refused else (PDM_DEFAULT,))))
