"""Tell what a command installs, how it calls pytest, and which other tool it leaves that to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.detect.installers import Recipe, combine_recipes, pdm, pip, poetry, uv_groups
from harness.detect.option_words import chosen_env, option_values, without_options
from harness.detect.shell import ShellCommand, inside, split_script

PYTHON = re.compile(r"(?:python|pypy|py)(?:\d+(?:\.\d+)?)?(?:\.exe)?")
PYTHON_VALUED = frozenset({"-X", "-W"})
LOOKING = frozenset({"--version", "-V", "-h", "--help", "--collect-only", "--co", "--fixtures"})
"""Options by which pytest is only asked about itself."""
DEBIAN = re.compile(r"[a-z0-9][a-z0-9+.-]+")
RUN_FLAGS_VALUED: Mapping[str, frozenset[str]] = {
    "xvfb-run": frozenset({"-n", "-e", "-f", "-s", "-w", "-p"}),
    "coverage": frozenset({"--source", "--rcfile", "--omit", "--include", "--context"})
    | {"--data-file", "--concurrency", "--debug"},
    "timeout": frozenset({"-k", "-s"}),
    "conda": frozenset({"-n", "--name", "-p", "--prefix"}),
    "poetry": frozenset({"-C", "--directory", "-P", "--project"}),
    "pdm": frozenset({"-p", "--project", "--venv"}),
}


@dataclass(frozen=True, slots=True)
class CommandReader:
    """Reads one command after another of a tool's own words."""

    command: ShellCommand

    def of(self, words: Sequence[str]) -> Recipe:
        """Return what a command does, by the name it starts with."""
        if not words:
            return Recipe()
        name = posixpath.basename(words[0].replace("\\", "/")).removesuffix(".exe")
        if PYTHON.fullmatch(name):
            return self.python(words[1:])
        handler = HANDLERS.get(name)
        if handler is not None:
            return handler(self, list(words[1:]))
        if words[0].endswith(".sh") or "/" in words[0]:
            return self.calls("script", inside(self.command.folder, words[0]))
        return Recipe()

    def calls(self, tool: str, *names: str) -> Recipe:
        return Recipe(calls=tuple((tool, name) for name in names), env=self.command.env)

    def python(self, words: Sequence[str]) -> Recipe:
        """Return what ``python -m module`` or ``python file`` does."""
        rest = list(words)
        while rest and rest[0].startswith("-") and rest[0] != "-m":
            option = rest.pop(0)
            if option in PYTHON_VALUED and rest:
                rest.pop(0)
            if option == "-c":
                return Recipe()
        if rest[:1] == ["-m"]:
            return self.of(rest[1:])
        if rest[:2] == ["setup.py", "test"] or re.search(r"(?:^|[/_])tests?\b", "".join(rest[:1])):
            return Recipe(tests=True, env=self.command.env)
        return Recipe()

    def pytest(self, words: Sequence[str]) -> Recipe:
        if LOOKING & set(words):
            return Recipe()
        known = tuple(self.resolve_path(word) for word in words if "$" not in word)
        return Recipe(tests=True, pytest=known, env=self.command.env)

    def resolve_path(self, word: str) -> str:
        """Return a path of pytest's as seen from the root, when the command runs elsewhere."""
        if not self.command.folder or word.startswith("-"):
            return word
        return inside(self.command.folder, word)

    def unittest(self, words: Sequence[str]) -> Recipe:
        """Return pytest's words for what unittest is told."""
        rest, paths, options = list(words), [], list[str]()
        discovers = "discover" in rest
        while rest:
            word = rest.pop(0)
            name, _, value = word.partition("=")
            if name in ("-s", "--start-directory", "-p", "--pattern", "-t", "-k") and rest:
                value = value or rest.pop(0)
            if name in ("-s", "--start-directory"):
                paths.append(value)
            elif name in ("-p", "--pattern"):
                options = ["-o", f"python_files={value}"]
            elif discovers and not word.startswith("-") and word != "discover":
                paths.append(word)
        known = [self.resolve_path(path) for path in paths[:1] if "$" not in path and path != "."]
        kept = options if "$" not in "".join(options) else []
        return Recipe(tests=True, pytest=(*kept, *known), env=self.command.env)

    def make_wrapper_reader(self, tool: str) -> Callable[[list[str]], Recipe]:
        """Return a reader for a tool that only runs another command."""
        valued = RUN_FLAGS_VALUED.get(tool, frozenset())

        def read_wrapped(words: list[str]) -> Recipe:
            return self.of(without_options(words, valued))

        return read_wrapped

    def coverage(self, words: list[str]) -> Recipe:
        if words[:1] != ["run"]:
            return Recipe()
        return self.python(without_options(words[1:], RUN_FLAGS_VALUED["coverage"], keep="-m"))

    def uv(self, words: list[str]) -> Recipe:
        words = without_options(words, frozenset({"--directory", "--project", "--config-file"}))
        match words[:2]:
            case ["pip", "install"]:
                return pip(words[2:], self.command.folder)
            case ["sync", *_]:
                return uv_groups(words[1:], self.command.folder)[0]
            case ["run", *_]:
                brought, rest = uv_groups(words[1:], self.command.folder)
                return combine_recipes([brought, self.of(rest)])
            case ["tool", "run"]:
                return self.uvx(words[2:])
        return Recipe()

    def uvx(self, words: list[str]) -> Recipe:
        return self.of(uv_groups(words, self.command.folder)[1])

    def poetry(self, words: list[str]) -> Recipe:
        match without_options(words, RUN_FLAGS_VALUED["poetry"]):
            case ["install" | "sync", *rest]:
                return poetry(rest)
            case ["run", name, *rest]:
                return combine_recipes([self.calls("task", name), self.of([name, *rest])])
        return Recipe()

    def pdm(self, words: list[str]) -> Recipe:
        match without_options(words, RUN_FLAGS_VALUED["pdm"]):
            case ["install" | "sync", *rest]:
                return pdm(rest)
            case ["run", *rest] if inner := without_options(rest, RUN_FLAGS_VALUED["pdm"]):
                return combine_recipes([self.calls("task", inner[0]), self.of(inner)])
            case [name, *_]:
                return self.calls("task", name)
        return Recipe()

    def hatch(self, words: list[str]) -> Recipe:
        match without_options(words, frozenset({"-e", "--env", "-p", "--project"})):
            case ["test", *_]:
                return self.calls("hatch", "hatch-test:run")
            case ["run" | "env", *rest]:
                rest = rest[1:] if rest[:1] == ["run"] else rest
                rest = [word for word in rest if not word.startswith("+") and word != "--"]
                env, rest = chosen_env(words, rest)
                if not rest:
                    return Recipe()
                name = rest[0] if ":" in rest[0] else f"{env}:{rest[0]}"
                return combine_recipes([self.calls("hatch", name), self.of(rest)])
        return Recipe()

    def tox(self, words: list[str]) -> Recipe:
        variables = dict(self.command.env)
        given = option_values(words, "-e", "-m", "--env") or [
            variables.get("TOXENV") or variables.get("TOX_ENV") or ""
        ]
        names = [name for value in given for name in value.split(",") if "$" not in name]
        return self.calls("tox", *names)

    def nox(self, words: list[str]) -> Recipe:
        names = option_values(words, "-s", "-e", "--session", "--sessions", several=True)
        known = [re.sub(r"\(.*\)$|-\d[\d.]*$", "", name) for name in names if "$" not in name]
        return self.calls("nox", *(known or ([] if names else [""])))

    def make_target_reader(self, tool: str) -> Callable[[list[str]], Recipe]:
        """Return a reader for a tool whose plain words are names of targets."""

        def read_targets(words: list[str]) -> Recipe:
            if option_values(words, "-C", "--directory", "-f", "--file"):
                return Recipe()
            plain = [w for w in words if not w.startswith("-") and "=" not in w and "$" not in w]
            return self.calls(tool, *(plain if tool != "task" else plain[:1]))

        return read_targets

    def shell(self, words: list[str]) -> Recipe:
        if words[:1] and words[0].startswith("-") and "c" in words[0] and len(words) > 1:
            return read_script(words[1], dict(self.command.env), self.command.folder)
        plain = [word for word in words if not word.startswith("-") and "$" not in word]
        return self.calls("script", inside(self.command.folder, plain[0])) if plain else Recipe()

    def apt(self, words: list[str]) -> Recipe:
        if "install" not in words:
            return Recipe()
        after = words[words.index("install") + 1 :]
        names = [word for word in after if DEBIAN.fullmatch(word)]
        return Recipe(system=tuple(dict.fromkeys(names)))

    def pip(self, words: list[str]) -> Recipe:
        if words[:1] != ["install"]:
            return Recipe()
        return pip(words[1:], self.command.folder)


