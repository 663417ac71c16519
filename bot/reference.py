"""The pages of docs that are written from the code: ``./run docs`` writes them, a test compares.

`python -m bot.reference [FOLDER]`
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from bot.service.base.config import FILE, FILE_VARIABLE, SECRETS, Config, variable
from bot.service.base.metrics import Metrics
from bot.service.registration.permissions import EVENTS, PERMISSIONS, UNASKED
from forge.run.build_variables import PASSED_TO_BUILDS
from forge.run.setting_fields import SettingField, option_of, setting_fields
from forge.run.setting_files import file_type, tables_of
from forge.run.settings import RECORDS

TyperContext = tuple[TyperCommand, typer.Context]
NOTE = "<!-- Written from the code by `./run docs`: change it there. -->\n\n"
ELSEWHERE: Mapping[str, str] = {
    "BUGFOUNDRY_MODEL_RUN": "the name under which the costs of several commands are one run",
    "GITHUB_ACTIONS": "set by GitHub in a job: a plain process as sandbox is refused there, and "
    "nothing that is printed is a workflow command",
    "GITHUB_OUTPUT": "set by GitHub in a step: where `--github` writes what the next step reads",
    FILE_VARIABLE: f"the TOML file of settings, where `--config` names none and it is no `{FILE}`",
    "BUGFOUNDRY_STORE": "the store, where neither `--store` nor `serve.store` names one",
    "BUGFOUNDRY_CACHE": "the folder of clones and environments, where `serve.cache` names none",
    "GITHUB_TOKEN": "with which the commands a person runs read pull requests and issues",
    "PIP_CONFIG_FILE": "pip's configuration, where its index is looked for",
    "GITHUB_API_URL": "the REST API that they ask, where `--github-url` names none",
    "ANTHROPIC_API_KEY": "the key to Claude; [models.md](models.md) has the others of this kind",
    "ANTHROPIC_AUTH_TOKEN": "a token in the place of that key",
    "ANTHROPIC_BASE_URL": "where the Messages API is",
    "BUGFOUNDRY_ALLOWED_LICENSES": "SPDX licences that an export lets through besides the "
    "permissive ones, separated by blanks",
    "BUGFOUNDRY_WITHOUT_GATES": "gates that an export goes without, separated by blanks",
    "BUGFOUNDRY_MODEL": "the language model",
    "BUGFOUNDRY_MODEL_PRICE": "dollars for a million tokens of input and of output, as `3/15`",
    "BUGFOUNDRY_MODEL_URL": "an OpenAI-compatible endpoint in the place of Claude",
    "BUGFOUNDRY_MODEL_KEY": "its key",
    "BUGFOUNDRY_MODEL_RUN_BUDGET": "dollars that one run may cost",
    "BUGFOUNDRY_MODEL_MONTH_BUDGET": "dollars that a calendar month may cost, over the store",
}
"""Environment variables that are no settings, and what each holds."""


def settings_page() -> str:
    """Return docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "`bugfoundry serve` and what belongs to it read one TOML file (`--config FILE`, or "
        f"`{FILE}` in the current folder) and, over it, environment variables. What is not known "
        "or not valid is refused, in a line that names the setting. A file or folder that the TOML "
        "file names is looked for from where that file is.",
        "",
        "Secrets are never written in the file: it names files that hold them, or a variable does: "
        + ", ".join(f"`BUGFOUNDRY_{name.upper()}`" for name in SECRETS)
        + ".",
    ]
    for name, table, record in tables_of(Config):
        lines += ["", f"## {table.title}: `[{name}]`", ""]
        lines += ["| setting | variable | default | meaning |", "|---|---|---|---|"]
        lines += _settings_of(name, record)
    lines += ["", "## Other environment variables", "", "| variable | what it holds |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in _other_variables()]
    builds = ", ".join(f"`{name}`" for name in PASSED_TO_BUILDS)
    lines += ["", f"Builds of environments are given these of the host's, where set: {builds}."]
    return NOTE + "\n".join(lines) + "\n"


def metrics_page() -> str:
    """Return docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "`/metrics` of the service speaks Prometheus' text format. Names that anybody could send "
        "never become labels.",
        "",
        "| metric | kind | labels | meaning |",
        "|---|---|---|---|",
    ]
    for name, kind, labels, meaning in sorted(_metrics(Metrics())):
        shown = ", ".join(f"`{label}`" for label in labels)
        lines.append(f"| `{name}` | {kind} | {shown} | {meaning} |")
    return NOTE + "\n".join(lines) + "\n"


def permissions_page() -> str:
    """Return docs/permissions.md."""
    lines = [
        "# What the App asks for, and why",
        "",
        "The least with which it can work. `bugfoundry app create` asks for exactly this, and "
        "`bugfoundry app check` tells what an App lacks, or has to spare.",
        "",
        "## Repository permissions",
        "",
        "| permission | access | why |",
        "|---|---|---|",
        *(f"| `{one.name}` | {one.level} | {one.why} |" for one in PERMISSIONS),
        "",
        "No permission of an organization or of an account is asked for.",
        "",
        "## Events",
        "",
        "| event | needs | why |",
        "|---|---|---|",
        *(f"| `{one.name}` | `{one.permission}` | {one.why} |" for one in EVENTS),
        "",
        "GitHub adds "
        + " and ".join(f"`{name}`" for name in UNASKED)
        + " without being asked: that the App was installed, suspended or removed, and where.",
    ]
    return NOTE + "\n".join(lines) + "\n"


def commands_page() -> str:
    """Return docs/commands.md."""
    # The whole command line: only here, where it is needed.
    from bot.cli import app

    lines = ["# Commands", "", "As `bugfoundry COMMAND --help` shows them. `./run` does the same."]
    root = typer.main.get_group(app)
    for command, context in _commands(root, typer.Context(root, info_name="bugfoundry")):
        lines += ["", f"## `{context.command_path}`", "", *_command(command, context)]
    return NOTE + "\n".join(lines) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "permissions.md": permissions_page,
    "commands.md": commands_page,
}


def write(folder: Path) -> list[Path]:
    """Write the pages into a folder, and return those that changed."""
    changed = []
    for name, page in PAGES.items():
        place, text = folder / name, page()
        if not place.exists() or place.read_text() != text:
            place.write_text(text)
            changed.append(place)
    return changed


def _other_variables() -> Iterator[tuple[str, str]]:
    for one in chain.from_iterable(map(setting_fields, RECORDS)):
        if one.setting.envvar:
            yield one.setting.envvar, f"as `{option_of(one.name)}`: {one.setting.help}"
    yield from ELSEWHERE.items()


def _settings_of(table: str, record: type) -> Iterator[str]:
    for one in setting_fields(record):
        meaning = f"{one.setting.help} {_bounds(one)}".strip()
        default = f"`{_format_value(one.default)}`" if one.default != "" else ""
        yield f"| `{one.name}` | `{variable(table, one.name)}` | {default} | {meaning} |"


def _format_value(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{each}"' for each in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def _bounds(field: SettingField) -> str:
    setting = field.setting
    said = [
        f"{word} {bound}"
        for word, bound in (
            ("at least", setting.least),
            ("more than", setting.over),
            ("at most", setting.most),
        )
        if bound is not None
    ]
    if choices := _choices(file_type(field)):
        said.append("of " + ", ".join(f"`{choice}`" for choice in choices))
    return f"({', '.join(said)})" if said else ""


def _choices(hint: Any) -> tuple[str, ...]:
    if get_origin(hint) is Literal:
        return tuple(str(choice) for choice in get_args(hint))
    if get_origin(hint) in (Annotated, tuple, UnionType):
        return next((found for arg in get_args(hint) if (found := _choices(arg))), ())
    return ()


def _metrics(metrics: Metrics) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    for one in vars(metrics).values():
        for family in one.describe() if hasattr(one, "describe") else ():
            total = "_total" if family.type == "counter" else ""
            labels = tuple(getattr(one, "_labelnames", ()))
            yield family.name + total, family.type, labels, family.documentation


def _commands(group: TyperGroup, context: typer.Context) -> Iterator[TyperContext]:
    for name in group.list_commands(context):
        each = group.get_command(context, name)
        inner = typer.Context(each, parent=context, info_name=name) if each else context
        if isinstance(each, TyperGroup):
            yield from _commands(each, inner)
        elif isinstance(each, TyperCommand) and not each.hidden:
            yield each, inner


def _command(command: TyperCommand, context: typer.Context) -> Iterator[str]:
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"```\n{context.command_path} {pieces}\n```"
    yield ""
    yield re.sub(r"\n{3,}", "\n\n", command.help or "").strip()
    records = [
        record
        for parameter in command.get_params(context)
        if (record := parameter.get_help_record(context)) and "--help" not in record[0]
    ]
    if records:
        yield ""
        yield "| argument or option | meaning |"
        yield "|---|---|"
        for name, meaning in records:
            yield f"| `{_cell(name)}` | {_cell(meaning)} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    for written in write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")):
        sys.stdout.write(f"{written}\n")
