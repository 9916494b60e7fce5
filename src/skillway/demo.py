"""The whole way once, on this machine: from this repository to a laptop root that Claude Code loads (`make try`).

Every step is the product's own command or function; nothing is staged for show. The laptop is a folder, so the
person's own Claude Code, home and /etc stay as they are. Showing it alive with the real client is `demo_client`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skillway.build import build_repository
from skillway.checks import Finding, check_repository
from skillway.errors import FindingsError, SkillwayError
from skillway.organisation import Organisation, load_organisation
from skillway.release.key_making import make_keys
from skillway.release.publish import Request, publish
from skillway.release.roles import now_utc
from skillway.release.store import Store
from skillway_sync.layout import Layout, system_layout

WORK = ".skillway"
SYNC_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Places:
    """Where the demo puts things, all below the repository's `.skillway` unless a laptop root is named."""

    repository: Path
    laptop: Path

    @property
    def build(self) -> Path:
        """The built archives."""
        return self.repository / WORK / "build"

    @property
    def keys(self) -> Path:
        """The signing keys; local, made without ceremony."""
        return self.repository / WORK / "keys"

    @property
    def store(self) -> Path:
        """The published store, as a folder."""
        return self.repository / WORK / "store"

    @property
    def home(self) -> Path:
        """The home of the laptop's one user."""
        return self.laptop / "home" / "you"

    @property
    def layout(self) -> Layout:
        """The laptop's layout in system scope."""
        return system_layout(prefix=self.laptop, homes=(self.home,))


@dataclass
class Story:
    """What happened, step by step: told as it happens, and kept for `--json`."""

    tell: Callable[[str], None]
    steps: list[dict[str, Any]] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """Run one step; the list collects what was seen, one line each."""
        started = time.monotonic()
        seen: list[str] = []
        yield seen
        seconds = time.monotonic() - started
        self.steps.append({"step": title, "seen": seen, "seconds": round(seconds, 3)})
        self.tell(f"{len(self.steps)}. {title} ({seconds:.1f} s)")
        for line in seen:
            self.tell(f"   {line}")

    def skip(self, what: str) -> None:
        """Say what was not run, and why."""
        self.not_run.append(what)
        self.tell(f"   not run: {what}")


def run_demo(repository: Path, laptop: Path, tell: Callable[[str], None]) -> tuple[Places, Story]:
    """Check, build, sign, publish, sync and verify; the laptop root is then complete.

    Args:
        repository: A skillway repository.
        laptop: The laptop root; made when missing, brought up to date when there.
        tell: Gets each line for the person as it happens.

    Raises:
        FindingsError: The check found errors.
        SkillwayError: A step failed; the laptop is as it was before the step.
    """
    places = Places(repository, Path(os.path.abspath(laptop)))  # noqa: PTH100 - resolve() would follow links
    organisation = load_organisation(repository)
    story = Story(tell)
    _check(places, story)
    _build(places, organisation, story)
    _publish(places, organisation, story)
    _sync(places, story)
    _verify(places, story)
    return places, story


def _check(places: Places, story: Story) -> None:
    with story.step("Check: what would reach a laptop broken?") as seen:
        findings = check_repository(places.repository)
        errors = [finding for finding in findings if finding.severity == "error"]
        if errors:
            raise FindingsError(
                _first(errors), fix="Run skillway check; it shows each with its mend.", next_actions=("skillway check",)
            )
        seen.append(f"no errors, {len(findings)} warnings")


def _first(errors: list[Finding]) -> str:
    more = f" And {len(errors) - 1} more." if errors[1:] else ""
    return f"{errors[0].file}:{errors[0].line}: {errors[0].message}{more}"


def _build(places: Places, organisation: Organisation, story: Story) -> None:
    with story.step("Build: one archive per plugin, named by its content") as seen:
        build = build_repository(places.repository, organisation, places.build)
        seen += [f"{plugin.name:<16} {plugin.version}" for plugin in build.plugins.values()]


