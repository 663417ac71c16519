"""What a runner takes for commands in what a step prints.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands, and the
runner's own ActionCommandManager: one for a step, for both of its streams.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

REFUSED = ("set-env", "add-path")
"""No longer obeyed: the step fails."""
TELLING = ("debug", "notice", "warning", "error")
KNOWN = frozenset(
    {
        *(*REFUSED, *TELLING, "stop-commands", "set-output", "save-state", "add-mask"),
        *("add-matcher", "remove-matcher", "group", "endgroup", "echo"),
    }
)
UNESCAPED = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A command, as it was found in a line."""

    name: str
    values: dict[str, str]
    text: str


@dataclass(slots=True)
class Hearing:
    """What one step has said so far."""

    outputs: dict[str, str] = field(default_factory=dict)
    masks: list[str] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    """Annotations: their kind and text."""
    refused: list[str] = field(default_factory=list)
    stopped: str = ""
    """The word that makes commands count again; empty while they count."""

    def hear(self, lines: Iterable[str]) -> None:
        """Obey the commands in some lines, in their order."""
        for line in lines:
            found = spoken(line, KNOWN | ({self.stopped} if self.stopped else set()))
            if found is not None:
                self._obey(found)

    def _obey(self, found: Spoken) -> None:
        if self.stopped:
            self.stopped = "" if found.name == self.stopped else self.stopped
        elif found.name == "stop-commands":
            if not found.text or found.text.lower() in KNOWN | {"pause-logging"}:
                self.refused.append(f"stop-commands {found.text}")
            else:
                self.stopped = found.text.lower()
        elif found.name in REFUSED:
            self.refused.append(found.name)
        elif found.name == "set-output":
            self.outputs[found.values["name"]] = found.text
        elif found.name == "add-mask":
            self.masks.append(found.text)
        elif found.name in TELLING:
            self.told.append((found.name, found.text))


def spoken(line: str, known: Iterable[str]) -> Spoken | None:
    """Return the command in a line: at its beginning (`::name k=v::text`), or, as it was written
    before, anywhere in it (`##[name k=v]text`)."""
    stripped = line.lstrip()
    if stripped.startswith("::"):
        head, end, text = stripped[2:].partition("::")
        found = _read(head, end, text, ",")
        if found is not None and found.name in known:
            return found
    head, end, text = line.partition("##[")[2].partition("]")
    found = _read(head, end, text, ";")
    return found if found is not None and found.name in known else None


def _read(head: str, end: str, text: str, between: str) -> Spoken | None:
    name, _, properties = head.partition(" ")
    if not end or not name:
        return None
    pairs = (one.partition("=") for one in properties.split(between))
    values = {key.strip(): _plain(value) for key, sign, value in pairs if sign}
    return Spoken(name=name.lower(), values=values, text=_plain(text))


def _plain(text: str) -> str:
    for escaped, meant in UNESCAPED:
        text = text.replace(escaped, meant)
    return text
