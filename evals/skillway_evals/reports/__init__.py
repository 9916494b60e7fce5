"""How is a result shown? `data` as JSON values, `html` for people, `junit` and `sarif` for build servers."""

from __future__ import annotations
