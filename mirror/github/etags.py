"""Answers that may still hold: asked for again with their ETag, they are free when they do.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from mirror.github.answers import Answer

MOST = 8_000_000
"""Bytes of all answers, as they came; in memory they take some times that."""


class EtagCache:
    """Answers by who asked what; those not asked for the longest time are forgotten first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()
        self._size = 0

    def of(self, key: Hashable) -> Answer | None:
        """Return the answer that was kept; it has an ``etag``."""
        if key not in self._answers:
            return None
        self._answers.move_to_end(key)
        return self._answers[key]

    def keep(self, key: Hashable, answer: Answer) -> None:
        """Keep an answer in the place of an older one, if it can be asked for again at all."""
        self.forget(key)
        if answer.status != 200 or not answer.headers.get("etag") or answer.size > self._most // 8:
            return
        self._answers[key] = answer
        self._size += answer.size
        while self._size > self._most:
            self.forget(next(iter(self._answers)))

    def forget(self, key: Hashable) -> None:
        """Ask for it anew the next time."""
        old = self._answers.pop(key, None)
        self._size -= old.size if old is not None else 0
