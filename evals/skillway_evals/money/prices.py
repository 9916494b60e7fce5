"""What does a token of this model cost?

The figures are a dated file in the package, because prices change and a report has to say which ones it used.
What may be spent: `budget`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from skillway.errors import EXIT_UNDECIDED, SkillwayError
from skillway_evals.outcome import Usage

PRICES_FILE = Path(__file__).with_name("prices.yaml")
_MILLION = 1_000_000
_CACHE_READ, _CACHE_WRITE = 0.1, 1.25
_SNAPSHOT = re.compile(r"-\d{8}$")
"""A model's dated name costs what the plain one costs."""


class UnknownPriceError(SkillwayError):
    """Whoever runs the evals must act: a cap cannot be kept for a model without a price."""

    code = "unknown_price"
    exit_code = EXIT_UNDECIDED


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens."""

    input: float
    output: float

    def cost(self, usage: Usage) -> float:
        """Give the USD of a usage."""
        fresh = usage.input_tokens + _CACHE_READ * usage.cache_read_tokens + _CACHE_WRITE * usage.cache_write_tokens
        return (fresh * self.input + usage.output_tokens * self.output) / _MILLION


@dataclass(frozen=True, slots=True)
class PriceList:
    """All prices of a day.

    Attributes:
        date: ISO date of the figures.
        models: From model name to price.
        batch_factor: What a message in a batch costs of its price.
    """

    date: str
    models: Mapping[str, Price]
    batch_factor: float = 0.5

    def find(self, model: str) -> Price | None:
        """Give the price of a model, by its plain or its dated name, or None."""
        return self.models.get(model) or self.models.get(_SNAPSHOT.sub("", model))

    def need(self, model: str) -> Price:
        """Give the price of a model.

        Raises:
            UnknownPriceError: The list has none.
        """
        price = self.find(model)
        if price is None:
            raise UnknownPriceError(
                f"The price list of {self.date} has no model {model!r}, so no cap can be kept.",
                fix=f"Use one of {', '.join(sorted(self.models))}, add its price to a file given with --prices, "
                "or run with --no-cap.",
            )
        return price

    def priced(self, model: str, usage: Usage, *, batch: bool = False) -> Usage:
        """Give the usage with its cost, or with None when the model has no price."""
        price = self.find(model)
        if price is None:
            return replace(usage, cost_usd=None)
        return replace(usage, cost_usd=price.cost(usage) * (self.batch_factor if batch else 1.0))


def load_prices(path: Path = PRICES_FILE) -> PriceList:
    """Read a price file.

    Raises:
        SkillwayError: It is not one; says what is wrong.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        models = {str(name): Price(_amount(p["input"]), _amount(p["output"])) for name, p in content["models"].items()}
        return PriceList(str(content["date"]), models, _amount(content.get("batch_factor", 0.5)))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SkillwayError(
            f"The price file {path} cannot be used ({type(error).__name__}: {error}).",
            fix="Give date and models: {NAME: {input: USD, output: USD}} per million tokens, none negative.",
        ) from error


def _amount(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MILLION:
        raise ValueError(f"{value!r} is no amount of USD")
    return float(value)
