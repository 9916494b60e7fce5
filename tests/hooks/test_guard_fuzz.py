"""Whatever the command, the guard decides or is silent: no exception, and nothing but deny or ask."""

import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PIECES = [
    "rm", "-rf", "/", "~", "$HOME", "git", "push", "--force", "gh", "pr", "create", "|", "||", "&&", ";", "&", "\n",
    "$(", ")", "`", "'", '"', "\\", "<<EOF", "EOF", "<<-'X'", "<<<", "{", "}", "((", "))", "[[", "]]", "if", "then",
    "fi", "for", "in", "do", "done", "case", "esac", "*", "?", "<(", ">(", ">", ">>", "2>&1", "#", "$'\\x41'", "${x:-",
    "sudo", "env", "A=b", "bash", "-c", "xargs", "find", ".", "-exec", "+", "python3", "os.system(", "eval", "\0", "é",
]  # fmt: skip
COMMANDS = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join),
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join),
)
TOOLS = st.sampled_from(["Bash", "Write", "Edit", "Read", "Grep", "NotebookEdit", "mcp__forge__create_pull_request"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30), lambda inner: st.lists(inner, max_size=3)
)


@pytest.fixture(scope="module")
def judge(request):
    hooks = str(request.config.rootpath / "hooks")
    sys.path.insert(0, hooks)
    from guard_rules import Judge

    def run(tool, tool_input):
        judge = Judge("/home/dev/work/shop", "/home/dev", hooks)
        judge.judge(tool, tool_input)
        return judge.stop

    yield run
    sys.path.remove(hooks)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(command=COMMANDS)
def test_any_command_is_judged_without_an_exception(judge, command):
    stop = judge("Bash", {"command": command})
    assert stop is None or stop.decision in ("deny", "ask")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tool=TOOLS, tool_input=st.dictionaries(st.sampled_from(["command", "file_path", "content", "path", "sql"]), VALUES)
)
def test_any_tool_input_is_judged_without_an_exception(judge, tool, tool_input):
    stop = judge(tool, tool_input)
    assert stop is None or stop.decision in ("deny", "ask")
