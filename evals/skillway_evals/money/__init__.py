"""What does it cost, and who stops it? `prices` knows list prices, `budget` holds the cap."""

from __future__ import annotations

from skillway_evals.money.budget import Budget, CapReachedError, Reservation
from skillway_evals.money.prices import Price, PriceList, UnknownPriceError, load_prices

__all__ = ["Budget", "CapReachedError", "Price", "PriceList", "Reservation", "UnknownPriceError", "load_prices"]
