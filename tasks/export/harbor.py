"""Task folders of the Harbor framework: https://harborframework.com, schema 1.4 of harbor 0.26.

The environment holds the start state and nothing else; tests and fix are brought in by Harbor when
they are due. The tests are run by the runner that judged the bug, and by its rule.
"""

from __future__ import annotations

import json
import re
import shlex
from functools import lru_cache
from pathlib import Path
from typing import Any

from syntax.intake.ids import group_tests
from syntax.intake.intake import IntakeReference, is_shared
from syntax.intake.places import is_decisive, is_protected
from tasks.export import grade
from tasks.export.archives import pack_archive
from tasks.export.full import content_of
from tasks.export.intake_archive import pack_intake
from tasks.export.rows import Row
from tasks.intake import make_reference
from tasks.material import Material
from tasks.start_state import broken_files

SCHEMA = "1.4"
TREE = "/testbed"
VENV = "/opt/venv"
USER = 1000
BUILT = "/opt/bugfoundry/built.tar.gz"
"""What the image holds beside the start state that Python takes up by itself; root's alone."""
BUILT_KINDS = (
    r"\( -path '*.egg-info/*' -o -path '*.dist-info/*' -o -name '*.pth'"
    r" -o -name 'sitecustomize*' -o -name 'usercustomize*' \) -type f"
)
LEAST_TEST_TIMEOUT = 10.0
LEAST_TOTAL_TIMEOUT = 600.0
BUILD_TIMEOUT = 1800.0
AGENT_TIMEOUT = 3600.0
VERIFIER_GRACE = 120.0

INSTRUCTION = """{statement}

---

The project's code is in `{tree}`. Change it so that this is fixed. Tests and their configuration
are restored before your work is graded. There is no network.
"""

START = """#!/bin/sh
# Lays the start state over the code: one commit, no remote, nothing of what came before.
set -e
cd {tree}
chown -R 0:0 .
if [ -d .git ] && command -v git >/dev/null; then
    git ls-files -z | xargs -0 rm -f --
fi
rm -rf .git
tar -xzf /tmp/start/start.tar.gz
if command -v git >/dev/null; then
    export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_LITERAL_PATHSPECS=1
    export GIT_AUTHOR_DATE='@946684800 +0000' GIT_COMMITTER_DATE='@946684800 +0000'
    git init -q --template= -b main .
    tar -tzf /tmp/start/start.tar.gz >/tmp/start/files
    git -c core.autocrlf=false add -f --pathspec-from-file=/tmp/start/files
    git -c user.name=bugfoundry -c user.email=bugfoundry@localhost commit -q --allow-empty -m Start
    rm -rf .git/logs .git/COMMIT_EDITMSG
    mkdir -p .git/info
    git -c core.quotePath=false ls-files --others --exclude-standard --directory |
        sed 's|^|/|' >.git/info/exclude
fi
find . -name __pycache__ -type d -prune -exec rm -rf {{}} +
mkdir -p "$(dirname {built})"
find . -name .git -prune -o {built_kinds} -print0 |
    tar --null --no-recursion --hard-dereference -T - -czf {built}
chown -R {user}:{user} {tree}
"""

ON_IMAGE = """# {id}
# The repository's image, by the digest of its content; recipe.Dockerfile makes it anew.
FROM {image}
USER root
COPY start.tar.gz start.sh /tmp/start/
RUN sh /tmp/start/start.sh && rm -rf /tmp/start
ENV {env}
WORKDIR {tree}
USER {user}
"""

RECIPE = """# {id}
# From nothing: the base image, the versions that the bug was judged with, the start state.
FROM {base}
USER root
{system}RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --quiet uv && \\
    /opt/uv/bin/uv venv --quiet --python python3 {venv}
COPY start.tar.gz start.sh lock.txt /tmp/start/
RUN grep -q '^[^:]*:[^:]*:{user}:' /etc/passwd || useradd --uid {user} --home-dir /tmp sandbox
RUN mkdir -p {tree} && sh /tmp/start/start.sh
WORKDIR {tree}
ENV {env}
{steps}RUN sh /tmp/start/start.sh && rm -rf /tmp/start /opt/uv
USER {user}
"""

