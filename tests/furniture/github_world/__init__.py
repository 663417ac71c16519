"""A small GitHub for tests, over loopback: it may not invent.

GraphQL runs on GitHub's own schema, REST is checked against GitHub's OpenAPI description, webhooks
against the published schemas, and code is in real git repositories. What is not in those
descriptions, or is not built here, is a complaint, and a world with complaints fails its test. A
module for each concern: a new part of GitHub is a new module that registers its REST routes
(`rest.route`, with the permissions that each needs) and GraphQL fields (`graph.FIELDS`).

How a test handles it::

    async with github_world(descriptions) as world:      # or real_time=True, minutes_ahead=-5
        repository = world.repository("octo/thing", private=True)
        code = Code(world, repository, tmp_path)         # git; code.commit() is a push
        app = world.app(hook_url="http://127.0.0.1:8000/webhooks")
        installation = world.install(app, repository)    # or world.user("octo"): all it has

What people do, each with ``by=`` somebody (a maintainer by default):

- repositories: ``repository collaborator rename transfer archive privatize
  change_default_branch delete_repository``; the fields ``has_issues`` and ``blocked``
- labels: ``create_label edit_label delete_label``; on issues and pull requests ``label unlabel``
- issues and pull requests: ``issue pull comment edit_comment delete_comment touch close reopen
  merge``; of real code ``code.pull code.merge code.push_over``; a fork's with ``pull(fork=...)``
- Apps: ``app install suspend unsuspend uninstall add_repositories remove_repositories
  accept_permissions``; ``manifests.create`` as a browser does
- checks: ``rerequest_check`` (``repository.checks`` has what Apps made)
- Actions: ``run cancel_run rerun``; ``world.executor`` carries runs out with ``begin_run begin_job
  end_job upload_artifact end_run``, and ``job_token`` is what a job finds in its environment

What is told of it waits in ``world.hooks.pending``: ``await world.hooks.deliver()`` sends it,
``deliver(shuffled=random.Random(1))`` in another order, ``send(delivery)`` once more, ``again``
under a new GUID, ``lose()`` not at all but on record; with ``hooks.live = True`` each is sent as it
happens (``await hooks.settled()``). ``world.examples(app)`` are GitHub's published payloads.

Tokens: ``TOKEN`` is a user's, ``world.grant(installation).token`` an installation's,
``world.jwt(app)`` an App's own. What was asked is in ``world.asked``; limits that were run into in
``world.rates.tripped``. What is to go wrong: ``world.faults.add(refused(409), where="/labels",
method="POST")``.
"""

from tests.furniture.github_world.actions import Artifact, Job, Run, Workflow
from tests.furniture.github_world.apps import App, Grant, Installation
from tests.furniture.github_world.calling import Answered, call
from tests.furniture.github_world.clients import client_of, hub_of
from tests.furniture.github_world.code import Code
from tests.furniture.github_world.descriptions import Descriptions
from tests.furniture.github_world.faults import (
    Fault,
    bad_gateway,
    cut_off,
    graphql_limited,
    hung,
    lost,
    moved,
    primary_limit,
    refused,
    secondary_limit,
    slow,
)
from tests.furniture.github_world.hooks import Delivery, headers_of
from tests.furniture.github_world.serving import github_world
from tests.furniture.github_world.state import Change, Issue, Pull, Repository, User
from tests.furniture.github_world.world import TOKEN, World

__all__ = [
    "TOKEN",
    "Answered",
    "App",
    "Artifact",
    "Change",
    "Code",
    "Delivery",
    "Descriptions",
    "Fault",
    "Grant",
    "Installation",
    "Issue",
    "Job",
    "Pull",
    "Repository",
    "Run",
    "User",
    "Workflow",
    "World",
    "bad_gateway",
    "call",
    "client_of",
    "cut_off",
    "github_world",
    "graphql_limited",
    "headers_of",
    "hub_of",
    "hung",
    "lost",
    "moved",
    "primary_limit",
    "refused",
    "secondary_limit",
    "slow",
]