def _publish(places: Places, organisation: Organisation, story: Story) -> None:
    with story.step("Sign and publish: a store that any static web server can serve") as seen:
        made = make_keys(places.keys, organisation.rings, now=now_utc())
        outcome = publish(Store(places.store), places.keys, organisation, Request(places.build), now=now_utc())
        seen.append(f"keys: {len(made.created)} made, {len(made.kept)} kept, in {_short(places.keys)}")
        release = outcome.plan.release
        seen.append(f"release {release.seq} published" if release and outcome.plan.is_new else "nothing new to publish")
        seen.append(f"store: {_short(places.store)}")


def _sync(places: Places, story: Story) -> None:
    _configure(places)
    with story.step("Sync: onto the laptop root, as IT would on a laptop") as seen:
        done = _sync_command(places, "run")
        what = "put on disk" if done["changed"] else "is there already, nothing to change"
        seen.append(f"release {done['release']}, ring {done['ring']}, {len(done['plugins'])} plugins: {what}")


def _verify(places: Places, story: Story) -> None:
    with story.step("Verify by effect: every byte, and a deny that blocks") as seen:
        verified = _sync_command(places, "verify")
        seen.append(f"{verified['files']} files are what was signed")
        seen += [finding["what"] for finding in _sync_command(places, "doctor")["findings"] if _is_telling(finding)]


def _is_telling(finding: dict[str, str]) -> bool:
    return finding["level"] != "ok" or finding["what"].startswith("By effect")


def _configure(places: Places) -> None:
    """Put on the laptop what MDM would: its configuration and the initial root of trust."""
    config = places.layout.config_file
    config.parent.mkdir(parents=True, exist_ok=True)
    places.home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(places.keys / "root.json", config.parent / "root.json")
    content = {"store": places.store.as_uri(), "ring": "broad", "teams": ["*"], "developer_tools": True}
    config.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _sync_command(places: Places, *arguments: str) -> dict[str, Any]:
    return sync_command([*arguments, "--root", str(places.laptop), "--home", str(places.home)])


def sync_command(arguments: list[str]) -> dict[str, Any]:
    """Run skillway-sync as its own process, as a laptop does, and give the data of its JSON answer.

    Raises:
        SkillwayError: It did not exit with 0.
    """
    command = [sys.executable, "-m", "skillway_sync", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SYNC_SECONDS, check=False)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = {}
    if done.returncode:
        error = answer.get("error") or {}
        message = error.get("message") or done.stderr.strip()[-500:] or f"exit code {done.returncode}"
        raise SkillwayError(
            f"skillway-sync {arguments[0]} failed: {message}", fix=error.get("fix") or "Run it by hand to see more."
        )
    return dict(answer["data"])


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def summary(places: Places, story: Story) -> str:
    """Say in plain words what is installed where, and what to do next."""
    layout = places.layout
    rows = [
        ("the plugins, as Claude Code loads them", layout.root),
        ("the policy that IT would ship", layout.policy_file),
        ("the laptop's configuration", layout.config_file),
        ("the laptop's one user", places.home),
        ("the published store", places.store),
        ("the signing keys (private!)", places.keys),
    ]
    lines = ["", "What is installed where:"]
    lines += [f"  {what:<40} {_short(path)}" for what, path in rows]
    lines += ["", "Nothing outside these folders was changed. What to do next:"]
    lines += [f"  {what}" for what in _next_steps(places)]
    if story.not_run:
        lines += ["", *(f"not run: {what}" for what in story.not_run)]
    return "\n".join(lines)


def _next_steps(places: Places) -> list[str]:
    sync = f"skillway-sync {{}} --root {_short(places.laptop)}"
    return [
        "skillway try                     your own Claude Code with these plugins, for one run",
        "skillway new skill support/NAME  start a skill of your own",
        f"{sync.format('doctor'):<56}  what is and what should be, line by line",
        f"{sync.format('uninstall'):<56}  take it all off this laptop root again",
        "The commands are in .venv/bin. For IT: docs/guides/it.md. Make it yours: docs/guides/make-it-yours.md",
    ]
