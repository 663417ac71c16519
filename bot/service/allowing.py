"""Whether anything is done for a repository, or written to it, as things stand now."""

from __future__ import annotations

from storage.hosted import Hosted, Installation
from storage.store import Store


def looked_up(store: Store, number: int) -> tuple[Hosted | None, str]:
    """Return a repository, and why nothing may be done for it; empty when it may."""
    hosted = store.hosted.get(number)
    if hosted is None:
        return None, "the repository is not known"
    return hosted, why_not(hosted, store.hosted.installation(hosted.installation))


def why_not(hosted: Hosted, installation: Installation | None) -> str:
    """Say why nothing is done for a repository, or written to it; empty when it may be."""
    if not hosted.opted_in:
        return "it is not opted in"
    if hosted.state != "active":
        return f"it is {hosted.state}"
    if installation is not None and installation.state != "active":
        return f"the installation is {installation.state}"
    return ""
