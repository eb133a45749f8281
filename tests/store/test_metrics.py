"""Metrics: what they may be, what they are worth, and what is refused."""

import math

import pytest
from filled import add_group, add_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clantune_store.database import tables
from clantune_store.database.canonical import canonical
from clantune_store.errors import MetricError
from clantune_store.questions.expression import ALLOWED, Expression
from clantune_store.questions.metric import Metric, define_metric, named_metrics
from clantune_store.questions.top import top


def refusal(function, *arguments, **options):
    with pytest.raises(MetricError) as caught:
        function(*arguments, **options)
    return str(caught.value)


@pytest.fixture
def numbers(database):
    """A database with one run that has reported a, b, c and z = 0."""
    group = add_group(database, {"speed": 1.0})
    add_run(database, group, "SPY", {"x": {"a": 6.0, "b": -4.0, "c": 1.5, "z": 0.0, "n": "nan"}})
    return database


def value_of(database, text):
    """Return the value of the only run; None if it is not a finite number."""
    try:
        return top(database, text)[0].value
    except MetricError as error:
        assert str(error) == f"the only value of {text!r} is not a finite number"  # noqa: PT017
        return None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a + b", 2.0),
        ("a - b - c", 8.5),
        ("a - (b - c)", 11.5),
        ("a * b + c", -22.5),
        ("a * (b + c)", -15.0),
        ("a / b", -1.5),
        ("a / b / c", -1.0),
        ("a / (b / c)", -2.25),
        ("a * (c / b)", -2.25),
        ("a / (b * c)", -1.0),
        ("1 / 2 + 0 * a", 0.5),
        ("-a", -6.0),
        ("--a", 6.0),
        ("a - -b", 2.0),
        ("-(a + b)", -2.0),
        ("+a", 6.0),
        ("a / z", None),
        ("a / (a - 6)", None),
        ("a + n", None),
        ("1e308 * a", None),
        ("abs(b)", 4.0),
        ("abs(b) * -abs(b)", -16.0),
        ("min(a, b, c)", -4.0),
        ("max(a, b, c)", 6.0),
        ("max(min(a, 3), b)", 3.0),
        ("min(a, n)", None),
        ("max(n, a)", None),
        ("a if b < c else z", 6.0),
        ("a if b > c else z", 0.0),
        ("a if n > 0 else z", None),
        ("a if not b > c else z", 6.0),
        ("a < 7", 1.0),
        ("a > 7", 0.0),
        ("(a < 7) + (b < 7)", 2.0),
        ("b < c < a", 1.0),
        ("b < a < c", 0.0),
        ("a == 6", 1.0),
        ("a != 6", 0.0),
        ("a > 5 and b > 5", 0.0),
        ("a > 5 or b > 5", 1.0),
        ("a and z", 0.0),
        ("not z and a", 1.0),
        ("n > 0 or a > 0", 1.0),
        ("n > 0 and z", 0.0),
        ("n > 0 and a", None),
        ("x.a + x.b", 2.0),
        ("x.a + b", 2.0),
        ("True + a", 7.0),
        (" a\n", 6.0),
    ],
)
def test_an_expression_has_one_value_on_all_databases(numbers, text, value):
    if text == "1e308 * a" and numbers.address.schema:
        pytest.skip("PostgreSQL refuses to overflow, see the test below")
    assert value_of(numbers, text) == value


LEAF = st.sampled_from(["a", "b", "c", "z", "2", "0.5"])
EXPRESSIONS = st.recursive(
    LEAF,
    lambda below: st.one_of(
        st.tuples(below, st.sampled_from("+-*/"), below).map("({0[0]} {0[1]} {0[2]})".format),
        st.tuples(below, st.sampled_from(["<", "<=", "==", "!=", ">"]), below).map(
            "({0[0]} {0[1]} {0[2]})".format
        ),
        st.tuples(below, below, below).map("({0[0]} if {0[1]} else {0[2]})".format),
        st.tuples(st.sampled_from(["min", "max"]), below, below).map(
            "{0[0]}({0[1]}, {0[2]})".format
        ),
        below.map("(-{})".format),
        below.map("abs({})".format),
    ),
    max_leaves=8,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=EXPRESSIONS)