TEST = """#!/bin/sh
# Puts back tests and what decides how they run, runs the tests that count, writes the reward.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p /logs/verifier
echo 0 >/logs/verifier/reward.txt
cd {tree} || exit 1
"{venv}/bin/python" -I "$here/intake.zip" "$here/files.tar.gz" {built} || exit 1
set -- "{venv}/bin/python" -I "$here/grade.py" "$here/runner.zip" "$here/config.json"
if [ "$(id -u)" = 0 ]; then
    chown -R {user}:{user} {tree}
    chmod 700 /logs/verifier
    set -- setpriv --reuid {user} --regid {user} --clear-groups --inh-caps=-all "$@"
fi
env {env} "$@" </dev/null
code=$?
chmod 755 /logs/verifier
if [ "$code" = 0 ]; then echo 1 >/logs/verifier/reward.txt; fi
exit 0
"""

SOLVE = """#!/bin/sh
# The fix, as it is known.
set -e
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd {tree}
if command -v git >/dev/null; then
    git -c safe.directory='*' apply --whitespace=nowarn "$here/fix.patch"
else
    patch -p1 <"$here/fix.patch"
fi
"""


def files(material: Material, row: Row, runner: bytes, image: str = "") -> dict[str, bytes]:
    """Return the files of a task's folder; ``image`` is a name under which others can pull it."""
    judged = material.environment.sandbox == "docker"
    found = {
        "task.toml": toml(settings(material, row, image)),
        "instruction.md": INSTRUCTION.format(statement=material.task.statement.rstrip(), tree=TREE),
        "environment/Dockerfile": on_image(material, image) if judged else recipe(material),
        "environment/lock.txt": f"{material.environment.lock}\n",
        "environment/start.sh": START.format(
            tree=TREE, user=USER, built=BUILT, built_kinds=BUILT_KINDS
        ),
        "tests/test.sh": TEST.format(
            tree=TREE, venv=VENV, user=USER, env=shell_env(material), built=BUILT
        ),
        "tests/config.json": json.dumps(config(material), indent=1) + "\n",
        "solution/solve.sh": SOLVE.format(tree=TREE),
        "solution/fix.patch": material.fix,
    }
    if judged:
        found["environment/recipe.Dockerfile"] = recipe(material)
    data = {path: text.encode("utf-8", "surrogateescape") for path, text in found.items()}
    reference = reference_of(material)
    return {
        **data,
        "environment/start.tar.gz": start_state(material),
        "tests/files.tar.gz": pack_deciding_files(material, reference),
        "tests/intake.zip": pack_intake(reference, shared_files(reference)),
        "tests/runner.zip": runner,
        "tests/grade.py": Path(grade.__file__).read_bytes(),
    }


def settings(material: Material, row: Row, image: str) -> dict[str, Any]:
    """Return what ``task.toml`` says."""
    environment = material.environment
    metadata = {
        "instance_id": material.task.id,
        "content_sha256": content_of(row),
        "image_digest": row["image"],
        "base_digest": environment.base,
        "lock_sha256": row["lock_sha256"],
        **{name: row[name] for name in PROVENANCE if name in row and row[name] not in ("", [])},
        "fail_to_pass": len(row["FAIL_TO_PASS"]),
        "pass_to_pass": len(row["PASS_TO_PASS"]),
        "fix_is_public": material.bug.origin.strategy == "mirror",
    }
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", material.task.id).replace("..", ".")
    total = total_timeout(material)
    found: dict[str, Any] = {
        "schema_version": SCHEMA,
        "task": {
            "name": f"bugfoundry/{name}",
            "description": f"A bug in {row['repo']} that its own tests catch",
            "keywords": ["bug-fixing", "python", material.bug.origin.strategy],
        },
        "metadata": metadata,
        "verifier": {"timeout_sec": total + VERIFIER_GRACE, "user": "root"},
        "agent": {"timeout_sec": AGENT_TIMEOUT},
        "environment": {
            "build_timeout_sec": BUILD_TIMEOUT,
            "network_mode": "no-network",
            "workdir": TREE,
            "cpus": 2,
            "memory_mb": 4096,
            "storage_mb": 10240,
        },
    }
    return found


PROVENANCE = (
    "repo",
    "commit",
    "commit_date",
    "version",
    "tree",
    "license",
    "start_commit",
    "start_tree",
    "bug_id",
    "strategy",
    "operator",
    "path",
    "entity",
    "pull_request",
    "fix_commit",
    "tests_visible",
    "environment_id",
    "python",
    "arch",
    "harness",
    "mode",
    "created_at",
)
"""Fields of the full record that go into the metadata."""


