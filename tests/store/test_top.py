"""The best runs by a metric, compared with what is worked out by hand."""

import itertools
import math
from random import Random

import filled
import pytest
import sqlalchemy as sa

from clantune_store.database.names import numbers_of
from clantune_store.database.tables import datasets, measurements
from clantune_store.errors import MetricError, StoreError
from clantune_store.questions.metric import define_metric
from clantune_store.questions.sql import run_sql
from clantune_store.questions.top import Row, Top, top


@pytest.fixture
def store(database):
    return filled.fill(database)


def refusal(*arguments, **options):
    with pytest.raises(MetricError) as caught:
        top(*arguments, **options)
    return str(caught.value)


def short(rows):
    return [(row.value, row.run) for row in rows]


def test_the_best_runs_are_rows_with_their_group_and_data_set(store):
    assert top(store, "co2.profit", n=2) == Top(
        (
            Row(40.0, 5, 2, "AMD", "co2", "G2"),
            Row(40.0, 6, 2, "TSLA", "co2", "G2"),
        ),
        left_out=1,
    )


def test_a_top_is_a_sequence(store):
    found = top(store, "co2.profit", n=3)
    assert len(found) == 3
    assert [row.run for row in found] == [5, 6, 4]
    assert found[-1].run == 4
    assert [row.run for row in found[1:]] == [6, 4]


def test_the_lowest_are_asked_for(store):
    assert short(top(store, "co2.profit", n=3, lowest=True)) == [(-5.0, 7), (0.0, 8), (10.0, 1)]


def test_a_name_without_an_algo_is_asked_in_every_algo(store):
    found = top(store, "profit", n=20)
    assert len(found) == 16
    assert found.left_out == 2
    assert {row.algo for row in found} == {"co2", "ice"}


def test_one_algo_one_data_set_and_one_family_are_asked(store):
    assert short(top(store, "profit", algo="ice", n=1)) == [(9.0, 9)]
    assert short(top(store, "co2.profit", dataset="SPY")) == [(30.0, 4), (10.0, 1), (-5.0, 7)]
    assert short(top(store, "co2.profit", family="G3", n=2)) == [(15.0, 9), (0.0, 8)]
    assert short(top(store, "co2.profit * 1", family="G3", n=2)) == [(15.0, 9), (0.0, 8)]
    assert short(top(store, "co2.profit", dataset="AMD", family="G1")) == [(20.0, 2)]
    assert top(store, "co2.profit", dataset="SPY").left_out == 0
    assert top(store, "co2.profit * 1", dataset="SPY").left_out == 0


def test_the_best_of_each_data_set_or_algo_are_asked(store):
    each = top(store, "co2.profit", n=1, per="dataset")
    assert [(row.dataset, row.run) for row in each] == [("AMD", 5), ("SPY", 4), ("TSLA", 6)]
    each = top(store, "profit", n=1, per="algo")
    assert [(row.algo, row.run) for row in each] == [("co2", 5), ("ice", 9)]
    each = top(store, "profit / 1", n=1, per="dataset", lowest=True)
    assert [(row.dataset, row.run) for row in each] == [("AMD", 8), ("SPY", 7), ("TSLA", 3)]


def test_an_expression_with_a_condition_equals_the_table_by_hand(store):
    found = top(store, "profit / trades", where="1 <= trades <= 150", per="dataset")
    by_hand = []
    for run, (_, dataset, profit, trades, _) in enumerate(filled.RUNS, 1):
        if isinstance(profit, int) and isinstance(trades, int) and 1 <= trades <= 150:
            by_hand.append((dataset, -profit / trades, run))
    assert [(row.dataset, -row.value, row.run) for row in found] == sorted(by_hand)
    assert found.left_out == 2  # a profit, and a number of trades, that are no numbers


def test_a_condition_on_a_plain_metric_is_over_the_names_of_its_algo(store):
    assert short(top(store, "co2.profit", where="trades > 99")) == [(40.0, 5), (30.0, 4), (0.0, 8)]
    assert {row.algo for row in top(store, "profit", where="trades > 99")} == {"co2"}


def test_conditions_of_a_named_metric_and_of_a_question_both_hold(store):
    define_metric(store, "max profit min trades", "profit / trades", "1 <= trades or profit > 30")
    found = top(store, "max profit min trades", where="trades < 6 or trades > 150")
    assert short(found) == [(2.0, 1), (0.15, 4), (-5.0, 7)]
    define_metric(store, "least", "co2.profit", lowest=True)
    assert short(top(store, "least", n=1)) == [(-5.0, 7)]