def test_an_expression_is_worth_what_python_says(numbers, text):
    try:
        expected = float(eval(text, {"a": 6.0, "b": -4.0, "c": 1.5, "z": 0.0}))
    except ZeroDivisionError:
        return  # Python evaluates one branch of a choice only; a NULL is tested above
    if any(name in text for name in "abcz"):
        found = value_of(numbers, f"0 * a + {text}")
        assert found is not None
        assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("open('x')", "\"open('x')\""),
        ("a + sum(b)", "'sum(b)'"),
        ("(lambda: 1)()", "'(lambda: 1)()'"),
        ("a + (lambda: 1)", "'lambda: 1'"),
        ("a[0]", "'a[0]'"),
        ("a ** 9", "'a ** 9'"),
        ("a % 2", "'a % 2'"),
        ("a // 2", "'a // 2'"),
        ("~a", "'~a'"),
        ("a in b", "'a in b'"),
        ("a is b", "'a is b'"),
        ("'text'", "\"'text'\""),
        ("a + None", "'None'"),
        ("a + ...", "'...'"),
        ("3j * a", "'3j'"),
        ("(a, b)", "'(a, b)'"),
        ("[a]", "'[a]'"),
        ("{a}", "'{a}'"),
        ("(b := a)", "'b := a'"),
        ("[x for x in a]", "'[x for x in a]'"),
        ("f'{a}'", "\"f'{a}'\""),
        ("(a + b).c", "'(a + b).c'"),
        ("max(*a, b)", "'max(*a, b)'"),
        ("max(a, b, key=c)", "'max(a, b, key=c)'"),
        ("a.max(b, c)", "'a.max(b, c)'"),
        ("await a", "'await a'"),
    ],
)
def test_a_piece_that_may_not_stand_in_a_metric_is_named(text, piece):
    assert refusal(Expression.of, text) == (
        f"{piece} may not stand in the metric {text!r}; {ALLOWED}"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a.__class__",
            (
                "'a.__class__' may not stand in the metric 'a.__class__'; a name does not start "
                f"with _; {ALLOWED}"
            ),
        ),
        (
            "_a",
            f"'_a' may not stand in the metric '_a'; a name does not start with _; {ALLOWED}",
        ),
        (
            "min(a)",
            (
                "'min(a)' may not stand in the metric 'min(a)'; min() takes at least 2 arguments; "
                f"{ALLOWED}"
            ),
        ),
        (
            "abs(a, b)",
            (
                "'abs(a, b)' may not stand in the metric 'abs(a, b)'; abs() takes one argument; "
                f"{ALLOWED}"
            ),
        ),
        (
            "1e999",
            f"'1e999' may not stand in the metric '1e999'; it is too large a number; {ALLOWED}",
        ),
        ("a +", f"'a +' is not an expression (invalid syntax); {ALLOWED}"),
        ("", f"'' is not an expression (invalid syntax); {ALLOWED}"),
        ("a; b", f"'a; b' is not an expression (invalid syntax); {ALLOWED}"),
        (
            "-" * 60 + "a",
            (
                f"the metric {'-' * 40!r}... is nested too deeply, more than 8 levels: let the "
                "program report a part of it"
            ),
        ),
        ("a" * 3000, f"the metric {'a' * 40!r}... has 3000 characters; it may have 2000"),
    ],
)
def test_an_expression_that_is_none_is_refused(text, message):
    assert refusal(Expression.of, text) == message


def test_an_expression_that_grows_beyond_measure_is_refused(numbers):
    text = "a"
    for _ in range(7):
        text = f"(1 < {text} < 2 < 3)"
    many = " + ".join([text] * 2)
    assert refusal(top, numbers, many) == f"the metric {many[:40]!r}... has more than 1000 pieces"


@pytest.mark.parametrize(
    ("before", "after", "times"),
    [
        *(("", " + b", 51), ("", " / b", 51), ("(", " - 1) * b", 25), ("abs(", ")", 9)),
        *(("min(b, ", ")", 9), ("b - (", ")", 9), ("b / (", ")", 9), ("-", "", 9)),
        *(("(b if ", " else 2)", 9), ("(b if b > 3 else ", ")", 8), ("(1 < ", ")", 9)),
        *(("b + (not ", ")", 4), ("1 + (2 < ", ")", 4), ("(b < 3 or ", ")", 8)),
    ],
)
def test_the_deepest_expressions_are_read_by_all_databases(numbers, before, after, times):
    value_of(numbers, before * times + "a" + after * times)
    with pytest.raises(MetricError, match="nested too deeply"):
        top(numbers, before * (times + 1) + "a" + after * (times + 1))


def test_a_named_metric_has_an_expression_a_condition_and_a_direction(numbers):
    metric = define_metric(numbers, "best of x", "a / b", "1 <= a <= 7", lowest=True)
    assert metric == Metric("a / b", "1 <= a <= 7", lowest=True)
    assert named_metrics(numbers) == [("best of x", metric)]
    assert value_of(numbers, "best of x") == -1.5


def test_a_named_metric_is_defined_again(numbers):
    define_metric(numbers, "m", "a / b")
    define_metric(numbers, "m", "a * b")
    assert named_metrics(numbers) == [("m", Metric("a * b"))]


def test_a_named_metric_goes_before_a_reported_one(numbers):
    define_metric(numbers, "a", "b")
    assert value_of(numbers, "a") == -4.0
    assert value_of(numbers, "x.a") == 6.0


def test_a_name_with_two_meanings_is_refused_when_it_is_asked(numbers):
    meanings = [Metric("a"), Metric("b", lowest=True)]
    with numbers.write() as connection:
        for metric in meanings:
            row = {"name": "m", "document": metric.document}
            connection.execute(tables.named_metrics.insert().values(row))
    assert named_metrics(numbers) == [("m", metric) for metric in meanings]
    assert refusal(top, numbers, "m") == (
        "the metric 'm' has 2 meanings: "
        '{"expression":"a","lowest":false,"where":""} and '
        '{"expression":"b","lowest":true,"where":""}. '
        "Define it again: `clantune store metric add 'm' EXPRESSION`"
    )


def test_a_metric_that_is_not_allowed_gets_no_name(numbers):
    for arguments in (("m", "open(a)"), ("m", "a", "open(a)")):
        assert refusal(define_metric, numbers, *arguments) == (
            f"'open(a)' may not stand in the metric 'open(a)'; {ALLOWED}"
        )
    assert refusal(define_metric, numbers, " ", "a") == "the name of the metric 'a' is empty"
    assert named_metrics(numbers) == []


def test_the_document_of_a_metric_is_the_metric():
    metric = Metric("profit / trades", "1 <= trades <= 150")
    assert Metric.from_document(metric.document) == metric
    assert metric.document == canonical(
        {"expression": "profit / trades", "lowest": False, "where": "1 <= trades <= 150"}
    )
