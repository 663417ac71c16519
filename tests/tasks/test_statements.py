from tasks.statements import LISTED_TESTS, is_template, statement


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


def test_tests_that_fail_in_company_alone_are_told_beside_those_that_fail_alone() -> None:
    told = statement("shop", ["t1", "t2", "t3"], {"t1": "ValueError: no"}, spilled=28)

    assert "These 3 tests fail now:" in told
    assert "When all tests run together, another 28 fail; run alone, they pass even now." in told
    assert is_template(told)


def test_one_test_is_told_in_the_singular() -> None:
    told = statement("shop", ["t1"], {"t1": "ValueError: no"}, spilled=1)

    assert "This test fails now:" in told
    assert "another one fails; run alone, it passes even now." in told
    assert "What it says:" in told
    assert "They" not in told
