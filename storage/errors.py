"""The one hierarchy of errors. Each message is one line: what is wrong and what to do."""


class BugfoundryError(Exception):
    """Anything a person can be told in one line; the command line prints it and exits with 1."""

    exit_code = 1


class SourceError(BugfoundryError):
    """A source that cannot be parsed, found or fetched."""


class NoPredictions(SourceError):
    """Predictions of which not one can be read; the exit code says that nothing was graded."""

    exit_code = 2


class ConfigError(BugfoundryError):
    """A setting, option or configuration file that is not valid."""


class EnvironmentFailed(BugfoundryError):
    """No environment could be built, or its test suite cannot serve."""


class SandboxError(BugfoundryError):
    """A sandbox that cannot be had, or that broke."""


class StoreError(BugfoundryError):
    """A store that cannot be opened, or holds not what was asked for."""


class PatchError(BugfoundryError):
    """A patch that is malformed or does not apply."""


class ModelError(BugfoundryError):
    """A language model gave no answer that can be used, or its budget is spent."""


class GitHubError(BugfoundryError):
    """GitHub cannot or will not answer."""


class GitHubRefused(GitHubError):
    """The token is missing, wrong, expired, or may not do this."""


class GitHubMissing(GitHubError):
    """There is no such thing, or the token may not see it."""


class GitHubForbidden(GitHubRefused):
    """The token is good, but may not do this: a permission is missing, or a rule forbids it."""


class GitHubSuspended(GitHubRefused):
    """The App's installation is suspended: nothing can be done until its owner ends that."""


class GitHubGone(GitHubMissing):
    """It is no longer there, or the law forbids to show it: it will not come back by waiting."""


class GitHubLimited(GitHubError):
    """A rate limit holds for longer than we are willing to wait.

    ``seconds`` is how long it holds, as far as is known.
    """

    def __init__(self, message: str, *, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


class GitHubBroken(GitHubError):
    """GitHub was asked again and again and did not manage; a smaller question may succeed."""


class GitHubRejected(GitHubError):
    """GitHub found fault with what was sent: a cursor that is no longer good, for instance."""


class BatchError(BugfoundryError):
    """A batch, its plan, or what came back of it, that is damaged or not what it should be."""
