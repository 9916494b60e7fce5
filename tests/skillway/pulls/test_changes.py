"""Planted changes are found on their date, and series without one give no more alarms than promised."""

from datetime import date, timedelta

import numpy as np

from skillway.pulls.changes import find_changes
from skillway.pulls.interruption import look_at
from skillway.pulls.observations import Observation, make_series

START = date(2025, 1, 6)
ALPHA = 0.05


def steady(_week):
    return 0.0


def series(seed, shift=steady, weeks=60, per_week=6, authors=15):
    """Authors come and go and differ from one another, as in a real team; a change of people is no change of level."""
    draws = np.random.default_rng(seed)
    level = draws.normal(0, 0.15, authors)
    begin = draws.integers(0, weeks, authors) - weeks // 2
    stay = draws.integers(20, 120, authors)
    made = []
    for week in range(weeks):
        there = [one for one in range(authors) if begin[one] <= week < begin[one] + stay[one]] or [0]
        for _ in range(draws.poisson(per_week)):
            author = int(draws.choice(there))
            value = float(np.clip(0.5 + level[author] + shift(week) + draws.normal(0, 0.2), 0, 1))
            made.append(
                Observation(START + timedelta(days=int(7 * week + draws.integers(0, 7))), str(author), value, 0.5)
            )
    return make_series(made)


def weeks_of(changes):
    return [(change.monday - START).days // 7 for change in changes]


def test_stationary_series_give_no_more_alarms_than_promised():
    alarms = sum(bool(find_changes(series(seed), alpha=ALPHA)) for seed in range(200))
    assert alarms / 200 <= ALPHA


def test_a_planted_drop_and_recovery_are_found_on_their_dates():
    found = [
        weeks_of(find_changes(series(1000 + seed, lambda week: -0.25 if 20 <= week < 40 else 0.0)))
        for seed in range(20)
    ]
    right = sum(any(abs(week - 20) <= 2 for week in one) and any(abs(week - 40) <= 2 for week in one) for one in found)
    assert right >= 19


def test_a_rise_is_told_with_its_levels():
    (change,) = find_changes(series(3, lambda week: 0.25 if week >= 30 else 0.0))
    assert abs((change.monday - START).days // 7 - 30) <= 2
    assert change.after > change.before + 0.1
    assert change.p <= ALPHA


def test_shuffling_the_weeks_takes_a_change_away():
    held = series(4, lambda week: -0.25 if week >= 30 else 0.0)
    draws = np.random.default_rng(0)
    found = 0
    for _ in range(20):
        order = draws.permutation(held.weeks)
        week = order[held.week]
        days = [START + timedelta(days=int(7 * one)) for one in week]
        mixed = [Observation(day, str(a), float(v)) for day, a, v in zip(days, held.author, held.value, strict=True)]
        found += bool(find_changes(make_series(mixed)))
    assert found <= 3


def test_one_loud_author_is_not_a_change():
    made = [Observation(START + timedelta(days=7 * week), f"a{week % 6}", 0.5) for week in range(40)]
    made += [Observation(START + timedelta(days=7 * week), "loud", 0.1) for week in range(20, 24) for _ in range(9)]
    assert find_changes(make_series(made)) == []


def test_too_little_says_nothing():
    assert find_changes(make_series([Observation(START, "a", 0.5)])) == []


def test_a_jump_at_a_date_is_estimated_with_its_interval():
    found = look_at(series(5, lambda week: 0.2 if week >= 30 else 0.0), START + timedelta(days=7 * 30))
    assert found.level.low <= 0.2 <= found.level.high
    assert found.level.p < 0.05


def test_a_date_outside_of_the_series_has_no_number():
    found = look_at(series(5), START - timedelta(days=30))
    assert found.level is None
    assert "20 are needed" in found.remark
