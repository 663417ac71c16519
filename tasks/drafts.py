"""What a model wrote: read, checked against what must not be told, and put together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tasks.giveaways import Secrets, giveaways
from tasks.markdown import pieces
from tasks.observed import Observed
from tasks.voices import Style

FEWEST_WORDS = 8
WORD = re.compile(r"[^\W\d_]{2,}")
CODE_INFO = re.compile(r"py(?:thon|con)?\d?\b|ipython")
CODE_LINE = re.compile(r"\s*(?:>>>|import\s+\w|from\s+[\w.]+\s+import\b|(?:def|class)\s+\w+.*:)")
PRINTED = ("Output:", "What I get:", "This prints:", "Actual output:", "Result:", "It gives")

CAME_OF_IT: Mapping[str, str] = {
    "malformed-answer": "It does not have the form that was asked for:",
    "too-long": "It is too long for its style:",
    "too-short": "It says too little to find the bug by.",
    "code-outside-script": "Code that can be run belongs into `script`, not into the text:",
    "script-missing": "This style needs a script.",
    "script-not-wanted": "This style has no script.",
    "names-a-test": "It names what a user cannot know:",
    "shows-changed-code": "It shows code from inside the project:",
    "names-a-changed-file": "It names a file of the project's inside:",
    "names-the-operator": "It uses words for the cause; tell what is seen:",
    "tells-how-it-was-made": "It tells how the bug came to be, which no user knows:",
    "speaks-of-tests": "It speaks of tests; a user meets the bug in their own code:",
    "tells-the-fix": "It tells a fix:",
    "names-a-line": "It names a line of the project's code:",
    "holds-marks": "It repeats the marks around the material:",
    "script-looks-inside": "The script looks at source or tests; it has to use the project:",
    "script-hangs-without-bug": "Without the bug the script does not end; it printed:",
    "script-fails-without-bug": "Without the bug the script fails, and has to succeed; it printed:",
    "script-shows-nothing": "With the bug and without it the script ends and prints the same:",
    "script-unsteady": "The script does not print the same each time:",
}
"""What the model is told of an answer, by the named reason."""


class DraftRefused(Exception):
    """An answer that will not do. ``reason`` is named, ``detail`` is what it is about."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the model filled in, as text that can be stored."""

    title: str
    body: str
    script: str = ""

    @classmethod
    def parse_answer(cls, answer: Mapping[str, Any]) -> Self:
        """Read an answer that has the form. A heading around the title is taken off."""
        title = " ".join(clean_text(answer["title"]).split()).lstrip("# ")
        script = clean_text(answer["script"]).strip("\n")
        fenced = [piece for piece in pieces(script) if piece.kind == "fence"]
        if len(fenced) == 1 and script.lstrip().startswith(("```", "~~~")):
            script = "".join(fenced[0].inside).strip("\n")
        return cls(title=title, body=clean_text(answer["body"]).strip(), script=script)


def check(draft: Draft, style: Style, secrets: Secrets, *, scripts: bool) -> None:
    """Check all that can be told without running anything. Raises Refused."""
    if len(draft.body) > style.longest:
        raise DraftRefused("too-long", f"{len(draft.body)} characters, {style.longest} at most")
    if len(WORD.findall(f"{draft.title} {draft.body}")) < FEWEST_WORDS:
        raise DraftRefused("too-short")
    if draft.script and (style.script == "no" or not scripts):
        raise DraftRefused("script-not-wanted")
    if style.script == "must" and not draft.script:
        raise DraftRefused("script-missing")
    if code := code_in(draft.body):
        raise DraftRefused("code-outside-script", code)
    for found in giveaways(render_draft(draft), secrets):
        raise DraftRefused(found.kind, found.text if found.kind != "shows-changed-code" else "")


def code_in(body: str) -> str:
    """Return a line of a text's fences that could be run; what was printed is none."""
    for piece in pieces(body):
        if piece.kind != "fence":
            continue
        if CODE_INFO.match(piece.info):
            return piece.lines[0].strip()
        for line in piece.inside:
            if CODE_LINE.match(line):
                return line.strip()
    return ""


def compose_statement(draft: Draft, observed: Observed, *, printed: str = "") -> str:
    """Return the statement. What was printed is left out where it gives something away."""
    whole = render_draft(draft)
    if printed.strip():
        heading = PRINTED[int(observed.bug, 16) // len(PRINTED) % len(PRINTED)]
        more = f"{whole}\n\n{heading}\n\n{fence_text(printed.strip())}"
        if not giveaways(more, observed.secrets):
            whole = more
    return f"{whole}\n"


def render_draft(draft: Draft) -> str:
    """Return title, text and script as one text."""
    parts = [f"# {draft.title}", draft.body]
    if draft.script:
        parts.append(fence_text(draft.script, "python"))
    return "\n\n".join(part for part in parts if part)


def fence_text(text: str, info: str = "") -> str:
    """Put a text between fences that it cannot close."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{info}\n{text}\n{fence}"


def clean_text(text: str) -> str:
    """Return text that can be stored and printed, with plain line ends."""
    text = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c in "\n\t" or c.isprintable() or ord(c) > 0x2000)
