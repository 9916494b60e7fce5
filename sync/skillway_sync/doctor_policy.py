"""Will Claude Code obey our policy file on this laptop, or is it unreadable, altered or overruled?

System scope only. Claude Code takes the first managed source that exists (its server, then MDM, then files), and
of the files a later one wins key by key. Nothing is written here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skillway_sync.diagnosis import Diagnosis, Facts, ok, problem, warning
from skillway_sync.errors import ConfigError
from skillway_sync.homes import as_owner, find_homes
from skillway_sync.policy import directory_source, encode_settings, merge_fragments, settings_root
from skillway_sync.privilege import closed_to_others
from skillway_sync.settings import MARKETPLACES, PLUGINS
from skillway_sync.user_file import read_user_file

_PLIST = "com.anthropic.claudecode.plist"
REMOTE_SETTINGS = Path(".claude", "remote-settings.json")


def check_policy(facts: Facts) -> Iterator[Diagnosis]:
    """Check our own policy file: there, whole, readable by every user, and what the release wants."""
    path = facts.layout.policy_file
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        yield problem(f"The policy file {path} is missing, so no plugin and no guard is in force.", facts.run)
        return
    except OSError as error:
        yield problem(f"The policy file {path} cannot be read ({error.strerror}).", facts.run)
        return
    closed = closed_to_others(path, below=facts.layout.prefix)
    if closed is not None:
        yield problem(
            f"Users cannot read the policy file {path}, because {closed} is closed to them; Claude Code ignores it in silence.",
            f"chmod {'0755' if closed.is_dir() else '0644'} '{closed}'",
        )
    wanted = facts.wanted()
    if wanted is None:
        return
    if data != encode_settings(wanted):
        yield problem(f"The policy file {path} is not what the applied release says.", facts.run)
    elif closed is None:
        yield ok(f"The policy file {path} is what the applied release says, and every user can read it.")


def check_other_policies(facts: Facts) -> Iterator[Diagnosis]:
    """Check whether other managed settings files are broken, or overrule ours."""
    sources: list[tuple[Path, dict[str, Any]]] = []
    for path in _policy_files(facts.layout.policy_dir):
        content = _read(path)
        if isinstance(content, str):
            yield warning(
                f"The managed settings {path} {content}, so Claude Code skips this file.", "Mend or remove this file."
            )
        else:
            sources.append((path, content))
    wanted = facts.wanted()
    if wanted is not None:
        yield from _overruled(facts, wanted, sources)


def _policy_files(folder: Path) -> list[Path]:
    """List the files in the order in which Claude Code reads them."""
    drop_ins = sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
    main = folder.parent / "managed-settings.json"
    return [path for path in (main, *drop_ins) if path.exists()]


def _read(path: Path) -> dict[str, Any] | str:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except (ValueError, RecursionError) as error:
        return f"are not JSON ({error})"
    return content if isinstance(content, dict) else "are not a JSON object"


def _overruled(facts: Facts, wanted: dict[str, Any], sources: list[tuple[Path, dict[str, Any]]]) -> Iterator[Diagnosis]:
    merged = merge_fragments([content for _, content in sources])
    ours = facts.layout.policy_file
    for section in (MARKETPLACES, PLUGINS, "env"):
        for key, value in wanted.get(section, {}).items():
            seen = merged.get(section)
            if ours.exists() and (not isinstance(seen, dict) or seen.get(key) != value):
                culprit = next(
                    (path for path, content in reversed(sources) if path != ours and section in content), ours
                )
                yield problem(
                    f"{section}.{key} of our policy is overruled by {culprit}.",
                    f"Take {section}.{key} out of {culprit}.",
                )
    if merged.get("disableAllHooks") is True:
        yield problem(
            f"{_who(sources, 'disableAllHooks')} sets disableAllHooks, so the guard does not run.",
            "Take disableAllHooks out of it.",
        )
    strict = merged.get("strictKnownMarketplaces")
    source = directory_source(settings_root(facts.layout))
    if isinstance(strict, list) and source not in strict:
        yield problem(
            f"{_who(sources, 'strictKnownMarketplaces')} does not list our catalogue in strictKnownMarketplaces, so its plugins do not load.",
            f"Add {json.dumps(source)} to the list.",
        )


def _who(sources: list[tuple[Path, dict[str, Any]]], key: str) -> str:
    return str(next((path for path, content in reversed(sources) if key in content), "A managed settings file"))


def check_stronger_sources(facts: Facts) -> Iterator[Diagnosis]:
    """Check for sources before which Claude Code ignores policy files altogether: its server's settings, and MDM's."""
    fix = "Put our keys (`skillway-sync doctor --json` names the policy file) into that source; files are ignored beside it."
    for path in _plists(facts):
        yield problem(f"{path} is a managed source that Claude Code takes in place of policy files.", fix)
    for home in find_homes(facts.layout):
        try:
            remote = as_owner(home, lambda home=home: bool(read_user_file(home.path / REMOTE_SETTINGS).content))  # type: ignore[misc]
        except (ConfigError, OSError):
            continue
        if remote:
            yield problem(
                f"{home.path / REMOTE_SETTINGS} holds settings of Claude Code's server, which are taken in place of policy files (#53662).",
                fix,
            )


def _plists(facts: Facts) -> list[Path]:
    if sys.platform != "darwin":
        return []
    folder = (facts.layout.prefix or Path("/")) / "Library" / "Managed Preferences"
    return [path for path in (folder / _PLIST, *sorted(folder.glob(f"*/{_PLIST}"))) if path.exists()]
