"""Does skillway work in the real client on this laptop?

One session against a scripted API: the model uses a skill, tries `gh pr create` and runs a harmless command. What
the client then reports, what the model was told and what lies in the spool is the proof; nothing is assumed from
files. `skillway-sync doctor --client` and `make try` show it. Differences on disk are `doctor`'s own question.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillway_sync.catalogue import catalogue_digests
from skillway_sync.client import DEFAULT_TIMEOUT, ClientError, ClientRun, ClientStart, run_client
from skillway_sync.layout import SYSTEM
from skillway_sync.policy import directory_source, settings_root
from skillway_sync.policy_overlay import can_overlay
from skillway_sync.scripted_api import Call, Say, ScriptedApi, ToolResult, Turn
from skillway_sync.settings import Owned, merge_parts, recognise_ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skillway_sync.layout import Layout

REFUSED_COMMAND = "gh pr create --fill"
HARMLESS_COMMAND = "echo skillway-lets-this-run"
_HARMLESS_OUTPUT = "skillway-lets-this-run"
_SKILL_USED = "skillway.skill.used"


@dataclass(frozen=True, slots=True)
class ClientProof:
    """What one session of the real client showed.

    Attributes:
        version: The version that the client says it has.
        plugins: From plugin name to the folder that the client listed it from, our catalogue's only.
        skills: The skills of these plugins that the session had, as `<plugin>:<skill>`.
        skill: The skill that the model used.
        refused: Whether `gh pr create` was refused with the guard's own words.
        refusal: These words, as the model read them; '' when there were none.
        harmless_ran: Whether the harmless command ran.
        event_recorded: Whether the use of the skill is in the spool, once.
        delivery: How the client got the settings, in words for people.
        detail: One sentence for each thing that is not as it should be; empty when all is well.
    """

    version: str
    plugins: dict[str, str]
    skills: tuple[str, ...]
    skill: str
    refused: bool
    refusal: str
    harmless_ran: bool
    event_recorded: bool
    delivery: str
    detail: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether everything was as it should be."""
        return not self.detail


@dataclass(frozen=True, slots=True)
class _Delivery:
    """How the settings reach the client."""

    label: str
    policy_dir: Path | None = None
    settings: Path | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the session left to judge: `told` follows the script's calls; `recorded` counts the uses of `used`."""

    run: ClientRun
    told: list[ToolResult]
    wanted: tuple[str, ...]
    used: str
    recorded: int

    @property
    def harmless_ran(self) -> bool:
        return any(not result.is_error and _HARMLESS_OUTPUT in result.text for result in self.told[2:])

    def words(self, call: int) -> str:
        """Quote what the model was told about a call."""
        return repr(self.told[call].text[:200]) if len(self.told) > call else "nothing, the session had ended"


