"""What strangers' code could try in a sandbox, as code that one test of the sample project runs.

A *probe* asks for what it must not get: its code raises when refused, and reaches its end when it
got through. An *assault* uses up or damages what it can reach; the harness must outlive it.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent, indent

from tests.furniture.project import SOURCE

BEFORE = '    """Keep a value within bounds."""\n'
ESCAPED = "ESCAPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One attack: ``code`` runs inside ``clamp`` when a test asks for the value 3."""

    name: str
    code: str
    contained_by: str
    reasons: tuple[str, ...] = ("valid",)
    """Verdicts that are honest about an assault."""


PROBES = (
    Attack(
        name="reach the network",
        code="import socket; socket.create_connection(('1.1.1.1', 80), timeout=3)",
        contained_by="no network: a namespace of its own, with nothing but loopback",
    ),
    Attack(
        name="reach the metadata address",
        code="import socket; socket.create_connection(('169.254.169.254', 80), timeout=3)",
        contained_by="no network: a namespace of its own, with nothing but loopback",
    ),
    Attack(
        name="write outside the work tree",
        code="""
        import os, sys
        failed = 0
        places = ["/etc/x", "/usr/x", "/x", sys.prefix + "/x", "/run/bugfoundry/runner.zip"]
        for path in places:
            try:
                open(path, "a").write("x")
            except OSError:
                failed += 1
        if failed == len(places):
            raise PermissionError("every place refused")
        """,
        contained_by="the root, the environment and the runner are mounted read-only",
    ),
    Attack(
        name="replace pytest on disk",
        code="""
        import pytest
        open(pytest.__file__, "a").write("raise SystemExit")
        """,
        contained_by="the environment is mounted read-only",
    ),
    Attack(
        name="become root by setuid",
        code="""
        import os, subprocess
        try:
            os.setuid(0)
        except PermissionError:
            import glob, stat
            found = [p for f in ("/usr/bin", "/bin", "/usr/sbin") for p in glob.glob(f + "/*")
                     if os.stat(p).st_mode & stat.S_ISUID and os.stat(p).st_uid == 0]
            su = [p for p in found if os.path.basename(p) in ("su", "mount", "newgrp")]
            done = [subprocess.run([p], stdin=subprocess.DEVNULL, capture_output=True) for p in su]
            privileges = open("/proc/self/status").read()
            safe = ["NoNewPrivs:\\t1", "CapEff:\\t" + "0" * 16, "CapBnd:\\t" + "0" * 16]
            if all(line in privileges for line in safe):
                raise PermissionError("no new privileges, no capabilities")
        """,
        contained_by="not root, no capabilities, no-new-privileges",
    ),
    Attack(
        name="make namespaces and mount",
        code="""
        import ctypes, errno
        libc = ctypes.CDLL(None, use_errno=True)
        results = []
        for flag in (0x10000000, 0x20000, 0x40000000):
            results.append(libc.unshare(flag))
        results.append(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
        results.append(libc.syscall(250, 0, 0, 0, 0, 0))
        if all(result == -1 for result in results):
            raise PermissionError("unshare, mount and keyctl refused")
        """,
        contained_by="the filter of system calls (seccomp), no capabilities",
    ),
    Attack(
        name="use the Docker socket",
        code="""
        import socket
        s = socket.socket(socket.AF_UNIX)
        s.connect("/var/run/docker.sock")
        """,
        contained_by="the socket is not there",
    ),
    Attack(
        name="follow links to the host's files",
        code="""
        import os
        os.symlink("/etc/shadow", "link"); os.symlink("/proc/1/root/root", "root")
        try:
            open("link").read()
        except OSError:
            found = os.listdir("root") if os.path.exists("root") else []
            if not found:
                raise
        """,
        contained_by="only the system's own folders exist inside, and none of them is a secret",
    ),
    Attack(
        name="write where the runner writes its answers",
        code="""
        import os
        me, found = os.getpid(), 0
        parent = os.getppid()
        runners = [p for p in os.listdir("/proc") if p.isdigit() and int(p) not in (me, 1)
                   and b"serve" in open("/proc/%s/cmdline" % p, "rb").read()]
        assert runners
        for pid in runners:
            os.listdir("/proc/%s/fd" % pid)
            open("/proc/%s/fd/1" % pid, "wb").write(b"forged")
        """,
        contained_by="the runner lets no process of its user look into it (not dumpable)",
    ),
    Attack(
        name="trace the runner",
        code="""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        pid = [int(p) for p in os.listdir("/proc") if p.isdigit()
               and b"serve" in open("/proc/%s/cmdline" % p, "rb").read()][-1]
        if libc.ptrace(16, pid, 0, 0) == -1:
            raise PermissionError("not to be traced")
        """,
        contained_by="the runner lets no process of its user look into it (not dumpable)",
    ),
)

