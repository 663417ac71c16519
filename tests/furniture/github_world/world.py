"""The world as a test handles it: make things in it, and see what was asked of it."""

from __future__ import annotations

from tests.furniture.github_world.base import TOKEN, Asked
from tests.furniture.github_world.making_checks import Checks
from tests.furniture.github_world.making_pushes import Pushes
from tests.furniture.github_world.making_repositories import Repositories
from tests.furniture.github_world.making_runs import Runs
from tests.furniture.github_world.making_threads import How, Threads

__all__ = ["TOKEN", "Asked", "How", "World"]


class World(Checks, Pushes, Repositories, Runs, Threads):
    """Everything there is."""
