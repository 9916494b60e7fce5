"""What was ever answered, by content hash: the verdict store, which is also the ledger of every attempt.

`line` is the format, `journal` writes, `store` reads, `signing` says whose a line is.
"""

from __future__ import annotations

from skillway_evals.store.journal import Journal
from skillway_evals.store.line import Verdict, content_key
from skillway_evals.store.signing import Signer, TrustedKeys
from skillway_evals.store.store import VerdictStore

__all__ = ["Journal", "Signer", "TrustedKeys", "Verdict", "VerdictStore", "content_key"]
