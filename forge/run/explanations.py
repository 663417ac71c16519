"""Say in words what was tried for an environment, what went wrong, and what a person can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.environments.diagnosis import LogFinding, describe_finding, diagnose
from harness.environments.model_plans import PROPOSED
from storage.records import PlanAttempt

MOST_FINDINGS = 5
REASONS = {
    "install-failed": "the installation failed",
    "no-base-image": "there is no base image to build on",
    "fewer-serve": "fewer tests serve than before",
    "no-fewer-skips": "no more tests pass, and as many are skipped",
    "no-tests": "no test could be collected",
    "python-unavailable": "its Python cannot be had",
    "same-environment": "it comes to what an earlier plan came to, and was not measured",
    "timeout": "it did not end in time",
    "too-few-pass": "too few of its tests pass",
    "tree-not-restored": "its tests change files that cannot be put back",
}
ADVICE = {
    "missing-header": "build it with --sandbox docker, or install {0} on this machine",
    "missing-library": "build it with --sandbox docker, or install what brings {0}",
    "missing-command": "build it with --sandbox docker, or install {0} on this machine",
    "missing-pkgconfig": "build it with --sandbox docker, or install the library {0}",
    "missing-module": "name what provides {0} under `install`",
    "missing-build-module": "name what provides {0} as the first step under `install`",
    "missing-python": "install Python {0}, or ask for another (`python:`)",
    "missing-distribution": "name an index that has {0} (UV_INDEX), or leave it out of `install`",
    "missing-fixture": "name the plugin that gives the fixture {0} under `install`",
    "missing-file": "add {0} to the repository, or leave its tests out (`pytest_args: --ignore=…`)",
    "version-conflict": "write versions that fit each other under `install`",
    "wrong-python": "ask for another Python (`python:`), or install one that fits {0}",
    "not-built": "leave {0} out of `install`, or name a version that has a wheel",
    "bad-module": "leave {0} out (`pytest_args: --ignore={0}`)",
    "index-unreachable": "check the network, and UV_INDEX or the proxy's variables",
    "unknown-option": "name the plugin that knows {0} under `install`",
    "warning-as-error": "allow the warning (`pytest_args: -W default`)",
    "changed-dependency": "pin the dependency that changed ({0}) under `install`",
}


def explain(attempts: Sequence[PlanAttempt]) -> Iterator[str]:
    """Yield the lines of an explanation, for attempts in the order they were made."""
    for number, attempt in enumerate(attempts, 1):
        yield f"{number}. {attempt.plan.name} (Python {attempt.plan.python})"
        if attempt.plan.because:
            yield f"   because {attempt.plan.because}"
        if attempt.ok:
            yield f"   served, after {attempt.seconds:.0f} s"
            yield from (f"   skipped: {line}" for line in attempt.detail.splitlines())
            continue
        told = REASONS.get(attempt.reason, attempt.reason)
        yield f"   {attempt.reason}: {told}, after {attempt.seconds:.0f} s"
        found = diagnose(attempt.reason, attempt.detail)[:MOST_FINDINGS]
        for finding in found:
            yield f"   - {describe_finding(finding)}{times(finding)}"
        if not found:
            yield from (f"   | {line}" for line in attempt.detail.strip().splitlines()[-4:])
    yield ""
    yield conclusion(attempts)


def times(finding: LogFinding) -> str:
    return f" ({finding.count} times)" if finding.count > 1 else ""


def conclusion(attempts: Sequence[PlanAttempt]) -> str:
    """Say what it came to, and where nothing serves, what would help."""
    served = [attempt for attempt in attempts if attempt.ok]
    if served:
        return f"It serves: {served[-1].plan.name}."
    if attempts[-1].reason == "python-unavailable":
        told = attempts[-1].detail.strip().splitlines()[-1]
        return f"Nothing serves: {told}."
    asked = any(attempt.plan.name == PROPOSED for attempt in attempts)
    model = "" if asked else " No model was asked for a plan (ANTHROPIC_API_KEY)."
    best = max(attempts, key=lambda attempt: attempt.reason == "too-few-pass")
    for attempt in (best, *reversed(attempts)):
        for finding in diagnose(attempt.reason, attempt.detail):
            if finding.kind in ADVICE:
                advice = ADVICE[finding.kind].format(finding.subject)
                return f"Nothing serves. In .github/bugfoundry.yml or here: {advice}.{model}"
    return (
        "Nothing serves, and nothing known here would help. Say how it is installed and tested in "
        f".github/bugfoundry.yml (python, install, pytest_args, env).{model}"
    )