def toml(tables: dict[str, Any]) -> str:
    """Write values and tables of one level as TOML."""
    plain = [f"{name} = {value(v)}" for name, v in tables.items() if not isinstance(v, dict)]
    parts = ["\n".join(plain)]
    for name, table in tables.items():
        if isinstance(table, dict):
            parts.append("\n".join([f"[{name}]", *(f"{k} = {value(v)}" for k, v in table.items())]))
    return "\n\n".join(parts) + "\n"


def value(found: Any) -> str:
    """Write one value as TOML. JSON's strings are TOML's, but for the character 127."""
    return json.dumps(found, ensure_ascii=False).replace("\x7f", "\\u007f")


def on_image(material: Material, image: str) -> str:
    """Return the Dockerfile that starts from the repository's image."""
    return ON_IMAGE.format(
        id=material.task.id,
        image=image or material.environment.handle,
        env=docker_env(material),
        tree=TREE,
        user=USER,
    )


def recipe(material: Material) -> str:
    """Return the Dockerfile that starts from the base image."""
    plan = material.environment.plan
    apt = (
        "RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends "
        f"{shlex.join(plan.system)} && rm -rf /var/lib/apt/lists/*\n"
        if plan.system
        else ""
    )
    start = f"RUN cd {shlex.quote(plan.folder)} && " if plan.folder else "RUN "
    install = f"{start}/opt/uv/bin/uv pip install --quiet --python {VENV}"
    steps = [f"{install} -r /tmp/start/lock.txt\n"] if material.environment.lock else []
    steps += [f"{install} {shlex.join(step)}\n" for step in plan.install]
    return RECIPE.format(
        id=material.task.id,
        base=f"python:{plan.python}-slim-bookworm",
        system=apt,
        steps="".join(steps),
        env=docker_env(material),
        tree=TREE,
        venv=VENV,
        user=USER,
    )


def variables(material: Material) -> dict[str, str]:
    """Return what every process of the tests sees."""
    return {
        **dict(material.environment.plan.env),
        "HOME": "/tmp",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "VIRTUAL_ENV": VENV,
    }


def docker_env(material: Material) -> str:
    """Variables as an ENV line has them."""
    pairs = [f"{name}={json.dumps(text)}" for name, text in variables(material).items()]
    return " ".join([f'PATH="{VENV}/bin:$PATH"', *pairs]).replace("\\$", "$")


def shell_env(material: Material) -> str:
    """Variables as the words of a command."""
    return shlex.join(f"{name}={text}" for name, text in variables(material).items())


def config(material: Material) -> dict[str, Any]:
    """Return what the grading inside the container needs."""
    return {
        "instance_id": material.task.id,
        "FAIL_TO_PASS": list(material.verdict.fail_to_pass),
        "PASS_TO_PASS": list(material.pass_to_pass),
        "pytest_args": list(material.environment.plan.pytest_args),
        "test_timeout": max(LEAST_TEST_TIMEOUT, 10 * material.slowest_test),
        "total_timeout": total_timeout(material),
    }


def total_timeout(material: Material) -> float:
    """Seconds that the tests may take."""
    return max(LEAST_TOTAL_TIMEOUT, 20 * material.suite_seconds)


def start_state(material: Material) -> bytes:
    """Return the start state's files as an archive."""
    trees, tree = material.trees, material.start.tree
    return pack_archive(trees.read_work_files(tree), trees.paths(tree))


def pack_deciding_files(material: Material, reference: IntakeReference) -> bytes:
    """Return all that may be put back, as an archive: as the bug was judged, as git lays it out."""
    trees, tree = material.trees, material.bug.tree
    held = group_tests(tuple(reference.tests))
    kept = [path for path in reference.paths if path in held or is_decisive(path)]
    contents = trees.read_work_files(tree, kept)
    broken = [path for path in kept if path in reference.fixed]
    contents |= trees.read_work_files(material.start.tree, broken)
    return pack_archive(contents, trees.paths(tree))


def reference_of(material: Material) -> IntakeReference:
    """Return what a solver's work is held against."""
    trees, bug = material.trees, material.bug
    read = lru_cache(maxsize=None)(lambda path: trees.read_file(bug.tree, path))
    tests = (*material.verdict.fail_to_pass, *material.pass_to_pass)
    return make_reference(
        broken_files(trees, bug),
        bug,
        read,
        trees.paths(bug.tree),
        tests,
        material.environment.lock,
    )


def shared_files(reference: IntakeReference) -> frozenset[str]:
    """Return the files in which tests and code share a place."""
    held = group_tests(tuple(reference.tests))
    return frozenset(
        path
        for path, what in held.items()
        if what.code and not is_protected(path) and is_shared(reference, path)
    )
