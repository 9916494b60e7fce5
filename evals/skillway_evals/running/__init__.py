"""How does a suite become a result? discover, `plan`, `execute`; `judging`, `cases` and `triggers` do the slots."""

from __future__ import annotations
