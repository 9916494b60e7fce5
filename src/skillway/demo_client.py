"""The laptop root shown alive: the real Claude Code client once, or without npm a recorded payload through the hooks.

The client is the pinned one, which npm installs into `.skillway/client`; a client on PATH is never started.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from skillway.content import content_path
from skillway.demo import WORK, Places, Story, sync_command
from skillway_sync.client import ClientError
from skillway_sync.client_proof import ClientProof, prove_with_client, spool_records
from skillway_sync.effect import prove_guard
from skillway_sync.installed_client import PACKAGE, find_client
from skillway_sync.layout import Layout, user_layout
from skillway_sync.policy_overlay import can_overlay

NPM_SECONDS = 600
HOOK_SECONDS = 20
TYPED_SKILL = "base-plugin:skillway-help"


def show_alive(places: Places, story: Story) -> ClientProof | None:
    """Show plugins loaded, a pull request refused and the usage event recorded, by the best means there is.

    Raises:
        SkillwayError: User scope, where it is the means, could not be synced.
    """
    client = install_client(places.repository / WORK / "client", story)
    if client is None:
        show_without_client(places, story)
        return None
    return _show_with_client(client, places, story)


def pinned_version() -> str:
    """Give the version of the client that the tests pin; the demo takes the same."""
    content = json.loads(content_path("client/package.json").read_text(encoding="utf-8"))
    return str(content["dependencies"][PACKAGE])


def install_client(folder: Path, story: Story) -> Path | None:
    """Install the pinned client with npm into a folder of the project's own; None with the reason told.

    Args:
        folder: The npm prefix; what is there already in the right version is kept.
        story: Where the reason goes.
    """
    version = pinned_version()
    installed = _installed(folder, version)
    if installed is not None:
        return installed
    npm = shutil.which("npm")
    if npm is None:
        story.skip("the real client: no npm on this machine")
        return None
    story.tell(f"   installing Claude Code {version} with npm into {WORK}/client, once (about 240 MB) ...")
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(folder), "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    command += ["--ignore-scripts", "--loglevel=error", f"{PACKAGE}@{version}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=NPM_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        story.skip(f"the real client: npm did not finish within {NPM_SECONDS} s")
        return None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        story.skip(f"the real client: npm could not install it ({lines[0]})")
        return None
    installed = _installed(folder, version)
    if installed is None:
        story.skip("the real client: npm has none for this machine")
    return installed


def _installed(folder: Path, version: str) -> Path | None:
    package = folder / "node_modules" / PACKAGE / "package.json"
    try:
        is_right = json.loads(package.read_text(encoding="utf-8"))["version"] == version
    except (OSError, ValueError, KeyError):
        return None
    return find_client(folder) if is_right else None


def _show_with_client(client: Path, places: Places, story: Story) -> ClientProof:
    with story.step("Alive: the real Claude Code, one session against a scripted API") as seen:
        reason = can_overlay()
        layout, home = (places.layout, places.home) if reason is None else _user_scope(places)
        proof = prove_with_client(client, layout, home=home)
        seen.append(f"client {proof.version}; settings by {proof.delivery}")
        if reason is not None:
            seen.append(f"user scope, not system scope: {reason}")
        seen.append(f"plugins loaded: {', '.join(sorted(proof.plugins))}")
        seen.append(f"skills offered: {', '.join(proof.skills)}")
        if proof.refused:
            seen.append("gh pr create --fill was refused, in these words:")
            seen += [f"  | {line}" for line in proof.refusal.splitlines()]
        if proof.event_recorded:
            seen.append(f"usage event recorded: skillway.skill.used, skill.name = {proof.skill}")
        seen += [f"NOT as it should be: {line}" for line in proof.detail]
    if not proof.ok:
        raise ClientError(
            f"The client shows that the laptop is not right: {proof.detail[0]}", fix="See the lines above."
        )
    return proof


def _user_scope(places: Places) -> tuple[Layout, Path]:
    """Sync a home of the demo's own in user scope, for machines where no policy can be laid over /etc."""
    home = places.repository / WORK / "user-scope-home"
    home.mkdir(parents=True, exist_ok=True)
    config = places.layout.config_file
    sync_command(["run", "--user", "--home", str(home), "--config", str(config)])
    return user_layout(home=home, config_file=config, environment={}), home


def show_without_client(places: Places, story: Story) -> None:
    """Show the refusal and the event with recorded payloads through the installed hooks.

    Raises:
        ClientError: The installed hooks do not do what they should.
    """
    with story.step("Alive without a client: recorded payloads through the installed hooks") as seen:
        proof = prove_guard(places.layout)
        if not proof.denies:
            raise ClientError(f"The installed guard does not deny: {proof.detail}", fix="Run skillway-sync doctor.")
        seen.append("gh pr create --fill was refused by the installed guard")
        record = _record_typed_skill(places)
        seen.append(f"usage event recorded: {record}")
        seen.append("not shown, because no client ran: that Claude Code loads the plugins")


def _record_typed_skill(places: Places) -> str:
    """Send the payload of a typed skill through the launcher and give the record that it left."""
    payload = {
        "session_id": "00000000-0000-4000-8000-000000000000",
        "hook_event_name": "UserPromptExpansion",
        "expansion_type": "slash_command",
        "command_name": TYPED_SKILL,
        "command_source": "plugin",
        "command_args": "",
        "prompt": f"/{TYPED_SKILL}",
        "cwd": str(places.repository),
    }
    environment = {"HOME": str(places.home), "PATH": "/usr/bin:/bin"}
    subprocess.run(
        ["/bin/sh", str(places.layout.launcher), "usage"],
        input=json.dumps(payload),
        env=environment,
        capture_output=True,
        text=True,
        timeout=HOOK_SECONDS,
        check=False,
    )
    records = [record for record in spool_records(places.home) if record.get("name") == "skillway.skill.used"]
    if not records:
        raise ClientError("The installed usage hook left no record in the spool.", fix="Run skillway-sync doctor.")
    return json.dumps(records[-1], sort_keys=True)
