"""The table of forty forms: every way to create a pull request directly is denied, and nothing that merely looks like one.

Each line goes through launcher and hook as Claude Code starts them. The program that create-pr calls is among the silent
ones: with no state to be had there is nothing that compaction, resuming, rewinding or a subagent could lose.
"""

import pytest

DENIED = [
    "gh pr create --title x --body y",
    "gh pr create --fill --draft",
    "gh pr new --title x --body y",
    "gh -R acme/shop pr create --fill",
    "gh pr --repo acme/shop create --fill",
    "bash -c 'gh pr create --fill'",
    'sh -c "cd api && gh pr create"',
    "zsh -lc 'gh pr create'",
    'eval "gh pr create --fill"',
    "env GH_TOKEN=x gh pr create",
    "command gh pr create",
    "sudo -u me gh pr create",
    "echo --fill | xargs gh pr create",
    "X=$(gh pr create --fill)",
    "gh \\\n  pr \\\n  create",
    "C=create; gh pr $C",
    "gh pr $X",
    "gh api repos/acme/shop/pulls -f title=x -f head=f -f base=main",
    "gh api graphql -f query='mutation { createPullRequest(input: {}) { clientMutationId } }'",
    "hub pull-request -m x",
    "glab mr create --fill",
    "glab api projects/7/merge_requests -X POST -f title=x",
    "git push -o merge_request.create origin HEAD",
    "curl -X POST https://api.github.com/repos/acme/shop/pulls -d '{}'",
    "wget --post-data '{}' https://gitlab.example.com/api/v4/projects/7/merge_requests",
    "http POST https://api.github.com/repos/acme/shop/pulls title=x",
]
SILENT = [
    "create-pull-request create --title 'Keep carts' --body-file b.md --intent i.json",
    "create-pull-request update --keep-title --body-file b.md --intent i.json",
    "watch-ci 7 --json",
    "gh pr create --help",
    "gh pr list --head feature",
    "gh pr view 7 --json title,body",
    "gh pr checks 7",
    "gh api repos/acme/shop/pulls/7",
    "rg 'gh pr create' docs/",
    "# gh pr create is what the old script did\nls",
    "git commit -m 'Stop people from calling gh pr create'",
    "cat > notes.md <<'EOF'\ngh pr create --fill\nEOF",
    "echo 'gh pr create'",
    "git push -u origin HEAD",
]
MCP = ["mcp__github__create_pull_request", "mcp__gitlab__create_merge_request"]
SESSIONS = {
    "compacted": {"session_id": "compacted"},
    "resumed": {"session_id": "resumed", "transcript_path": "/nowhere/other.jsonl"},
    "rewound": {"prompt_id": "p-1"},
    "subagent": {"agent_id": "a-1", "agent_type": "general-purpose"},
}


def test_table_has_forty_forms():
    assert (len(DENIED), len(SILENT), len({*DENIED, *SILENT})) == (26, 14, 40)


@pytest.mark.parametrize("command", DENIED)
def test_direct_form_is_denied(laptop, command):
    answer = laptop.bash(command)

    assert (answer.decision, answer.rule) == ("deny", "pull-request")
    assert "create-pull-request create --help" in answer.reason


@pytest.mark.parametrize("command", SILENT)
def test_look_alike_is_silent(laptop, command):
    assert laptop.bash(command).decision == "silent"


@pytest.mark.parametrize("tool", MCP)
def test_tool_of_a_server_is_denied(laptop, tool):
    assert laptop.guard(tool, {"title": "x", "head": "f", "base": "main"}).rule == "pull-request"


@pytest.mark.parametrize("session", SESSIONS)
def test_same_answers_in_every_kind_of_session(laptop, session):
    """Nothing is remembered: neither a stop nor the skill's use changes what the next call is told."""
    payload = {
        "hook_event_name": "PreToolUse",
        "session_id": "s",
        "prompt_id": "p",
        "cwd": str(laptop.project),
        "tool_name": "Bash",
        "tool_use_id": "t",
        **SESSIONS[session],
    }

    def decide(command):
        return laptop.start("guard", {**payload, "tool_input": {"command": command}}).decision

    assert [decide(DENIED[0]), decide(SILENT[0]), decide(DENIED[0]), decide(SILENT[0])] == ["deny", "silent"] * 2