def test_no_run_that_meets_a_condition_is_no_error(store):
    assert top(store, "co2.profit", where="trades > 1000000").rows == ()


def test_names_with_dots_spaces_and_quotes_are_exact_names(database):
    group = filled.add_group(database, {"speed": 1.0})
    names = {
        "a.b": {"c": 1.0},
        "a": {"b.c": 2.0, 'x "y"; DROP TABLE runs': 3.0},
        "": {"plain": 4.0},
    }
    filled.add_run(database, group, "it's; --", names)
    assert sorted((row.algo, row.value) for row in top(database, "a.b.c")) == [
        ("a", 2.0),
        ("a.b", 1.0),
    ]
    assert short(top(database, "b.c")) == [(2.0, 1)]
    assert short(top(database, 'a.x "y"; DROP TABLE runs')) == [(3.0, 1)]
    assert short(top(database, "plain")) == [(4.0, 1)]
    assert short(top(database, "plain + 1")) == [(5.0, 1)]
    assert short(top(database, "a.b.c + 1", dataset="it's; --", algo="a")) == [(3.0, 1)]


def test_a_metric_that_nobody_reported_is_answered_with_the_nearest(store):
    assert refusal(store, "co2.proft") == (
        "no run has reported 'co2.proft'; the nearest are 'co2.profit', 'ice.profit', 'profit'"
    )
    assert refusal(store, "profit / trade") == (
        "no run has reported 'trade'; the nearest are 'trades', 'co2.trades'"
    )
    assert refusal(store, "zzz") == (
        "no run has reported 'zzz'; there are the results 'co2.profit', 'co2.trades', "
        "'ice.profit', 'profit', 'trades'"
    )


def test_names_of_two_algos_in_one_expression_are_refused(store):
    assert refusal(store, "co2.trades / ice.profit") == (
        "no algo has reported all of this: 'co2.trades' in 'co2', 'ice.profit' in 'ice'; a metric "
        "is over the names of one algo"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"algo": "co3"}, "no run has reported the algo 'co3'; the nearest is 'co2'"),
        (
            {"dataset": "MSFT"},
            "there is no data set 'MSFT'; there are the data sets 'AMD', 'SPY', 'TSLA'",
        ),
        ({"dataset": "SPX"}, "there is no data set 'SPX'; the nearest is 'SPY'"),
        (
            {"family": "H"},
            "no run has the family 'H'; there are the families 'G1', 'G2', 'G3'",
        ),
        ({"n": 0}, "n is 0; ask for 1 row or more"),
        ({"per": "run"}, "per is 'run'; it may be 'dataset' or 'algo'"),
        (
            {"dataset": "TSLA", "family": "G1"},
            (
                "the only value of 'co2.profit' in the data set 'TSLA' in the family 'G1' is "
                "not a finite number"
            ),
        ),
        (
            {"where": "trades) or (trades"},
            "'trades) or (trades' is not an expression (unmatched ')'); ",
        ),
    ],
)
def test_a_question_that_cannot_be_answered_says_what_there_is(store, options, message):
    told = refusal(store, "co2.profit", **options)
    assert told == message or (message.endswith("; ") and told.startswith(message))


def test_a_store_without_results_says_so(database):
    assert refusal(database, "profit") == ("no run has reported 'profit': there are no results yet")
    with database.write() as connection:
        numbers_of(connection, datasets, [{"name": "SPY"}])
    group = filled.add_group(database, {"speed": 1.0})
    filled.add_run(database, group, "AMD", {"co2": {"profit": "nan", "trades": 1}})
    assert refusal(database, "co2.trades", dataset="SPY") == (
        "no run in the data set 'SPY' has reported 'co2.trades'"
    )
    filled.add_run(database, group, "AMD", {"co2": {"profit": "inf"}})
    assert refusal(database, "co2.profit") == (
        "each of 2 values of 'co2.profit' is not a finite number"
    )


def test_many_random_questions_equal_those_worked_out_in_python(database):
    random = Random(7)
    values = [-1.0, 0.0, 0.5, 2.0, "nan"]
    group = filled.add_group(database, {"speed": 1.0})
    rows = []
    for run in range(1, 61):
        dataset, a, b = random.choice("XYZ"), random.choice(values), random.choice(values)
        filled.add_run(database, group, dataset, {"m": {"a": a, "b": b}})
        rows.append((run, dataset, a, b))
    cases = itertools.product((1, 3, 100), (False, True), (None, "dataset"), ("", "b > 0"))
    for n, lowest, per, where in cases:
        for text in ("m.a", "a / b"):
            expected, left_out = by_hand(rows, text, n, lowest, per, where)
            found = top(database, text, n, where=where, lowest=lowest, per=per)
            assert short(found) == expected, (text, n, lowest, per, where)
            assert found.left_out == left_out, (text, n, lowest, per, where)


