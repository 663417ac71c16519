"""Where statements and their clauses stand in a file, whatever it looks like."""

from __future__ import annotations

import pytest
from hypothesis import given

from syntax.blocks import Module, Statement, parse
from syntax.splices import Splice
from tests.syntax.pieces import modules


def parsed(text: str | bytes) -> Module:
    module = parse(text.encode() if isinstance(text, str) else text)
    assert module is not None
    return module


def only(text: str) -> tuple[Module, Statement]:
    module = parsed(text)
    (statement,) = module.body
    return module, statement


def code(module: Module, start: int, end: int) -> str:
    return module.text.data[start:end].decode()


def clauses(text: str) -> list[tuple[str, str, str]]:
    """Keyword, head and lines of each clause of the only statement."""
    module, statement = only(text)
    return [
        (c.kind, code(module, c.start, c.end), code(module, c.first, c.last))
        for c in statement.clauses
    ]


def test_an_elif_chain_is_one_statement_of_many_clauses() -> None:
    text = "if a:\n    b\nelif c:\n    d\nelif e:\n    f\nelse:\n    g\n"

    assert clauses(text) == [
        ("if", "if a:", "if a:\n    b\n"),
        ("elif", "elif c:", "elif c:\n    d\n"),
        ("elif", "elif e:", "elif e:\n    f\n"),
        ("else", "else:", "else:\n    g\n"),
    ]


def test_an_if_within_else_is_no_elif() -> None:
    found = clauses("if a:\n    b\nelse:\n    if c:\n        d\n")

    assert [kind for kind, _, _ in found] == ["if", "else"]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("for a in b:\n    c\nelse:\n    d\n", ["for", "else"]),
        ("while a:\n    b\nelse:\n    c\n", ["while", "else"]),
        ("with (a as b,\n      c):\n    d\n", ["with"]),
        (
            "try:\n    a\nexcept E:\n    b\nexcept (F, G) as e:\n    c\n"
            "else:\n    d\nfinally:\n    e\n",
            ["try", "except", "except", "else", "finally"],
        ),
        ("try:\n    a\nexcept* E:\n    b\n", ["try", "except"]),
        ("async def f():\n    pass\n", ["def"]),
        ("class A(B, c=D):\n    pass\n", ["class"]),
    ],
)
def test_every_compound_statement_has_its_clauses(text: str, kinds: list[str]) -> None:
    assert [kind for kind, _, _ in clauses(text)] == kinds


def test_a_head_ends_at_its_own_colon() -> None:
    found = clauses("def f(a: int = {1: 2}[1], b=lambda: 1) -> 'x: y':  # c: d\n    return a[1:]\n")

    assert found[0][1] == "def f(a: int = {1: 2}[1], b=lambda: 1) -> 'x: y':"


@pytest.mark.parametrize("mark", ["@deco\n", "@deco(\n    1,\n)\n@other\n", "@(\n    deco\n)\n"])
def test_decorators_belong_to_what_they_decorate(mark: str) -> None:
    text = f"{mark}def f():\n    pass\n"
    module, statement = only(text)

    assert code(module, statement.start, statement.end) == text.rstrip("\n")
    assert (statement.first, statement.last) == (0, len(text))
    assert clauses(text)[0][1] == f"{mark}def f():"


@pytest.mark.parametrize(
    "text",
    ["if a: b\nelse: c\n", "class A: pass\n", "def f(): return 1\n", "if a:\n    b; c\n"],
)
def test_a_body_that_shares_lines_is_no_body_of_its_own(text: str) -> None:
    _, statement = only(text)

    assert statement.clauses == ()


def test_a_semicolon_at_the_end_of_a_body_is_no_part_of_the_next_head() -> None:
    assert clauses("if a:\n    b;\nelse:\n    c\n")[1] == ("else", "else:", "else:\n    c\n")


def test_a_module_whose_statements_share_a_line_is_refused_but_for_imports() -> None:
    assert parse(b"a = 1; b = 2\n") is None
    assert parse(b"import a; import b\nc = 1\n") is not None


