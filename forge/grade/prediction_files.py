"""Read predictions as they come: a file of rows, or a folder of patches.

What cannot be read is a failed row with its reason; the others are graded.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forge.grade.prediction_documents import READ, Fields, PredictionRow, rows_in
from forge.grade.predictions import Graded, Prediction, make_ungraded
from storage.errors import NoPredictions
from syntax.patches import decode

SUFFIXES = (".diff", ".patch")
PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"PAR1": "parquet",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
}
UNREADABLE = "unreadable-row"
DUPLICATE = "duplicate-row"
REPEATED = "repeated-row"
NAMED = 12
"""So many fields of a row are named, each by so many letters as ..."""
LONGEST = 60
"""... this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionFile:
    """What a file or folder of predictions holds."""

    predictions: tuple[Prediction, ...]
    failed: tuple[Graded, ...] = ()
    """Rows that are not graded: they cannot be read, or answer what an earlier one answers."""
    ignored_fields: Mapping[str, int] = field(default_factory=dict)
    """Fields that are not read, and in how many rows they are."""
    passed_over: tuple[str, ...] = ()
    """Files of a folder that are no patches."""


def read_predictions(path: Path) -> PredictionFile:
    """Read a folder of patches, a patch, or a file of rows. Raises NoPredictions."""
    try:
        if path.is_dir():
            return read_folder(path)
        data = path.read_bytes()
    except OSError as error:
        raise NoPredictions(f"cannot read the predictions {path}: {error.strerror}") from error
    if path.suffix in SUFFIXES:
        return sort_out([row_of_patch(path.name, path.stem, "", data)])
    for magic, name in PACKED.items():
        if data.startswith(magic):
            raise NoPredictions(f"{path} is packed ({name}); unpack it to JSON lines first")
    rows = rows_in(decode_text(data))
    if not rows:
        raise NoPredictions(f"{path} holds no prediction")
    return sort_out(rows)


def read_folder(folder: Path) -> PredictionFile:
    """Read the patches of a folder: a file's name is the task's id, its folder's name the model.

    An agent that writes a folder for each task (``ID/ID.patch``) has its model's name one above.
    Raises NoPredictions where there is none.
    """
    rows, others = [], []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if any(part.startswith(".") for part in inner.parts) or path.is_dir():
            continue
        if path.suffix in SUFFIXES:
            rows.append(read_patch_file(folder, path))
        else:
            others.append(str(inner))
    if not rows:
        hint = f"; name a file of it, as {folder / others[0]}" if others else ""
        raise NoPredictions(f"{folder} holds no file that ends in {' or '.join(SUFFIXES)}{hint}")
    return sort_out(rows, passed_over=others)


def read_patch_file(folder: Path, path: Path) -> PredictionRow:
    """Return the row that a patch of a folder is, also where it cannot be read."""
    place, above = str(path.relative_to(folder)), path.parent
    if above.name == path.stem and above != folder:
        above = above.parent
    try:
        data = path.read_bytes()
    except OSError as error:
        return PredictionRow(place=place, fault=f"it cannot be read: {error.strerror}")
    return row_of_patch(place, path.stem, above.resolve().name, data)


def row_of_patch(place: str, name: str, model: str, data: bytes) -> PredictionRow:
    """Return a patch of a file of its own as a row."""
    return PredictionRow(
        place=place, value=dict(zip(READ, (name, decode_patch(data), model), strict=True))
    )


