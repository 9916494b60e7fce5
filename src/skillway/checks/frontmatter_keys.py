"""What Claude Code reads in the frontmatter of skills, commands and agents: keys, types, values, tools and models.

Facts, as 2.1.197 and 2.1.328 have them; the rules that use them are `definitions`.
"""

from __future__ import annotations

SCALAR = "a text"
BOOLEAN = "true or false"
LIST = "a text or a list of texts"
MAP = "a mapping"
ANY = ""
SKILL_KEYS = {
    "name": SCALAR,
    "description": SCALAR,
    "when_to_use": SCALAR,
    "argument-hint": LIST,
    "arguments": LIST,
    "disable-model-invocation": BOOLEAN,
    "user-invocable": BOOLEAN,
    "allowed-tools": LIST,
    "disallowed-tools": LIST,
    "disallowedTools": LIST,
    "model": SCALAR,
    "effort": SCALAR,
    "context": SCALAR,
    "agent": SCALAR,
    "background": BOOLEAN,
    "hooks": MAP,
    "paths": LIST,
    "shell": SCALAR,
    "metadata": MAP,
    "license": SCALAR,
    "compatibility": ANY,
    **dict.fromkeys(("version", "fallback", "created_by", "improved_by", "display-name", "displayName"), ANY),
    **dict.fromkeys(("default-enabled", "defaultEnabled", "mcpServers", "lspServers", "agents", "commands"), ANY),
    **dict.fromkeys(("skills", "outputStyles", "themes", "workflows", "channels", "monitors", "settings"), ANY),
    **dict.fromkeys(("userConfig", "experimental", "dependencies", "engines", "network", "evals", "author"), ANY),
    **dict.fromkeys(("homepage", "repository", "keywords", "hide-from-slash-command-tool"), ANY),
}
"""Every key that Claude Code 2.1.197 or 2.1.328 reads in a skill or command, and the type it takes."""

AGENT_KEYS = {
    "name": SCALAR,
    "description": SCALAR,
    "model": SCALAR,
    "tools": LIST,
    "disallowedTools": LIST,
    "color": SCALAR,
    "effort": SCALAR,
    "permissionMode": SCALAR,
    "mcpServers": ANY,
    "hooks": MAP,
    "maxTurns": ANY,
    "skills": LIST,
    "initialPrompt": SCALAR,
    "memory": SCALAR,
    "background": BOOLEAN,
    "isolation": SCALAR,
    **dict.fromkeys(("version", "metadata", "author", "license", "autoCompactWindow", "omitClaudeMd"), ANY),
    **dict.fromkeys(("observer", "observerMessage", "observeSubagents", "observeToolResults"), ANY),
}
VALUES = {
    "effort": ("low", "medium", "high", "xhigh", "max"),
    "context": ("fork", "inline"),
    "shell": ("bash", "powershell"),
    "memory": ("user", "project", "local"),
    "isolation": ("worktree", "remote"),
    "permissionMode": ("default", "acceptEdits", "plan", "bypassPermissions", "dontAsk", "auto", "manual", "bubble"),
}
COLORS = ("red", "blue", "green", "yellow", "purple", "orange", "pink", "cyan")
MODEL_ALIASES = ("inherit", "default", "best", "sonnet", "opus", "haiku", "fable", "opusplan", "sonnet[1m]", "opus[1m]")
TOOLS = frozenset(
    [
        *("Agent", "Task", "Bash", "BashOutput", "KillShell", "KillBash", "Edit", "MultiEdit", "Write", "Read", "Glob"),
        *("Grep", "LS", "NotebookEdit", "NotebookRead", "WebFetch", "WebSearch", "TodoWrite", "TodoRead", "Skill"),
        *("SlashCommand", "AskUserQuestion", "ExitPlanMode", "EnterPlanMode", "TaskCreate", "TaskGet", "TaskList"),
        *("TaskUpdate", "TaskOutput", "TaskStop", "ToolSearch", "LSP", "Monitor", "EnterWorktree", "ExitWorktree"),
        *("ListMcpResourcesTool", "ReadMcpResourceTool", "PowerShell", "SendMessage", "CronCreate", "CronDelete"),
        *("CronList", "TeamCreate", "TeamDelete", "StructuredOutput", "PushNotification", "Workflow", "REPL"),
    ]
)
