"""What does the real Claude Code do with a skill?

`arms` lays out what is loaded, `session` runs the client, `transcript` reads what it reported, `trigger` says
whether the skill was loaded.
"""

from __future__ import annotations

from skillway_evals.agent.transcript import ToolCall, Transcript
from skillway_evals.agent.trigger import Detection, detect_trigger

__all__ = ["Detection", "ToolCall", "Transcript", "detect_trigger"]