@pytest.mark.parametrize(
    "data",
    [
        b"if a:\n",
        b"print 'old'\n",
        b"x = '\xff'\n",
        b"x = 1\n\x0cy = 2\n",
        b"x = 1\ry = 2\nz = 3\n",
        b"x = '\0'\n",
        b"(" * 5000,
    ],
)
def test_what_cannot_be_told_apart_by_lines_is_refused(data: bytes) -> None:
    assert parse(data) is None


def test_an_empty_file_has_no_statements() -> None:
    assert parsed("").body == ()


def test_places_are_bytes_also_beyond_ascii() -> None:
    module = parsed("ä = 'ö'  # ü\nif ä:\n    'é'.x(ä)\n")
    found = [code(module, each.start, each.end) for each in module.walk()]

    assert found == ["ä = 'ö'", "if ä:\n    'é'.x(ä)", "'é'.x(ä)"]
    assert code(module, *(module.tokens[-2].start, module.tokens[-2].end)) == "ä"


def test_a_declared_encoding_does_not_move_places() -> None:
    module = parsed("# -*- coding: latin-1 -*-\nx = 'éé', 1\nif x:\n    y = 'é'\n")

    assert code(module, module.body[0].start, module.body[0].end) == "x = 'éé', 1"


def test_indentation_is_told_in_bytes_of_tabs_or_spaces() -> None:
    module = parsed("if a:\n\tb\n\tif c:\n\t\td\n")

    assert [each.indent for each in module.walk()] == [0, 1, 1, 2]


def test_lines_of_windows_are_lines() -> None:
    module = parsed("if a:\r\n    '''x\r\n  y'''\r\nelse:\r\n    b\r\n")
    (statement,) = module.body

    assert code(module, statement.first, statement.last) == module.text.data.decode()
    assert [code(module, c.first, c.last) for c in statement.clauses] == [
        "if a:\r\n    '''x\r\n  y'''\r\n",
        "else:\r\n    b\r\n",
    ]
    assert module.strings == [(1 + 1, 2)]


def test_lines_within_strings_are_known() -> None:
    module = parsed("x = '''a\nb\nc'''\ny = f'''d\n{x}\ne'''\nz = 'one'\n")

    inside = {line for begin, end in module.strings for line in range(begin, end + 1)}
    assert {1, 2} <= inside
    assert 3 not in inside
    assert 6 not in inside


def test_comments_with_a_line_of_their_own_are_known() -> None:
    module = parsed("# one\nx = 1  # two\nif x:\n    # three\n    '''\n# four\n'''\n")

    assert module.remarks == {b"# one", b"# three"}


def test_sizes_count_statements_but_no_imports_and_docstrings() -> None:
    module = parsed('"""Doc."""\nimport a\n\n\ndef f():\n    """Doc."""\n    import b\n    c\n')

    assert [each.size for each in module.body] == [0, 0, 2]
    assert parsed("if a:\n    b\nelif c:\n    d\nelse:\n    e\n").body[0].size == 5


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("@x.setter\ndef x(self, v):\n    pass\n", "x.setter"),
        ("@property\ndef x(self):\n    pass\n", "x"),
        ("@t.overload\ndef f(a: int): ...\n", "f.overload"),
        ("class A:\n    pass\n", "A"),
        ("x = 1\n", ""),
    ],
)
def test_names_tell_definitions_of_one_name_apart(text: str, name: str) -> None:
    assert only(text)[1].name == name


def test_annotations_and_trailing_commas_are_no_tokens() -> None:
    annotated = parsed("def f(a: dict[str, int], b: int = 1,) -> None:\n    x: int = a\n")
    plain = parsed("def f(a, b = 1):\n    x = a\n")

    assert [t.key for t in annotated.tokens] == [t.key for t in plain.tokens]


def test_an_annotation_without_a_value_is_kept() -> None:
    assert [t.key for t in parsed("x: int\n").tokens] == ["x", ":", "int"]


