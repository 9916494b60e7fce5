"""Read a store again and again with python-tuf's client; every target of the ring's release, every time.

Arguments: URL of the store, root.json, cache folder, and the file whose coming ends the loop. Writes the first
release seen, then all. Any error ends it with a traceback, which the test shows.
"""

import json
import sys
from pathlib import Path

from tuf.ngclient import Updater


def read_release(url: str, root: bytes, cache: Path) -> int:
    """Fetch what a laptop of ring canary fetches; gives the release's number."""
    updater = Updater(str(cache), f"{url}/metadata/", str(cache), f"{url}/targets/", bootstrap=root)
    updater.refresh()

    def fetch(target: str) -> dict:
        entry = updater.get_targetinfo(target)
        if entry is None:
            raise LookupError(target)
        data = Path(updater.download_target(entry, str(cache / "target"))).read_bytes()
        return json.loads(data) if target.endswith(".json") else {}

    seq = fetch("rings/canary.json")["release"]
    for name, plugin in fetch(f"releases/{seq}.json")["plugins"].items():
        fetch(f"plugins/{name}/{plugin['digest']}.json")
        fetch(f"plugins/{name}/{plugin['digest']}.tgz")
    return seq


def main() -> None:
    """Loop until told to stop, then once more."""
    url, root, cache, stop = sys.argv[1], Path(sys.argv[2]).read_bytes(), Path(sys.argv[3]), Path(sys.argv[4])
    cache.mkdir()
    seen = [read_release(url, root, cache)]
    sys.stdout.write(json.dumps({"first": seen[0]}) + "\n")
    sys.stdout.flush()
    is_last = False
    while not is_last:
        is_last = stop.exists()
        seen.append(read_release(url, root, cache))
    sys.stdout.write(json.dumps({"seen": seen}) + "\n")


main()