def decode_patch(data: bytes) -> str:
    """Return a patch's text. Its bytes are the files', but for what some shells write (UTF-16)."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    return decode(data.removeprefix(b"\xef\xbb\xbf"))


def decode_text(data: bytes) -> str:
    """Return the text of a JSON file: UTF-8, or UTF-16 or UTF-32 as its first bytes say.

    Bytes that are not UTF-8 are kept as surrogates: they concern the rows that hold them.
    """
    encoding = json.detect_encoding(data)
    if encoding.startswith("utf-8"):
        return decode(data)
    try:
        return data.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:
        return data.decode(encoding, "replace")


def sort_out(rows: Iterable[PredictionRow], passed_over: Iterable[str] = ()) -> PredictionFile:
    """Tell rows that can be graded from those that cannot, and count the fields not read."""
    found: dict[tuple[str, str], Prediction] = {}
    failed: list[Graded] = []
    ignored: Counter[str] = Counter()
    for row in rows:
        fault = row.fault or fault_of(row.value)
        if fault:
            failed.append(fail_row(row, fault))
            continue
        each = prediction_of(row)
        first = found.setdefault((each.instance_id, each.model), each)
        if first is not each:
            failed.append(fail_duplicate(each, first))
        ignored.update(clip(name) for name in row.value if name not in READ)
    return PredictionFile(
        predictions=tuple(found.values()),
        failed=tuple(failed),
        ignored_fields=ignored,
        passed_over=tuple(passed_over),
    )


def fault_of(value: Any) -> str:
    """Say why a row is no prediction; nothing where it is one."""
    name, patch, _ = READ
    if not isinstance(value, Mapping):
        return f"it is {kind_of(value)}, no object with {', '.join(READ)}"
    lacking = [field for field in (name, patch) if field not in value]
    if lacking:
        return f"no {' and no '.join(lacking)} in it; {describe_fields(value)}"
    twice = [field for field, _ in getattr(value, "again", ()) if field in READ]
    if twice:
        return f"{twice[0]} is in it twice"
    if not isinstance(value[name], str) or not value[name].strip():
        return f"its {name} is {kind_of(value[name])}, where a task's id is expected"
    if value[patch] is not None and not isinstance(value[patch], str):
        return f"its {patch} is {kind_of(value[patch])}, where a patch's text is expected"
    return next(filter(None, (surrogate_in(value, field) for field in READ)), "")


def surrogate_in(value: Mapping[str, Any], field: str) -> str:
    """Say that a field is no text that a file could hold; nothing where it is.

    In a patch, surrogates that stand for bytes of files (PEP 383) are such bytes.
    """
    try:
        text = str(value.get(field) or "")
        text.encode("utf-8", "surrogateescape" if field == READ[1] else "strict")
    except UnicodeEncodeError as error:
        half = ascii(text[error.start]).strip("'")
        return f"its {field} holds half of a character ({half}), which no file can hold"
    return ""


def kind_of(value: Any) -> str:
    """Name a JSON value's type."""
    if value is None or value == "":
        return "empty" if value == "" else "null"
    names = {bool: "true or false", str: "blank text", list: "a list", Fields: "an object"}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "a number"
    return names.get(type(value), "an object")


def describe_fields(value: Mapping[str, Any]) -> str:
    """Name the fields of a row, and those that are read."""
    names = [clip(name) for name in value]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    has = f"its fields are {', '.join(names[:NAMED])}{more}" if names else "it has no fields"
    return f"{has}; those that are read are {', '.join(READ)}"


def clip(name: str) -> str:
    """Return a field's name, not longer than can be read."""
    return name if len(name) <= LONGEST else f"{name[:LONGEST]}…"


def prediction_of(row: PredictionRow) -> Prediction:
    """Return the prediction that a faultless row is."""
    name, patch, model = (str(row.value.get(field) or "") for field in READ)
    return Prediction(instance_id=name, patch=patch, model=model, place=row.place)


def fail_row(row: PredictionRow, fault: str) -> Graded:
    """Return a row that cannot be read, with the id and the model that it names."""
    held = row.value if isinstance(row.value, Mapping) else {}
    name, patch, model = (
        value if isinstance(value := held.get(field), str) else "" for field in READ
    )
    named = Prediction(instance_id=name, patch=patch, model=model, place=row.place)
    return make_ungraded(named, UNREADABLE, "", fault)


def fail_duplicate(each: Prediction, first: Prediction) -> Graded:
    """Return a row for a task and a model that an earlier row is for, which counts."""
    same = each.patch == first.patch
    told = (
        f"{first.place} is for the same task and model, with {'this' if same else 'another'} patch"
    )
    return make_ungraded(each, REPEATED if same else DUPLICATE, "", f"{told}; that one counts")