@given(modules())
def test_statements_lie_in_order_within_what_holds_them(data: bytes) -> None:
    module = parsed(data)

    def check(body: tuple[Statement, ...], low: int, high: int) -> None:
        for each in body:
            assert low <= each.first <= each.start < each.end <= each.last <= high
            assert each.indent == each.start - each.first
            assert not data[each.first : each.start].strip()
            low = each.last
            at = each.start
            for clause in each.clauses:
                assert at <= clause.start < clause.end <= clause.body[0].first
                assert data[clause.end - 1 : clause.end] == b":"
                check(clause.body, clause.end, each.last)
                at = clause.body[-1].end

    check(module.body, 0, len(data))


@given(modules())
def test_a_splice_of_a_statement_changes_nothing_outside_its_lines(data: bytes) -> None:
    module = parsed(data)
    for each in module.walk():
        changed = Splice(each.start, each.end, b"changed").apply(data)
        rest = len(data) - each.end

        assert changed[: each.start] == data[: each.start]
        assert changed[len(changed) - rest :] == data[each.end :]
        after = [
            s.kind
            for s in parsed(changed).walk()
            if s.first >= each.last + len(changed) - len(data)
        ]
        assert after == [s.kind for s in module.walk() if s.first >= each.last]


@given(modules())
def test_a_body_taken_out_as_it_stands_is_a_file_with_the_same_statements(data: bytes) -> None:
    module = parsed(data)
    for each in module.body:
        alone = parsed(data[each.first : each.last])

        assert [s.key for s in alone.body] == [each.key]


ENCODED = """# -*- coding: {codec} -*-
x = "é", f(1)
def f(a):  # é
    if a == "éé":
        return g("é", a)
    return 1
"""


@pytest.mark.parametrize("codec", ["latin-1", "utf-8", "cp1252", "utf-16"])
def test_places_are_those_of_the_bytes_that_are_kept(codec: str) -> None:
    text = ENCODED.format(codec=codec)
    data = text.encode(codec)
    if codec == "utf-16":
        assert parse(data) is None
        return

    module = parsed(data)

    def kept(start: int, end: int) -> str:
        return module.text.data[start:end].decode(codec)

    function = module.body[1]
    assert kept(module.body[0].start, module.body[0].end) == 'x = "é", f(1)'
    assert kept(function.clauses[0].start, function.clauses[0].end) == "def f(a):"
    (condition, end) = function.clauses[0].body
    assert kept(condition.clauses[0].start, condition.clauses[0].end) == 'if a == "éé":'
    assert kept(end.first, end.last) == "    return 1\n"
    assert [kept(t.start, t.end) for t in module.tokens_of(end.start, end.end)] == ["return", "1"]


def test_a_byte_order_mark_is_no_part_of_the_first_statement() -> None:
    module = parsed(b"\xef\xbb\xbfx = f(1)\r\ny = 2")
    first, second = module.body

    assert (first.start, first.first, first.indent) == (3, 3, 0)
    assert code(module, first.start, first.end) == "x = f(1)"
    assert code(module, second.first, second.last) == "y = 2"


def test_form_feeds_between_lines_and_in_texts_are_layout() -> None:
    module = parsed('x = 1\n\f\ndef f():\n    """a\f\n    b"""\n\f  # c\n    return 1\n')

    assert [s.kind for s in module.body] == ["Assign", "FunctionDef"]
    assert code(module, module.body[1].first, module.body[1].last).endswith("return 1\n")
    assert parse(b"x = 1\n\fy = 2\n") is None


def test_a_japanese_file_is_parsed_and_a_stateful_one_is_not() -> None:
    text = '# coding: {}\nx = "表示", f(1)\n'

    module = parsed(text.format("shift_jis").encode("shift_jis"))
    data = module.text.data
    assert data[module.body[0].start : module.body[0].end].decode("shift_jis").endswith("f(1)")
    assert parse(text.format("iso-2022-jp").encode("iso-2022-jp")) is None
