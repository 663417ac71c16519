"""A file's tables, made of records: what they say, and what is refused in one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from msgspec import ValidationError

from forge.run.setting_fields import Setting, SettingSubset, SettingTable, pick
from forge.run.setting_files import read_record


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Settings that commands have too."""

    engine: Annotated[Literal["here", "there"], Setting(help="Where.")] = "here"
    workers: Annotated[int | None, Setting(least=1, help="How many.")] = 4
    seed: Annotated[int, Setting(help="By which.")] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkTable:
    """A table with settings of its own and of another record."""

    shared: Annotated[
        Shared, SettingSubset("engine", pick("workers", name="sandboxes", default=2))
    ] = field(default_factory=Shared)
    days: Annotated[float | None, Setting(over=0, help="How long.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file."""

    name: Annotated[str, Setting(help="Its name.")]
    work: Annotated[WorkTable, SettingTable("Work")] = field(default_factory=WorkTable)


def read(**work: Any) -> Document:
    """Read a document with a table."""
    return read_record(Document, {"name": "d", "work": work})


def test_file_that_says_nothing_has_the_defaults() -> None:
    found = read_record(Document, {"name": "d"})

    assert found == Document(name="d", work=WorkTable(shared=Shared(workers=2)))


def test_settings_of_a_shared_record_are_in_the_table_of_who_offers_them() -> None:
    found = read(engine="there", sandboxes=3, days=0.5)

    assert found.work.shared == Shared(engine="there", workers=3)
    assert found.work.days == 0.5


def test_text_is_a_number_only_where_nothing_else_can_be_written() -> None:
    document = {"name": "d", "work": {"sandboxes": "3"}}

    assert read_record(Document, document, strict=False).work.shared.workers == 3
    with pytest.raises(ValidationError, match=r"Expected `int`, got `str`"):
        read_record(Document, document)


@pytest.mark.parametrize(
    ("work", "told"),
    [
        ({"sandbox": 1}, "Object contains unknown field `sandbox` - at `$.work`"),
        ({"workers": 1}, "Object contains unknown field `workers` - at `$.work`"),
        ({"seed": 1}, "Object contains unknown field `seed` - at `$.work`"),
        ({"engine": 5}, "Expected `str`, got `int` - at `$.work.engine`"),
        ({"engine": "nowhere"}, "Invalid enum value 'nowhere' - at `$.work.engine`"),
        ({"sandboxes": 0}, "Expected `int` >= 1 - at `$.work.sandboxes`"),
        ({"sandboxes": None}, "Expected `int`, got `null` - at `$.work.sandboxes`"),
        ({"days": 0}, "Expected `float` > 0.0 - at `$.work.days`"),
    ],
)
def test_wrong_setting_is_refused_in_one_line(work: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(**work)
    assert str(caught.value) == told


def test_setting_that_has_to_be_named_is_missed() -> None:
    with pytest.raises(ValidationError, match="missing required field `name`"):
        read_record(Document, {})
