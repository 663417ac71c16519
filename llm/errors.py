"""Why a model gave no answer: each kind of ModelError that a caller may act on differently."""

from __future__ import annotations

from storage.errors import ModelError


class BudgetSpent(ModelError):
    """The budget does not allow the call."""


class Overloaded(ModelError):
    """The service was too busy, for longer than is waited."""


class Declined(ModelError):
    """The model would not answer."""


class MalformedAnswer(ModelError):
    """The model answered, but not in the form that was asked for."""


class Submitted(ModelError):
    """The request is in a batch that has not ended; the same question is answered later."""


class NotAnswered(ModelError):
    """A batch ended without an answer to the request. ``outcome`` is why, by the service's name:
    ``errored``, ``expired``, ``canceled``; or ``lost`` when its results are gone."""

    def __init__(self, message: str, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome
