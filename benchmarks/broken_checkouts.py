"""Break a repository on purpose, and see what `bugfoundry env explain` says of it.

    .venv/bin/python -m benchmarks.broken_checkouts /path/to/checkout [docker|local]

Each way of breaking is made in a copy of its own. Prints the command's words for each.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

BUGFOUNDRY = Path(sys.executable).with_name("bugfoundry")


def ask_for_a_python_that_is_not(folder: Path) -> None:
    """Ask for a Python that does not exist."""
    for path in (folder / "pyproject.toml", folder / "setup.cfg"):
        if path.exists():
            text = path.read_text()
            changed = re.sub(r"(requires.python\s*=\s*\"?)[^\"\n]+", r"\g<1>>=3.99", text)
            path.write_text(changed)


def contradict(folder: Path) -> None:
    """Require two versions of one distribution."""
    (folder / "test-requirements.txt").write_text("pytest>=8\nsix==1.15.0\nsix==1.16.0\n")


def import_a_stranger(folder: Path) -> None:
    """Import a module in conftest that nothing provides."""
    conftest(folder, "import acme_internal_tools\n")


def need_a_header(folder: Path) -> None:
    """Need a distribution that has to be compiled against a C library."""
    (folder / "test-requirements.txt").write_text("pytest\npsycopg2==2.9.9\n")


def use_a_fixture_of_nobody(folder: Path) -> None:
    """Use a fixture in every test that no plugin gives."""
    text = "import pytest\n@pytest.fixture(autouse=True)\ndef every(acme_service): pass\n"
    conftest(folder, text)


def end_pytest(folder: Path) -> None:
    """End the interpreter while a test module is imported."""
    place = next(folder.glob("test*/"), folder)
    (place / "test_that_exits.py").write_text("import sys\n\nsys.exit(3)\n")


def conftest(folder: Path, text: str) -> None:
    place = next((path for path in folder.glob("test*/") if path.is_dir()), folder)
    file = place / "conftest.py"
    file.write_text(text + (file.read_text() if file.exists() else ""))


WAYS: tuple[Callable[[Path], None], ...] = (
    ask_for_a_python_that_is_not,
    contradict,
    import_a_stranger,
    need_a_header,
    use_a_fixture_of_nobody,
    end_pytest,
)


def main() -> None:
    source = Path(sys.argv[1])
    sandbox = sys.argv[2] if len(sys.argv) > 2 else "local"
    for way in WAYS:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place, source.name)
            shutil.copytree(source, folder, symlinks=True, ignore=shutil.ignore_patterns(".git"))
            way(folder)
            store = ["--store", str(Path(place, "store.db"))]
            print(f"\n### {(way.__doc__ or '').rstrip('.')}\n")
            build = ["env", "build", str(folder), "--sandbox", sandbox, *store]
            run(*build)
            run("env", "explain", str(folder), *store)
            sys.stdout.flush()


def run(*words: str) -> None:
    done = subprocess.run([BUGFOUNDRY, *words], capture_output=True, text=True, check=False)
    text = done.stdout if words[1] == "explain" else done.stderr
    print("\n".join(line[:240] for line in text.strip().splitlines()))


if __name__ == "__main__":
    main()
