"""The one hierarchy of errors. Each message is one line: what is wrong and what to do."""


class BugfoundryError(Exception):
    """Anything a person can be told in one line; the command line prints it and exits with 1."""


class SourceError(BugfoundryError):
    """A source that cannot be parsed, found or fetched."""


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