def prove_with_client(
    client: Path,
    layout: Layout,
    *,
    home: Path | None = None,
    skill: str | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> ClientProof:
    """Start the client once on an installed laptop and see what works.

    Args:
        client: The client's program.
        layout: The laptop.
        home: A HOME of the proof's own, in which sync has done its per-user part. Without one a fresh HOME is
            used, with what Claude Code knows of us in the first of the layout's homes; nobody's home is written to.
        skill: The skill to use, `<plugin>:<skill>`; by default one of the catalogue.
        timeout: Seconds for the whole session.

    Raises:
        ClientError: The client could not be started or did not end, or the laptop has nothing to prove.
    """
    delivery = _delivery(layout)
    on_disk = _skills_on_disk(layout)
    used = skill or _skill_to_use(on_disk, layout)
    with tempfile.TemporaryDirectory(prefix="skillway-proof-", ignore_cleanup_errors=True) as folder:
        if home is None:
            home = Path(folder) / "home"
            _prepare_home(home, layout)
        cwd = Path(folder) / "project"
        cwd.mkdir()
        before = _uses(home, used)
        run, told = _run_session(client, delivery, home, cwd, used, timeout)
        wanted = tuple(keys["skill"] for keys in on_disk)
        return _proof(layout, delivery, _Seen(run, told, wanted, used, _uses(home, used) - before))


def _run_session(
    client: Path, delivery: _Delivery, home: Path, cwd: Path, skill: str, timeout: float
) -> tuple[ClientRun, list[ToolResult]]:
    turns: list[Turn] = [
        Call("Skill", {"skill": skill}),
        Call("Bash", {"command": REFUSED_COMMAND, "description": "Create the pull request"}),
        Call("Bash", {"command": HARMLESS_COMMAND, "description": "Say something"}),
        Say("That is all."),
    ]
    with ScriptedApi(turns) as api:
        start = ClientStart(
            client,
            home,
            cwd,
            api.url,
            # allowed beforehand, so that only a hook can refuse it
            arguments=("--allowedTools", "Skill,Bash"),
            # the proof looks for its event in the spool, where a flusher would take it away
            environment={"SKILLWAY_FLUSH": "0"},
            settings=delivery.settings,
            policy_dir=delivery.policy_dir,
        )
        return run_client(start, "Show that skillway works.", timeout=timeout), api.tool_results()


def _delivery(layout: Layout) -> _Delivery:
    if layout.scope != SYSTEM:
        return _Delivery("the user's own settings")
    if layout.image:
        raise ClientError(
            f"The laptop root {layout.prefix} is an image, whose files name paths that exist only once it is installed.",
            fix="Sync without --image to try it here, or start the proof inside the image.",
        )
    if layout.prefix is None:
        return _Delivery("this machine's managed settings")
    reason = can_overlay()
    if reason is None:
        return _Delivery("managed settings, laid over /etc for this client alone", policy_dir=layout.policy_dir.parent)
    return _Delivery(f"the policy file as --settings, not as managed settings: {reason}", settings=layout.policy_file)


def _digests(layout: Layout) -> dict[str, str]:
    try:
        return catalogue_digests(layout.catalogue_file.read_bytes())
    except (OSError, ValueError) as error:
        raise ClientError(
            f"The catalogue {layout.catalogue_file} cannot be used ({error}).", fix="Run skillway-sync run first."
        ) from error


def _skills_on_disk(layout: Layout) -> tuple[dict[str, str], ...]:
    """List the frontmatter of the skills that a session should list, with the key `skill` for `<plugin>:<skill>`.

    2.1.197 and 2.1.329 list a skill that has a description and that a user may type.
    """
    found = (
        {**_frontmatter(path), "skill": f"{plugin}:{path.parent.name}"}
        for plugin, digest in sorted(_digests(layout).items())
        for path in sorted((layout.store / plugin / digest / "skills").glob("*/SKILL.md"))
    )
    return tuple(keys for keys in found if keys.get("description") and keys.get("user-invocable") != "false")


def _frontmatter(path: Path) -> dict[str, str]:
    """Read the frontmatter's single lines, which is all that is asked of it here; empty when there is none."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # a session without the skill is then what the proof shows
        return {}
    pairs = (line.partition(":") for line in text.split("\n---", 1)[0].splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _skill_to_use(skills: tuple[dict[str, str], ...], layout: Layout) -> str:
    for keys in skills:
        if keys.get("disable-model-invocation") != "true":
            return keys["skill"]
    raise ClientError(
        f"No plugin that the catalogue {layout.catalogue_file} names has a skill that the model may use.",
        fix="Run skillway-sync verify.",
    )


def _prepare_home(home: Path, layout: Layout) -> None:
    """Make a HOME that holds what the first user's holds of ours, and nothing else."""
    plugins = home / ".claude" / "plugins"
    plugins.mkdir(parents=True)
    catalogue = str(_read_json(layout.catalogue_file).get("name"))
    root = settings_root(layout)
    known: Any = {"source": directory_source(root), "installLocation": root, "lastUpdated": "2026-01-01T00:00:00.000Z"}
    if layout.homes:
        theirs = layout.homes[0] / ".claude"
        known = _read_json(theirs / "plugins" / "known_marketplaces.json").get(catalogue)
        ours = recognise_ours(_read_json(theirs / "settings.json"), root=root, catalogue=catalogue)
        settings, _, _ = merge_parts({}, ours.parts, Owned(), where=str(theirs / "settings.json"))
        (home / ".claude" / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    if known is not None:
        (plugins / "known_marketplaces.json").write_text(json.dumps({catalogue: known}), encoding="utf-8")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _proof(layout: Layout, delivery: _Delivery, seen: _Seen) -> ClientProof:
    digests = _digests(layout)
    plugins = {name: path for name, path in seen.run.plugins.items() if name in digests}
    skills = tuple(skill for skill in seen.run.skills if skill.partition(":")[0] in digests)
    refusal = _refusal(seen.run, seen.told[1]) if len(seen.told) > 1 else ""
    lost_skills = (
        f"The skill {skill} is installed and the session does not have it."
        for skill in seen.wanted
        if skill not in skills
    )
    return ClientProof(
        version=seen.run.version,
        plugins=plugins,
        skills=skills,
        skill=seen.used,
        refused=bool(refusal),
        refusal=refusal,
        harmless_ran=seen.harmless_ran,
        event_recorded=seen.recorded == 1,
        delivery=delivery.label,
        detail=(*_lost_plugins(layout, digests, plugins), *lost_skills, *_faults(seen, refusal)),
    )


def _faults(seen: _Seen, refusal: str) -> Iterator[str]:
    if not seen.told or seen.told[0].is_error:
        yield f"The model could not use {seen.used}; it was told {seen.words(0)}."
    if not refusal:
        yield f"{REFUSED_COMMAND} was not refused by the guard; the model was told {seen.words(1)}."
    if not seen.harmless_ran:
        yield f"The harmless command did not run; the model was told {seen.words(2)}."
    if seen.recorded != 1:
        yield f"The use of {seen.used} was recorded {seen.recorded} times, not once."
    if seen.run.returncode != 0:
        yield f"The client ended with exit code {seen.run.returncode}: {seen.run.stderr.strip()[-200:]}"


def _lost_plugins(layout: Layout, digests: dict[str, str], plugins: dict[str, str]) -> Iterator[str]:
    for name, digest in sorted(digests.items()):
        folder = layout.store / name / digest
        if name not in plugins:
            yield f"The plugin {name} is in the catalogue and the client does not list it."
        elif Path(plugins[name]).resolve() != folder.resolve():
            yield f"The client loads the plugin {name} from {plugins[name]}, not from {folder}."


def _refusal(run: ClientRun, result: ToolResult | None) -> str:
    """Give the reason that a hook denied with, when it is also what the model was told; else ''.

    The result alone does not tell a guard's refusal from the client's own, nor from a `gh` that is not installed.
    """
    if result is None or not result.is_error:
        return ""
    for event in run.hook_events:
        if event.get("subtype") == "hook_response" and event.get("hook_event") == "PreToolUse":
            reason = _denied_reason(str(event.get("stdout", "")))
            if reason and reason in result.text:
                return reason
    return ""


def _denied_reason(stdout: str) -> str:
    try:
        decision = json.loads(stdout)["hookSpecificOutput"]
        return str(decision["permissionDecisionReason"]) if decision["permissionDecision"] == "deny" else ""
    except (ValueError, KeyError, TypeError):
        return ""


def _uses(home: Path, skill: str) -> int:
    """Count the records that say that the skill was used."""
    attributes = (record.get("attributes") for record in spool_records(home) if record.get("name") == _SKILL_USED)
    return sum(isinstance(values, dict) and values.get("skill.name") == skill for values in attributes)


def spool_records(home: Path) -> list[dict[str, Any]]:
    """Read the records in the spool of a HOME whose environment sets no XDG variable; torn lines are left out."""
    places = {"darwin": "Library/Application Support/skillway-state", "win32": "AppData/Local/skillway-state"}
    spool = home / places.get(sys.platform, ".local/state/skillway") / "spool"
    records: list[dict[str, Any]] = []
    for path in sorted(spool.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                records.append(record)
    return records
