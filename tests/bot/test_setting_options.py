"""A command's options, made of the records that its function takes: one of each kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
from typer.testing import CliRunner, Result

from bot.commands.record_options import takes_records
from forge.run.setting_fields import (
    Setting,
    SettingSubset,
    option_of,
    pick,
    setting_fields,
    write_words,
)
from storage.errors import ConfigError


def read_pairs(texts: list[str]) -> tuple[tuple[str, str], ...]:
    """Read texts as a=b. Raises ConfigError."""
    if bad := [text for text in texts if "=" not in text]:
        raise ConfigError(f"--pair {bad[0]!r}: write NAME=VALUE")
    return tuple((text.split("=")[0], text.split("=")[1]) for text in texts)


def write_pairs(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    """Write pairs as a=b."""
    return [f"{name}={value}" for name, value in pairs]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """Settings that another record has."""

    share: Annotated[float, Setting(least=0, most=1, help="A share.")] = 0.5
    minutes: float = 3.0
    """No setting, for it says nothing to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """One setting of each kind."""

    deep: Annotated[bool, Setting(help="A flag.")] = False
    pairs: Annotated[
        tuple[tuple[str, str], ...],
        Setting(
            name="pair", text=list[str] | None, read=read_pairs, write=write_pairs, help="A list."
        ),
    ] = ()
    way: Annotated[Literal["short", "long"], Setting(help="A choice.")] = "short"
    count: Annotated[int, Setting(least=1, default=lambda: 7, shown="seven", help="A number.")] = 1
    account: Annotated[str, Setting(envvar="TEST_OF_ACCOUNT", help="A variable.")] = ""
    place: Annotated[Path | None, Setting(help="A path.")] = None
    inner: Inner = field(default_factory=lambda: Inner(share=0.25, minutes=9))


def run(*words: str, **environ: str) -> tuple[Result, list[Every]]:
    """Run a command that takes the record, and return what it was called with."""
    called: list[Every] = []

    def command(
        source: str, every: Every, as_json: Annotated[bool, typer.Option("--json")] = False
    ) -> None:
        called.append(every)

    app = typer.Typer(rich_markup_mode=None)
    app.command()(takes_records(command))
    return CliRunner().invoke(app, ["src", *words], env=environ), called


def test_options_build_the_record() -> None:
    words = "--deep --pair a=b --pair c=d --way long --count 3 --place x/y --share 1 --json"
    _, (every,) = run(*words.split(), TEST_OF_ACCOUNT="acme")

    assert every == Every(
        deep=True,
        pairs=(("a", "b"), ("c", "d")),
        way="long",
        count=3,
        account="acme",
        place=Path("x/y"),
        inner=Inner(share=1.0, minutes=9),
    )


def test_defaults_are_those_for_people() -> None:
    _, (every,) = run()

    assert every == Every(count=7)
    assert every.inner.share == 0.25


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--way medium", "'medium' is not one of 'short', 'long'"),
        ("--count 0", "--count"),
        ("--count many", "--count"),
        ("--share 2", "--share"),
        ("--deep=yes", "--deep"),
        ("--no-deep", "No such option: --no-deep"),
        ("--minutes 2", "No such option: --minutes"),
    ],
)
def test_wrong_value_is_refused_by_its_option(words: str, told: str) -> None:
    result, called = run(*words.split())

    assert (result.exit_code, called) == (2, [])
    assert told in result.output


def test_value_that_cannot_be_read_is_a_config_error() -> None:
    result, called = run("--pair", "ab")

    assert isinstance(result.exception, ConfigError)
    assert (str(result.exception), called) == ("--pair 'ab': write NAME=VALUE", [])


def test_help_shows_each_setting() -> None:
    shown = " ".join(run("--help")[0].output.split())

    assert "--deep A flag." in shown
    assert "--way <short|long> A choice. [default: short]" in shown
    assert "A number. [default: (seven); x>=1]" in shown
    assert "A variable. [env var: TEST_OF_ACCOUNT]" in shown
    assert "A share. [default: 0.25; 0<=x<=1]" in shown


def test_subset_offers_its_picks_on_their_terms() -> None:
    subset = SettingSubset("way", pick("count", name="times", default=2, help="Other."))
    way, times = setting_fields(Every, subset)

    assert (way.name, way.default) == ("way", "short")
    assert (times.name, times.path, times.default) == ("times", ("count",), 2)
    assert (times.setting.help, times.setting.least) == ("Other.", 1)


def test_subset_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(LookupError, match="Every has no setting colour"):
        setting_fields(Every, SettingSubset("colour"))


def test_bound_that_no_option_has_is_refused() -> None:
    def command(inner: Annotated[Inner, SettingSubset(pick("share", over=0))]) -> None: ...

    with pytest.raises(TypeError, match="share"):
        takes_records(command)


def test_written_words_mean_the_record() -> None:
    every = Every(
        deep=True, pairs=(("a", "b"), ("c", "d")), count=4, inner=Inner(share=0.75, minutes=9)
    )
    words = write_words(every, {each.path for each in setting_fields(Every)})

    assert words[:5] == ["--deep", "--pair", "a=b", "--pair", "c=d"]
    assert run(*words)[1] == [every]
    assert write_words(every, {("count",)}) == [option_of("count"), "4"]
