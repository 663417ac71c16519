"""Whether anything is done for a repository, or written to it, as things stand now: one rule."""

from __future__ import annotations

from storage.store import Store
from storage.tables.hosted import Hosted, Installation


def explain_refusal(hosted: Hosted | None, installation: Installation | None = None) -> str:
    """Say why nothing is done for a repository, or written to it; empty when it may be.

    ``installation`` is the one that covers it: suspended, it is known to be before its repositories
    are, which may be thousands.
    """
    if hosted is None:
        return "the repository is not known"
    if not hosted.opted_in:
        return "it is not opted in"
    if hosted.state != "active":
        return f"it is {hosted.state}"
    if installation is not None and installation.state != "active":
        return f"the installation is {installation.state}"
    return ""


def may_write(hosted: Hosted | None, installation: Installation | None = None) -> bool:
    """Tell whether anything may be written to a repository, or worked on for it."""
    return not explain_refusal(hosted, installation)


def look_up(store: Store, number: int) -> tuple[Hosted | None, str]:
    """Return a repository, and why nothing may be done for it; empty when it may."""
    hosted = store.hosted.get(number)
    installation = store.hosted.installation(hosted.installation) if hosted else None
    return hosted, explain_refusal(hosted, installation)


def find_allowed(store: Store, number: int) -> Hosted | None:
    """Return a repository if anything may be done for it."""
    hosted, why = look_up(store, number)
    return None if why else hosted
