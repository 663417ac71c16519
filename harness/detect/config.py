"""What a person may decide about an environment: the repository's own file, and options."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from harness.detect.globs import matches
from harness.detect.tree import RepositoryTree
from storage.errors import ConfigError
from storage.records import FOLDER, Strategy

CONFIG_PATH = ".github/bugfoundry.yml"
SPELLINGS = (CONFIG_PATH, ".github/bugfoundry.yaml")
FOLDER_PATTERN = r"^(?!\.{1,2}(?:/|$))[^/\\]+(?:/(?!\.{1,2}(?:/|$))[^/\\]+)*$"
"""A relative path that leads nowhere else."""
REPORTS = ("issue", "check", "none")

SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": CONFIG_PATH,
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "python": {
            "description": 'Python version, quoted, as "3.12".',
            "type": "string",
            "pattern": r"^3\.\d+$",
        },
        "install": {
            "description": "Steps, each the arguments of one `uv pip install`.",
            "type": "array",
            "items": {"type": "string", "minLength": 1},
        },
        "pytest_args": {
            "description": "Arguments for pytest: a list, or one string split as a shell does.",
            "type": ["array", "string"],
            "items": {"type": "string"},
        },
        "subdirectory": {
            "description": "Folder of the package to install and test, in a monorepo.",
            "type": "string",
            "pattern": FOLDER_PATTERN,
        },
        "env": {
            "description": "Environment variables for install and tests.",
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
            "additionalProperties": {"type": "string"},
        },
        "exclude": {
            "description": "Source files never to put a bug into, as globs.",
            "type": "array",
            "items": {"type": "string", "minLength": 1},
        },
        "report": {
            "description": "Where the App tells which bugs no test noticed.",
            "type": "string",
            "enum": list(REPORTS),
        },
        "strategies": {
            "description": "Where the App may take bugs from; all that its operator offers, "
            "where nothing is said.",
            "type": "array",
            "items": {"type": "string", "enum": list(get_args(Strategy))},
        },
    },
}
"""One for all who read the file: what concerns the App is checked here too, and read there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What detection must not guess. None means: detect it."""

    python: str | None = None
    install: tuple[tuple[str, ...], ...] | None = None
    pytest_args: tuple[str, ...] | None = None
    env: tuple[tuple[str, str], ...] = ()
    exclude: tuple[str, ...] = ()
    subdirectory: str = ""

    def excludes(self, path: str) -> bool:
        """Say whether a source file is not to be changed by any bug.

        None outside of the folder that is tested is.
        """
        folder = dict(self.env).get(FOLDER, "")
        outside = bool(folder) and not path.startswith(f"{folder}/")
        return outside or any(matches(path, pattern) for pattern in self.exclude)


def read_config(tree: RepositoryTree) -> Overrides:
    """Return what the repository's own configuration file says; nothing when there is none.

    Raises ConfigError, one line that names the file, the key and what is allowed.
    """
    for path in SPELLINGS:
        data = tree.read_file(path)
        if data is not None:
            return parse_config(data, path=path)
    return Overrides()


def parse_config(data: bytes, *, path: str = CONFIG_PATH) -> Overrides:
    """Return what a configuration file says of environments. Raises ConfigError."""
    document = validate_config(data, path=path)
    install = document.get("install")
    pytest_args = document.get("pytest_args")
    return Overrides(
        python=document.get("python"),
        install=None
        if install is None
        else tuple(split_words(line, path, f"install[{n}]") for n, line in enumerate(install)),
        pytest_args=split_words(pytest_args, path, "pytest_args")
        if isinstance(pytest_args, str)
        else (None if pytest_args is None else tuple(pytest_args)),
        env=tuple(sorted(document.get("env", {}).items())),
        exclude=tuple(document.get("exclude", ())),
        subdirectory=document.get("subdirectory", ""),
    )


def validate_config(data: bytes, *, path: str = CONFIG_PATH) -> dict[str, Any]:
    """Return a configuration file as it is written, checked by the schema. Raises ConfigError."""
    document: Any = load_yaml(data, path)
    if document is None:
        return {}
    errors = sorted(Draft202012Validator(SCHEMA).iter_errors(document), key=lambda e: e.json_path)
    if errors:
        raise ConfigError(f"{path}: {explain(errors[0])}")
    return dict(document)


def load_yaml(data: bytes, path: str) -> object:
    """Load YAML. Raises ConfigError with the place of the first mistake."""
    try:
        return yaml.safe_load(data)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{path}: not valid YAML{place}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path}: not valid YAML: {reason}") from error


def split_words(text: str, path: str, key: str) -> tuple[str, ...]:
    """Split as a shell does. Raises ConfigError naming the key."""
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigError(f"{path}: {key} {text!r}: {error}".lower()) from error


def explain(error: ValidationError) -> str:
    """Say in one line which key is wrong and what is allowed there."""
    key = error.json_path.removeprefix("$").removeprefix(".")
    if error.validator == "additionalProperties":
        known = SCHEMA["properties"]
        unknown = ", ".join(repr(name) for name in document_keys(error) if name not in known)
        return f"unknown key {unknown}; allowed are {', '.join(sorted(known))}"
    if error.validator == "type":
        wanted: Any = error.validator_value
        kinds = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        where = f"{key!r} must be" if key else "the file must hold"
        return f"{where} {' or '.join(KINDS[kind] for kind in kinds)}, not {error.instance!r}"
    if error.validator == "enum":
        allowed: Any = error.validator_value
        return f"{key!r} must be {' or '.join(map(repr, allowed))}, not {error.instance!r}"
    if error.validator == "pattern":
        shape = PATTERNS[str(error.validator_value)]
        return f"{key!r} must be {shape}, not {error.instance!r}"
    return f"{key!r}: {' '.join(error.message.split())}"


def document_keys(error: ValidationError) -> list[str]:
    return sorted(map(str, error.instance)) if isinstance(error.instance, dict) else []


KINDS = {
    "array": "a list of strings",
    "string": "a string (quote it)",
    "object": "a map of keys to values",
}
PATTERNS = {
    r"^3\.\d+$": 'a version as "3.12"',
    FOLDER_PATTERN: "a folder below the root, as services/widgets",
    "^[A-Za-z_][A-Za-z0-9_]*$": "a map whose names are environment variables",
}


def merge(file: Overrides, options: Overrides) -> Overrides:
    """Return the file's decisions with the command line's on top; lists of globs add up."""
    return Overrides(
        python=options.python if options.python is not None else file.python,
        install=options.install if options.install is not None else file.install,
        pytest_args=options.pytest_args if options.pytest_args is not None else file.pytest_args,
        env=tuple(sorted({**dict(file.env), **dict(options.env)}.items())),
        exclude=(*file.exclude, *options.exclude),
        subdirectory=options.subdirectory or file.subdirectory,
    )
