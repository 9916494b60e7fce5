"""How is python-tuf's client imported without what this program does not use of it?

`tuf.ngclient` imports urllib3 for a fetcher of its own that is never used here: 35 of the 100 ms that a run with a
file:// store takes to start. So a stand-in takes that module's place while the client is imported. Where the
client is in memory already, or looks different one day, it is imported as it is.
"""

from __future__ import annotations

import contextlib
import sys
from types import ModuleType

_UNUSED = "tuf.ngclient.urllib3_fetcher"


def _import_client() -> None:
    if "tuf.ngclient" in sys.modules:
        return
    stand_in = ModuleType(_UNUSED)
    stand_in.__dict__["Urllib3Fetcher"] = type("Urllib3Fetcher", (), {})
    sys.modules[_UNUSED] = stand_in
    # Whatever goes wrong, the imports below are made again without the stand-in, and say so if they cannot be.
    with contextlib.suppress(Exception):
        import tuf.ngclient  # noqa: F401 - for its effect
    del sys.modules[_UNUSED]


_import_client()

from tuf.ngclient.config import UpdaterConfig  # noqa: E402 - after the stand-in
from tuf.ngclient.fetcher import FetcherInterface  # noqa: E402
from tuf.ngclient.updater import Updater  # noqa: E402

__all__ = ["FetcherInterface", "Updater", "UpdaterConfig"]