ASSAULTS = (
    Attack(
        name="fork bomb",
        code="""
        import os
        while True:
            try:
                os.fork()
            except OSError:
                pass
        """,
        contained_by="limit of processes; one call kills all of them",
        reasons=("valid", "timeout", "breaks-everything", "sandbox-broken"),
    ),
    Attack(
        name="use up memory",
        code="""
        import mmap
        kept = []
        while True:
            kept.append(mmap.mmap(-1, 64 << 20))
            for place in range(0, 64 << 20, 4096):
                kept[-1][place] = 1
        """,
        contained_by="limit of memory: the kernel kills the test, and not its runner",
        reasons=("valid",),
    ),
    Attack(
        name="use up memory in many processes",
        code="""
        import os
        for _ in range(30):
            if os.fork() == 0:
                kept = bytearray(300 << 20)
                while True:
                    pass
        while True:
            pass
        """,
        contained_by="limit of memory over all processes together",
        reasons=("valid", "timeout", "sandbox-broken"),
    ),
    Attack(
        name="fill the disk",
        code="""
        import itertools, os, tempfile
        stopped = 0
        for folder in (".", "/tmp", "/var/tmp"):
            try:
                for number in itertools.count():
                    with open(os.path.join(folder, "fill%d" % number), "wb") as file:
                        for _ in range(30):
                            file.write(bytes(1 << 20))
            except OSError:
                stopped += 1
        raise OSError("full, %d times" % stopped)
        """,
        contained_by="each writable place is a file system in memory of limited size",
    ),
    Attack(
        name="use up inodes",
        code="""
        import itertools, os
        for folder in (".", "/tmp"):
            try:
                for number in itertools.count():
                    os.mkdir(os.path.join(folder, "inode%d" % number))
            except OSError:
                pass
        raise OSError("no inodes left")
        """,
        contained_by="limit of files (docker) and of memory, which they take",
        reasons=("valid", "timeout", "sandbox-broken"),
    ),
    Attack(
        name="fill shared memory",
        code="""
        import ctypes, itertools
        libc = ctypes.CDLL(None, use_errno=True)
        for _ in range(20):
            libc.shmget(0, 8 << 20, 0o1600)
        for number in itertools.count():
            open("/dev/shm/fill%d" % number, "wb").write(bytes(8 << 20))
        """,
        contained_by="/dev/shm is limited in size; what stays there is removed after the run",
    ),
    Attack(
        name="print ten gigabytes",
        code="""
        import os
        line = b"x" * (1 << 20)
        for _ in range(10 << 10):
            os.write(1, line)
            os.write(2, line)
        """,
        contained_by="limit of file size; only the end of the output is kept",
        reasons=("valid", "timeout"),
    ),
    Attack(
        name="never end",
        code="""
        import signal
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        while True:
            pass
        """,
        contained_by="time limit of a test",
        reasons=("timeout",),
    ),
    Attack(
        name="leave daemons behind",
        code="""
        import os, time
        for _ in range(5):
            if os.fork() == 0:
                os.setsid()
                if os.fork():
                    os._exit(0)
                while True:
                    for path in ("src/shop/__init__.py", "tests/test_shop.py"):
                        try:
                            open(path, "w").write("raise SystemExit")
                        except OSError:
                            pass
                    time.sleep(0.001)
        raise ValueError("left behind")
        """,
        contained_by="all processes are killed after the run, then the tree is put back",
        reasons=("valid", "breaks-everything"),
    ),
    Attack(
        name="kill the runner",
        code="import os, signal; os.kill(-1, signal.SIGKILL)",
        contained_by="a runner that is gone is noticed, and the sandbox replaced",
        reasons=("sandbox-broken",),
    ),
    Attack(
        name="stop the runner",
        code="""
        import os, signal, time
        for pid in os.listdir("/proc"):
            if pid.isdigit() and int(pid) not in (1, os.getpid()):
                os.kill(int(pid), signal.SIGSTOP)
        time.sleep(1000)
        """,
        contained_by="a runner that does not answer in time is replaced with its sandbox",
        reasons=("sandbox-broken",),
    ),
    Attack(
        name="leave a conftest for the next bug",
        code="""
        import os
        for folder in (".", "tests", "src", "/tmp"):
            open(folder + "/conftest.py", "w").write("import pytest; pytest.exit('mine')")
            open(folder + "/sitecustomize.py", "w").write("raise SystemExit")
            open(folder + "/pytest.py", "w").write("raise SystemExit")
        os.makedirs(".git/hooks", exist_ok=True)
        open(".git/config", "a").write("[core]\\n\\thooksPath = /tmp\\n")
        open("pytest.ini", "w").write("[pytest]\\naddopts = --collect-only\\n")
        raise ValueError("laid")
        """,
        contained_by="tree, git and temporary folders are put back after the run",
        reasons=("valid", "breaks-everything"),
    ),
    Attack(
        name="replace the work tree by a link",
        code="""
        import os
        here = os.getcwd()
        for name in ("src", "tests"):
            os.rename(name, name + ".old")
            os.symlink("/tmp", name)
        os.chmod(".git", 0)
        os.chmod("src.old", 0)
        raise ValueError("replaced")
        """,
        contained_by="tree, links and modes are put back after the run",
        reasons=("valid", "breaks-everything"),
    ),
    Attack(
        name="fake the results",
        code="""
        import json, os
        lines = b""
        for test in ("tests/test_shop.py::test_parse", "tests/test_shop.py::invented"):
            for outcome in ("failed", "passed"):
                lines += b"\\n" + json.dumps({"event": "outcome", "test": test, "seconds": 0,
                    "outcome": outcome, "detail": "forged"}).encode() + b"\\n"
        lines += b'\\n{"event": "collected", "tests": ["tests/test_shop.py::invented"]}\\n'
        lines += b'\\n{"event": "finished", "code": 0}\\n' + os.urandom(1 << 16) + b"\\n" * 9
        for number in range(3, 256):
            try:
                os.write(number, lines)
            except OSError:
                pass
        os._exit(0)
        """,
        contained_by="a run's process may lie of its own bug only; ids are checked outside",
        reasons=("valid", "breaks-everything", "no-test-failed", "spilled"),
    ),
)


def attacked(attack: Attack) -> bytes:
    """The sample project's module with an attack in it; a probe that gets through says so."""
    body = dedent(attack.code).strip("\n")
    if attack in PROBES:
        body += f'\nraise ZeroDivisionError("{ESCAPED}")'
    return SOURCE.replace(BEFORE, f"{BEFORE}    if value == 3:\n{indent(body, ' ' * 8)}\n").encode()
