from tasks.statements import LISTED_TESTS, statement


def test_one_test_is_spoken_of_as_one() -> None:
    assert "This test fails now:" in statement("shop", ["tests/test_a.py::test_b"])


def test_many_tests_are_counted_not_listed() -> None:
    told = statement("shop", [f"tests/test_a.py::test_{n}" for n in range(LISTED_TESTS + 5)])

    assert "These 25 tests fail now:" in told
    assert "- and 5 more" in told
    assert "test_20" not in told


def test_exactly_as_many_as_are_listed_leave_no_rest() -> None:
    told = statement("shop", [f"t::test_{n}" for n in range(LISTED_TESTS)])

    assert "more" not in told


def test_messages_are_told_once_and_short() -> None:
    messages = {"t::a": "assert 1 == 2", "t::b": "assert 1 == 2", "t::c": "x" * 9999}
    told = statement("shop", ["t::a", "t::b", "t::c"], messages)

    assert told.count("assert 1 == 2") == 1
    assert len(told) < 1000


def test_names_that_are_not_text_can_be_told() -> None:
    assert statement("shop", ["t::a[\udcff`]"]).encode()
