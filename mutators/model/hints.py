"""Does a change that should look like a slip tell of itself?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from mutators.base.operator import ParsedSource
from syntax.patches import decode
from syntax.replacements import GIVES_AWAY, EditsRefused, remarks
from syntax.splices import Splice

WORD = re.compile(r"[^\W\d_]+")
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def check_silent(source: ParsedSource, splice: Splice) -> None:
    """Refuse comments that were not there, and new names and texts that tell of a mistake.

    A slip needs no comment, and no list of words is complete.
    """
    before, language = source.text.data, source.language
    added = Counter(remarks(language, splice.apply(before))) - Counter(remarks(language, before))
    if added:
        raise EditsRefused("edits-give-away", "a comment is added")
    known = set(words(before))
    for word in words(splice.text):
        if word not in known and GIVES_AWAY.search(word):
            raise EditsRefused("edits-give-away", f"it says {word!r}")


def words(code: bytes) -> Iterator[str]:
    """Yield the words of code, names taken apart."""
    for part in WORD.findall(decode(code)):
        yield from (word.lower() for word in HUMP.split(part))
