from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.personal import redact_text

TOKEN = "ghp_" + "a1B2" * 9
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("write to jane.doe@corp.io", "write to user1@example.com"),
        ("a@corp.io, b@corp.io, a@corp.io",
         "user1@example.com, user2@example.com, user1@example.com"),
        ('File "/home/jane/shop/a.py", line 3', 'File "/home/user/shop/a.py", line 3'),
        (r"C:\Users\jane\a.py", r"C:\Users\user\a.py"),
        (f"token={TOKEN} works", "token=<secret> works"),
        ("https://jane:hunter2@host/", "https://jane:<secret>@host/"),
        (f"key:\n{KEY}\nend", "key:\n<secret>\nend"),
    ],
    ids=["address", "addresses", "home", "windows", "token", "password", "key"],
)  # fmt: skip
def test_what_is_somebodys_is_replaced(text: str, after: str) -> None:
    assert redact_text(text)[0] == after


@pytest.mark.parametrize(
    "text",
    [
        "reply to someone@example.com or a@b.test",
        "clone git@github.com:pallets/click.git",
        "@pytest.fixture and @property and x@y",
        "/home/runner/work/shop and /home/user/x",
        "fixed in 3c23f64d39700fbb92a1dfb86e5fe68ae84f6f82",
        "sha256:e24e7b9b5a35048c313e983f76c4bd09dad89f045ff059e354f9943bf45aa060",
    ],
)
def test_what_is_nobodys_stays(text: str) -> None:
    assert redact_text(text) == (text, ())


def test_the_kind_of_what_was_taken_is_told() -> None:
    _, found = redact_text(f"jane@corp.io in /home/jane with {TOKEN}")

    assert [each.kind for each in found] == ["GitHub Token", "e-mail", "home-folder"]


def test_a_made_up_address_is_never_that_of_another_in_the_text() -> None:
    text, _ = redact_text("jane@corp.io wrote to user1@example.com")

    assert text == "user2@example.com wrote to user1@example.com"


PIECES = st.sampled_from(
    ["jane@corp.io", "bob.x@mail.corp.co.uk", "/home/jane/a", "C:\\Users\\Bob\\", TOKEN, KEY,
     "AKIAIOSFODNN7EXAMPLE", "http://me:pa55@host.io", "user1@example.com", "text", "\n", "`", "é"]
)  # fmt: skip


@given(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=12), st.sampled_from(["", " "]))
def test_what_is_redacted_once_stays_as_it_is(pieces: list[str], between: str) -> None:
    once, _ = redact_text(between.join(pieces))

    assert redact_text(once) == (once, ())


@given(st.lists(PIECES, max_size=12))
def test_nothing_that_was_found_is_left(pieces: list[str]) -> None:
    text, found = redact_text(" ".join(pieces))

    for each in found:
        if each.kind in ("e-mail", "GitHub Token", "Private Key", "AWS Access Key"):
            assert each.text not in text
