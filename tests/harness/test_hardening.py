"""One description of limits, and what each mechanism is told of it."""

from __future__ import annotations

import resource
import struct

import pytest

from harness.sandboxes import seccomp
from harness.sandboxes.limits import (
    SandboxLimits,
    container_arguments,
    control_values,
    resource_limits,
)

LIMITS = SandboxLimits(
    memory_mb=100, pids=20, cpus=1.5, file_size_mb=8, open_files=64, tmp_mb=16, inodes=99
)


def test_a_container_gets_nothing_that_is_not_granted() -> None:
    found = container_arguments(LIMITS, user=1000, tree="/testbed", tree_mb=4)
    assert found["network_mode"] == "none"
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges"]
    assert found["user"] == "1000:1000"
    assert found["log_config"].type == "none"
    assert "privileged" not in found


def test_a_container_is_held_to_every_limit() -> None:
    found = container_arguments(LIMITS, user=1000, tree="/testbed", tree_mb=4)
    assert found["mem_limit"] == found["memswap_limit"] == "100m"
    assert found["pids_limit"] == 20
    assert found["nano_cpus"] == 1_500_000_000
    assert found["shm_size"] == "16m"
    assert {limit.name: limit.hard for limit in found["ulimits"]} == {
        "core": 0,
        "fsize": 8 << 20,
        "nofile": 64,
    }
    assert "size=16m,nr_inodes=99" in found["tmpfs"]["/tmp"]
    assert "size=20m,nr_inodes=99" in found["tmpfs"]["/testbed"]


def test_a_process_is_held_to_what_the_kernel_can_hold_it_to() -> None:
    assert resource_limits(LIMITS, others=5) == {
        resource.RLIMIT_DATA: 100 << 20,
        resource.RLIMIT_FSIZE: 8 << 20,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 25,
    }


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (1, {("memory", "memory.limit_in_bytes", "104857600"), ("pids", "pids.max", "20")}),
        (2, {("memory", "memory.max", "104857600"), ("cpu", "cpu.max", "150000 100000")}),
    ],
)
def test_a_control_group_is_told_in_the_words_of_its_version(
    version: int, expected: set[tuple[str, str, str]]
) -> None:
    assert expected <= set(control_values(LIMITS, version))


@pytest.mark.parametrize("machine", sorted(seccomp.TOKENS))
def test_every_jump_of_the_filter_stays_inside_it(machine: str) -> None:
    data = seccomp.program(machine)
    assert data is not None
    steps = list(struct.iter_unpack("=HBBI", data))
    for place, (code, true, false, _) in enumerate(steps):
        if code & 0x07 == 0x05:
            assert place + 1 + max(true, false) < len(steps)
    assert steps[-1][3] == seccomp.ALLOW


@pytest.mark.parametrize(
    ("call", "arguments", "allowed"),
    [
        ("mount", (0,), False),
        ("unshare", (0,), False),
        ("keyctl", (0,), False),
        ("bpf", (0,), False),
        (0, (0,), True),
        (56, (0x11,), True),
        (56, (0x10000000,), False),
        (seccomp.CLONE3, (0,), False),
        (0x40000000, (0,), False),
    ],
)
def test_what_the_filter_lets_through(
    call: str | int, arguments: tuple[int], allowed: bool
) -> None:
    number = seccomp.REFUSED["x86_64"][call] if isinstance(call, str) else call
    given = {0: number, 4: seccomp.TOKENS["x86_64"], 16: arguments[0]}
    assert (evaluate(seccomp.program("x86_64") or b"", given) == seccomp.ALLOW) is allowed


def test_a_call_of_another_machine_is_not_read_by_this_table() -> None:
    given = {0: 0, 4: seccomp.TOKENS["aarch64"], 16: 0}
    assert evaluate(seccomp.program("x86_64") or b"", given) == seccomp.KILL


def test_an_unknown_machine_has_no_filter() -> None:
    assert seccomp.program("pdp11") is None


def evaluate(program: bytes, given: dict[int, int]) -> int:
    """Run a filter as the kernel does; return what it answers."""
    steps = list(struct.iter_unpack("=HBBI", program))
    place, register = 0, 0
    while True:
        code, true, false, value = steps[place]
        place += 1
        if code == seccomp.RETURN:
            return int(value)
        if code == seccomp.LOAD:
            register = given[value]
            continue
        tests = {
            seccomp.EQUAL: register == value,
            seccomp.AT_LEAST: register >= value,
            seccomp.ANY_BIT: bool(register & value),
        }
        place += true if tests[code] else false
