"""How is a result shown? `data` as JSON values, `html` for people, `servers` for build servers."""

from __future__ import annotations
