"""Labels as people make them, and put them on issues and pull requests."""

from __future__ import annotations

from typing import Any, Literal

from tests.furniture.github_world.base import Base
from tests.furniture.github_world.state import (
    Issue,
    Label,
    Labelling,
    Pull,
    Repository,
    User,
)


class Labels(Base):
    """What happens to labels."""

    def label_of(self, repository: Repository, name: str) -> Label:
        """Return a label of a repository, made without a word where there is none."""
        found = repository.labels.get(name.lower())
        if found is None:
            found = Label(id=self.next_id(), name=name)
            repository.labels[name.lower()] = found
        return found

    def create_label(
        self,
        repository: Repository,
        name: str,
        *,
        color: str = "ededed",
        description: str | None = None,
        by: User | None = None,
    ) -> Label:
        """Create a label. Raises ValueError where there is one of that name."""
        if name.lower() in repository.labels:
            raise ValueError(f"{repository.full_name} has a label {name!r}")
        self.tick()
        made = self.label_of(repository, name)
        made.color, made.description = color, description
        self._label_told("created", repository, made, by)
        return made

    def edit_label(
        self,
        repository: Repository,
        name: str,
        *,
        new_name: str | None = None,
        color: str | None = None,
        description: str | None = None,
        by: User | None = None,
    ) -> Label:
        """Change a label; it stays on what it is on."""
        found = repository.labels[name.lower()]
        self.tick()
        changes: dict[str, Any] = {}
        new = {"name": new_name, "color": color, "description": description}
        for field, value in new.items():
            old = getattr(found, field)
            if value is not None and value != old:
                changes[field] = {"from": old or ""}
                setattr(found, field, value)
        del repository.labels[name.lower()]
        repository.labels[found.name.lower()] = found
        self._label_told("edited", repository, found, by, changes=changes)
        return found

    def delete_label(self, repository: Repository, name: str, *, by: User | None = None) -> None:
        """Delete a label, also from what it is on."""
        self.tick()
        found = repository.labels.pop(name.lower())
        for thread in repository.threads.values():
            thread.labels = [one for one in thread.labels if one is not found]
        self._label_told("deleted", repository, found, by)

    def label(self, thread: Issue, *names: str, by: User | None = None) -> None:
        """Put labels on an issue or pull request; those that are not there are created."""
        for name in names:
            if name.lower() not in thread.repository.labels:
                self.create_label(thread.repository, name, by=by)
            found = self.label_of(thread.repository, name)
            if found not in thread.labels:
                thread.labels.append(found)
                thread.updated = self.tick()
                self._labelled("labeled", thread, found, by)

    def unlabel(self, thread: Issue, name: str, *, by: User | None = None) -> None:
        """Take a label off. Raises KeyError when it is not on it."""
        found = thread.repository.labels[name.lower()]
        if found not in thread.labels:
            raise KeyError(name)
        thread.labels.remove(found)
        thread.updated = self.tick()
        self._labelled("unlabeled", thread, found, by)

    def _labelled(
        self,
        event: Literal["labeled", "unlabeled"],
        thread: Issue,
        label: Label,
        by: User | None,
    ) -> None:
        who = self.person(by, thread.repository)
        made = Labelling(
            id=self.next_id(),
            event=event,
            actor=who,
            label=label.name,
            color=label.color,
            created=self.clock.text,
        )
        thread.labellings.append(made)
        self._thread_told(event, thread, who, label=label)

    def _label_told(
        self, action: str, repository: Repository, label: Label, by: User | None, **more: Any
    ) -> None:
        who = self.person(by, repository)
        self.happened("label", action, repository=repository, by=who, label=label, **more)

    def _thread_told(self, action: str, thread: Issue, by: User | None, **more: Any) -> None:
        about: dict[str, Any] = {"issue": thread, **more}
        event = "issues"
        if isinstance(thread, Pull):
            about = {"number": thread.number, "pull_request": thread, **more}
            event = "pull_request"
        who = by or self.user("ghost")
        self.happened(event, action, repository=thread.repository, by=who, **about)