Handler = Callable[[CommandReader, list[str]], Recipe]


def make_wrapper_handler(tool: str) -> Handler:
    return lambda reader, words: reader.make_wrapper_reader(tool)(words)


def make_target_handler(tool: str) -> Handler:
    return lambda reader, words: reader.make_target_reader(tool)(words)


HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(("pytest", "py.test"), CommandReader.pytest),
    **dict.fromkeys(("pip", "pip3"), CommandReader.pip),
    **dict.fromkeys(("apt", "apt-get"), CommandReader.apt),
    **dict.fromkeys(("bash", "sh", "source", "."), CommandReader.shell),
    **dict.fromkeys(("nosetests", "nose2"), lambda reader, _: reader.pytest([])),
    **dict.fromkeys(("poe", "taskipy", "task"), make_target_handler("task")),
    **{
        tool: make_wrapper_handler(tool)
        for tool in ("xvfb-run", "timeout", "pipenv", "dbus-run-session")
    },
    **{tool: make_target_handler(tool) for tool in ("make", "just")},
    "sudo": lambda reader, words: reader.of(without_options(words, frozenset({"-u"}))),
    "unittest": CommandReader.unittest,
    "coverage": CommandReader.coverage,
    "uv": CommandReader.uv,
    "uvx": CommandReader.uvx,
    "poetry": CommandReader.poetry,
    "pdm": CommandReader.pdm,
    "hatch": CommandReader.hatch,
    "tox": CommandReader.tox,
    "nox": CommandReader.nox,
}
"""How the commands are read that say something of installs and tests."""


def read_command(command: ShellCommand) -> Recipe:
    """Return what one command installs and runs."""
    recipe = CommandReader(command).of(command.words)
    return recipe if recipe.tests or recipe.calls else replace(recipe, env=())


def read_words(words: Iterable[str], env: Mapping[str, str] | None = None) -> Recipe:
    """Return what a command does that is already split into words."""
    return read_command(ShellCommand(words=tuple(words), env=tuple(sorted((env or {}).items()))))


def read_script(text: str, env: Mapping[str, str] | None = None, folder: str = "") -> Recipe:
    """Return what all commands of a shell script do together."""
    return combine_recipes([read_command(each) for each in split_script(text, env, folder)])
