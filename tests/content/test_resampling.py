"""The binomial generator against the exact distribution; it is our own because Python has one from 3.12 on only."""

import importlib.util
import math
import random
from collections import Counter
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "skills/swarm/automation-taxonomy/scripts/resampling.py"


@pytest.fixture
def resampling():
    spec = importlib.util.spec_from_file_location("resampling_of_automation_taxonomy", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _probability(trials, share, count):
    ways = math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
    return math.exp(ways + count * math.log(share) + (trials - count) * math.log(1 - share))


@pytest.mark.parametrize(("trials", "share"), [(5, 0.3), (40, 0.05), (40, 0.5), (60, 0.9), (300, 0.2), (2_000, 0.01)])
def test_draws_follow_the_exact_distribution(resampling, trials, share):
    """Chi-square over the values with at least 20 expected draws; the bound is about 5 standard deviations."""
    source, draws = random.Random(3), 20_000
    seen = Counter(resampling.draw_binomial(source, trials, share) for _ in range(draws))
    cells = [
        (seen[count], draws * _probability(trials, share, count))
        for count in range(trials + 1)
        if draws * _probability(trials, share, count) >= 20
    ]
    distance = sum((got - expected) ** 2 / expected for got, expected in cells)

    assert distance < len(cells) + 5 * math.sqrt(2 * len(cells))


@pytest.mark.parametrize(("trials", "share", "result"), [(0, 0.5, 0), (10, 0.0, 0), (10, 1.0, 10), (-1, 0.5, 0)])
def test_edges(resampling, trials, share, result):
    assert resampling.draw_binomial(random.Random(1), trials, share) == result


def test_multinomial_draws_add_up(resampling):
    source = random.Random(1)

    for weights in ([5], [1, 1, 1], [100_000, 1, 0, 7]):
        assert sum(resampling.draw_multinomial(source, sum(weights), weights)) == sum(weights)
