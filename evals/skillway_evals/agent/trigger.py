"""Was the skill loaded?

Looks at the whole transcript: another tool first, another skill first, several calls at once, a subagent's call and
a second half after a resume are all ordinary. Detectors that stop at the first tool call, or take a timeout for a
`no`, measure themselves (anthropics/skills#556, #1427). What the events say: `transcript`.
"""

from __future__ import annotations

from dataclasses import dataclass

from skillway_evals.agent.transcript import ToolCall, Transcript

SKILL_TOOL = "Skill"


@dataclass(frozen=True, slots=True)
class Detection:
    """Whether a skill was loaded.

    Attributes:
        fired: True, False, or None when the transcript is no vote.
        reason: A sentence for people.
        others: Other skills that were loaded, in order, each once.
        call: Number of the tool call that loaded it, from 1 over all tools; 0 when none did.
    """

    fired: bool | None
    reason: str
    others: tuple[str, ...] = ()
    call: int = 0


def detect_trigger(transcript: Transcript, skill: str) -> Detection:
    """Tell whether a skill was loaded.

    Args:
        transcript: All events of the session.
        skill: `plugin:skill`.
    """
    calls = transcript.calls()
    loaded = [(number, loaded_skill(call, transcript.offered)) for number, call in enumerate(calls, 1)]
    others = tuple(dict.fromkeys(name for _, name in loaded if name is not None and name != skill))
    if skill not in transcript.offered and transcript.init:
        return Detection(None, f"no vote: the session did not offer {skill}", others)
    if transcript.fault:
        return Detection(None, f"no vote: {transcript.fault}", others)
    number = next((number for number, name in loaded if name == skill), 0)
    if number:
        where = "in a subagent" if calls[number - 1].parent else "in the conversation"
        return Detection(True, f"loaded {where}, by tool call {number} of {len(calls)}", others, number)
    instead = f"; loaded {', '.join(others)} instead" if others else ""
    limit = ", which ended at its turn limit" if transcript.reached_turn_limit else ""
    return Detection(False, f"not loaded in a session of {len(calls)} tool calls{limit}{instead}", others)


def loaded_skill(call: ToolCall, offered: tuple[str, ...]) -> str | None:
    """Name the skill that a call loaded, in full, or None: an unknown or refused skill was not loaded.

    The client's own account of the result wins over what the model wrote. A bare name means the one offered skill
    that ends in it; when two do, or none, it is only itself.
    """
    if call.name != SKILL_TOOL or call.is_error:
        return None
    details = call.details or {}
    if details.get("success") is False:
        return None
    written = details.get("commandName") or call.input.get("skill") or call.input.get("command")
    if not isinstance(written, str):
        return None
    name = written.strip().removeprefix("/").partition(" ")[0]
    if name in offered or ":" in name:
        return name
    full = [skill for skill in offered if skill.endswith(f":{name}")]
    return full[0] if len(full) == 1 else name
