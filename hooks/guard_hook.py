"""What does the guard answer to one PreToolUse payload?

Reads, judges within a deadline of its own, writes, records. Whatever goes wrong here lets the call through: a guard
that breaks must not lock a company out of its tools, and Claude Code would let the call through after a crash
anyway, with an error on everybody's screen. What was let through that way is counted in the spool.
"""

import gc
import posix
from time import monotonic

from payload import environment, read_object, read_stdin, string, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_decision import Stop
    from guard_rules import Judge

DEADLINE_S = 0.2
"""Seconds for judging, half of them for reading a command that long; the settings' timeout is 5 s, and after that the
call would run as well."""

_EXIT_DENY = 2
_TOOLS = frozenset(["Bash", "PowerShell", "Write", "Edit", "MultiEdit", "NotebookEdit", "Read", "Grep"])
_SIGNAL_ALARM = 14
_TIMER_REAL = 0


class _DeadlineError(Exception):
    """Time is up."""


def main() -> None:
    """Answer the payload on stdin and end the process: 2 with a deny, else 0."""
    gc.disable()  # a process that lives for milliseconds has nothing to collect; a long command would pay for it
    try:
        code = _answer(read_object(read_stdin()))
    except Exception:
        code = 0
    # Not sys.exit: taking the interpreter down in order costs a millisecond, and nothing here is buffered.
    posix._exit(code)  # noqa: SLF001 - the documented os._exit, without the import of os


def _answer(payload: "dict[str, object]") -> int:
    tool = string(payload, "tool_name")
    tool_input = payload.get("tool_input")
    if payload.get("hook_event_name") != "PreToolUse" or not isinstance(tool_input, dict):
        return 0
    if tool not in _TOOLS and not tool.startswith("mcp__"):
        return 0
    started = monotonic()
    judge, fault = _judge(tool, tool_input, _folder(payload))
    stop = judge.stop
    if stop is not None:
        message = stop.message(judge.policy.contact)
        write_all(1, stop.document(message))
        if stop.decision == "deny":
            write_all(2, message + "\n")
    milliseconds = (monotonic() - started) * 1000
    _keep(judge, tool)
    if stop is not None or fault:
        _record(payload, stop, milliseconds, fault)
    return _EXIT_DENY if stop is not None and stop.decision == "deny" else 0


def _folder(payload: "dict[str, object]") -> str:
    cwd = string(payload, "cwd")
    return cwd if cwd.startswith("/") else "/"


def _judge(tool: str, tool_input: "dict[str, object]", cwd: str) -> "tuple[Judge, str]":
    """Judge within the deadline; give the judge with its stop, and the name of what went wrong or ""."""
    from guard_rules import Judge

    hooks = __file__.rpartition("/")[0]
    judge = Judge(cwd, environment("HOME").rstrip("/") or "/var/empty", hooks)
    fault = ""
    try:
        _start_timer(judge)
        judge.judge(tool, tool_input)
        _stop_timer()
        if judge.analysis is not None and judge.analysis.is_cut:
            fault = _DeadlineError.__name__
    except Exception as error:
        # A deny that was found before stands: more text after it cannot have made the command harmless.
        fault = type(error).__name__
        _stop_timer()
    return judge, fault


def _start_timer(judge: "Judge") -> None:
    """Arrange for _DeadlineError: at half time when the command is still being read, else at the deadline."""
    try:
        from _signal import setitimer, signal  # type: ignore[import-not-found]  # not in typeshed
    except ImportError:
        return
    alarms: "list[int]" = []

    def on_alarm(_number: int, _frame: object) -> None:
        alarms.append(1)
        if len(alarms) > 1 or (judge.analysis is not None and judge.analysis.is_reading):
            raise _DeadlineError

    signal(_SIGNAL_ALARM, on_alarm)
    setitimer(_TIMER_REAL, DEADLINE_S / 2, DEADLINE_S / 2)


def _stop_timer() -> None:
    try:
        from _signal import setitimer
    except ImportError:
        return
    setitimer(_TIMER_REAL, 0)


def _keep(judge: "Judge", tool: str) -> None:
    """Log the stop on this laptop, and count a policy that is wrong."""
    if judge.stop is None and not judge.policy_faults:
        return
    import guard_log

    if judge.stop is not None:
        guard_log.keep_stop(judge.stop, tool, judge.project)
    if judge.policy_faults:
        guard_log.count_faults()


def _record(payload: "dict[str, object]", stop: "Stop | None", milliseconds: float, fault: str) -> None:
    """Keep one record of what was decided: never of the command."""
    import spool
    import usage_hook

    tool = string(payload, "tool_name")
    without_stop = "timeout" if fault == _DeadlineError.__name__ else "error"
    attributes = usage_hook.common_attributes(payload)
    attributes.update(
        {
            "hook_event": "PreToolUse",
            "hook.name": "guard",
            "hook.rule.id": stop.rule if stop else None,
            "hook.decision": stop.decision if stop else without_stop,
            "tool_name": "mcp" if tool.startswith("mcp__") else tool,
            "tool_use_id": string(payload, "tool_use_id") or None,
            "duration_ms": round(milliseconds, 3),
            "error.type": fault.strip("_") or None,
        }
    )
    spool.append("skillway.hook.decision", attributes)