def by_hand(rows, text, n, lowest, per, where):
    scores, left_out = [], 0
    for run, dataset, a, b in rows:
        value = a if text == "m.a" else None if "nan" in (a, b) or b == 0 else a / b
        if where and b != "nan" and not b > 0:
            continue
        if value in (None, "nan") or (where and b == "nan"):
            left_out += 1
        else:
            scores.append((dataset if per else "", value if lowest else -value, run))
    scores.sort()
    count = {}
    kept = []
    for part, value, run in scores:
        count[part] = count.get(part, 0) + 1
        if count[part] <= n:
            kept.append((value if lowest else -value, run))
    return kept, left_out


def plan(database, statement):
    with database.read() as connection:
        return "\n".join(row[-1] for row in connection.exec_driver_sql(statement))


def test_a_plain_metric_is_answered_by_an_index(store):
    if store.address.schema:
        pytest.skip("a server may prefer to read small tables whole")
    statements = []

    @sa.event.listens_for(store._engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, parameters, _context, _many):
        if "measurements" in statement:
            statements.append((statement, parameters))

    top(store, "co2.profit", n=1)
    assert len(statements) == 4  # three data sets, and the values that are left out
    with store.read() as connection:
        for statement, parameters in statements[:4]:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            assert "INDEX measurements_best (metric=? AND dataset=? AND value" in str(rows.all())


def test_values_that_are_infinite_by_arithmetic_are_left_out(database):
    group = filled.add_group(database, {"speed": 1.0})
    filled.add_run(database, group, "SPY", {"m": {"a": 1e308}})
    filled.add_run(database, group, "SPY", {"m": {"a": 1.0}})
    if database.address.schema:
        with pytest.raises(StoreError, match="value out of range: overflow; a value of the "):
            top(database, "a * 10")
    else:
        found = top(database, "a * 10")
        assert (short(found), found.left_out) == ([(10.0, 2)], 1)


def test_sql_is_answered_with_columns_and_rows(store):
    columns, rows = run_sql(
        store, "-- the best\nSELECT run, value FROM results WHERE name = 'trades' ORDER BY run", 2
    )
    assert columns == ["run", "value"]
    assert rows == [(1, 5.0), (2, 0.0)]
    assert run_sql(store, "WITH a AS (SELECT 1 AS b) SELECT '100%' AS c, b FROM a", 9) == (
        ["c", "b"],
        [("100%", 1)],
    )
    named = "SELECT value FROM parameters WHERE name = 'steps_int' ORDER BY \"group\""
    assert run_sql(store, named, 9)[1] == [(10,), (11,), (20,)]


@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM measurements",
        "DROP TABLE runs",
        "COMMIT",
        "PRAGMA query_only=OFF",
        "",
        "/* SELECT */ UPDATE runs SET state = ''",
    ],
)
def test_sql_that_is_no_question_is_refused(store, text):
    with pytest.raises(StoreError) as caught:
        run_sql(store, text, 9)
    beginning = text.removeprefix("/* SELECT */ ")[:20]
    assert str(caught.value) == (
        f"the SQL begins with {beginning!r}; a question begins with SELECT, WITH, VALUES or EXPLAIN"
    )


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1; SELECT 2",
        "SELECT 1; COMMIT; DELETE FROM measurements",
        "WITH a AS (SELECT 1) INSERT INTO datasets(name) SELECT 'x'",
        "SELECT nothing FROM nowhere",
        "SELECT FROM WHERE",
    ],
)
def test_sql_that_would_change_something_is_refused_by_the_database(store, text):
    before = run_sql(store, "SELECT count(*) FROM measurements", 1)
    with pytest.raises(StoreError, match="the database refuses this SQL: "):
        run_sql(store, text, 9)
    assert run_sql(store, "SELECT count(*) FROM measurements", 1) == before
    with store.write() as connection:  # the connection still writes
        numbers_of(connection, datasets, [{"name": "new"}])
        assert connection.execute(sa.select(sa.func.count()).select_from(measurements)).scalar()


def test_rank_of_equal_values_is_that_of_their_runs(database):
    group = filled.add_group(database, {"speed": 1.0})
    for dataset in "BABA":
        filled.add_run(database, group, dataset, {"m": {"a": 1.0}})
    for text in ("m.a", "a + 0"):
        for lowest in (False, True):
            assert [row.run for row in top(database, text, lowest=lowest)] == [1, 2, 3, 4]
    assert not math.isnan(top(database, "m.a")[0].value)
