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
