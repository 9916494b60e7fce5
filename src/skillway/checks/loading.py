"""Rules that the catalog itself finds broken while it reads: files that are missing, unreadable or not what they must be.

There is no code here beside the table: `skillway.catalog` makes these problems, and this says why they matter.
"""

from __future__ import annotations

from skillway.checks.rules import ERROR, PORTABLE, WARNING, define

_PLUGIN = "plugin.json"
_SKILLS = "Skills, agents and commands"
_HOOKS = "Hooks"
_SETTINGS = "Settings fragments"
_FILES = "Files"

define(
    "base-plugin-missing",
    ERROR,
    "A repository has a base-plugin",
    subject=_PLUGIN,
    why="A release holds exactly one plugin of the base layer; laptops refuse any other.",
    bad="a repository with skills/support only",
    good="base-plugin/.claude-plugin/plugin.json",
    outside=None,
)
define(
    "plugin-json-missing",
    ERROR,
    "A plugin's folder has .claude-plugin/plugin.json",
    subject=_PLUGIN,
    why="Without it Claude Code sees no plugin, and the team's skills reach nobody.",
    bad="skills/support/triage/SKILL.md alone",
    good="skills/support/.claude-plugin/plugin.json beside it",
    outside=None,
)
define(
    "plugin-json-broken",
    ERROR,
    "plugin.json is one JSON object",
    subject=_PLUGIN,
    why="Claude Code drops the whole plugin, silently on 2.1.197 (observed).",
    bad='{"name": "support",}',
    good='{"name": "support"}',
)
define(
    "team-unknown",
    ERROR,
    "A folder in skills/ is a team of organisation.yaml",
    subject=_PLUGIN,
    why="Laptops get plugins by the team's name; a team that nobody is in reaches nobody.",
    bad="skills/suport, and organisation.yaml has `- name: support`",
    good="skills/support",
    outside=None,
)
define(
    "json-duplicate-key",
    ERROR,
    "No JSON object has a key twice",
    subject=_FILES,
    why="JSON keeps the last and drops the others without a word, hooks and permissions among them.",
    bad='{"PreToolUse": [ … ], "PreToolUse": [ … ]}',
    good='{"PreToolUse": [ …, … ]}',
)
define(
    "skill-file-missing",
    ERROR,
    "A skill's folder has SKILL.md directly in it",
    subject=_SKILLS,
    why="Claude Code looks one folder down and no deeper; anything else is no skill, and nothing says so.",
    bad="skills/support/triage/skill/SKILL.md",
    good="skills/support/triage/SKILL.md",
)
define(
    "skill-file-case",
    ERROR,
    "SKILL.md is written in capitals",
    subject=_SKILLS,
    why="`skill.md` is not loaded (observed), though it looks right on a disk that ignores case.",
    bad="triage/skill.md",
    good="triage/SKILL.md",
)
define(
    "skill-empty",
    ERROR,
    "SKILL.md says something",
    subject=_SKILLS,
    why="An empty one is hidden from the model and does nothing when typed.",
    bad="SKILL.md with 0 bytes",
    good="---\ndescription: Use when new support tickets wait to be sorted.\n---\nSort the tickets.",
)
define(
    "frontmatter-missing",
    ERROR,
    "A skill starts with a frontmatter that is closed",
    subject=_SKILLS,
    why="Without one there is no description, so the skill is hidden from the model.",
    bad="# Triage\nSort the tickets.",
    good="---\ndescription: Use when new support tickets wait to be sorted.\n---\n# Triage\nSort the tickets.",
)
define(
    "frontmatter-broken",
    ERROR,
    "A frontmatter is YAML",
    subject=_SKILLS,
    why="Claude Code then loads the body with an empty frontmatter: hidden from the model, every restriction gone. "
    "Aliases that multiply, deep nesting and blocks above 64 KiB are refused here too.",
    bad="---\ndescription: 'Use when\n---",
    good="---\ndescription: 'Use when …'\n---",
)
define(
    "frontmatter-unquoted",
    WARNING,
    "A value with special characters is in quotes",
    subject=_SKILLS,
    why="This is no YAML. Claude Code reads it on a second try that adds the quotes; other agents refuse the skill.",
    bad="description: Use for tickets: sorting, merging",
    good='description: "Use for tickets: sorting, merging"',
)
define(
    "frontmatter-dashes",
    ERROR,
    "No value of a frontmatter holds three dashes",
    subject=_SKILLS,
    why="Claude Code ends the frontmatter at the first --- wherever it stands: an unquoted description is cut there, and "
    "with a quoted one the skill is not loaded at all (observed with 2.1.197 and 2.1.329).",
    bad="description: Use for tickets --- all of them",
    good="description: Use for tickets, all of them",
)
define(
    "frontmatter-duplicate-key",
    ERROR,
    "No frontmatter has a key twice",
    subject=_SKILLS,
    why="One of the two is dropped without a word, and readers of YAML do not agree on which.",
    bad="description: one\ndescription: two",
    good="description: one and two",
)
define(
    "hooks-json-broken",
    ERROR,
    "hooks.json has the form of Claude Code's hooks",
    subject=_HOOKS,
    why="Claude Code loads no hook of a file that is not JSON or has another form, silently on 2.1.197 (observed).",
    bad='{"PreToolUse": [ … ]}',
    good='{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "…"}]}]}}',
)
define(
    "settings-broken",
    ERROR,
    "A file in settings/ is one JSON object, its hooks in the form of Claude Code",
    subject=_SETTINGS,
    why="A broken fragment is skipped with all its policy, and a laptop's user sees one line on stderr.",
    bad='{"permissions": {"deny": ["Bash(rm -rf /)"],}}',
    good='{"permissions": {"deny": ["Bash(rm -rf /)"]}}',
    outside=None,
)
define(
    "settings-place",
    ERROR,
    "Only base-plugin has settings/",
    subject=_SETTINGS,
    why="Policy is for every laptop; sync takes fragments from the base layer and from nowhere else.",
    bad="developer-tools/settings/managed-settings.d/10-proxy.json",
    good="base-plugin/settings/managed-settings.d/10-proxy.json",
    outside=None,
)
define(
    "file-bom",
    ERROR,
    "A text starts without a byte order mark",
    subject=_FILES,
    why="With one, Claude Code 2.1.197 sees no frontmatter and hides the skill, and refuses plugin.json (observed).",
    bad="EF BB BF 2D 2D 2D",
    good="2D 2D 2D",
)
define(
    "file-encoding",
    ERROR,
    "A text is UTF-8",
    subject=_FILES,
    why="Other bytes become replacement characters, or the file is not read at all.",
    bad="a SKILL.md saved as Latin-1, or a program that is called SKILL.md",
    good="a SKILL.md saved as UTF-8",
)
define(
    "file-unreadable",
    ERROR,
    "Every file and folder can be read",
    subject=_FILES,
    why="What cannot be read here is not in the release.",
    bad="chmod 000 references",
    good="chmod 755 references",
)
define(
    "file-special",
    ERROR,
    "A plugin holds files and folders only",
    subject=_FILES,
    why="A pipe, socket or device cannot be shipped, and whoever opens it waits for ever.",
    bad="mkfifo assets/input",
    good="assets/input.txt",
)
define(
    "file-too-large",
    ERROR,
    "A text that is read has at most 1 MiB, a file 64 MiB, a plugin 512 MiB",
    subject=_FILES,
    why="Claude Code warns above 1 MiB, and a skill of that size is no instruction; laptops refuse the larger limits.",
    bad="a SKILL.md of 2 MB",
    good="a SKILL.md of 5 KB, with the data in assets/",
)
define(
    "symlink-escapes",
    ERROR,
    "No link leaves the plugin",
    subject=_FILES,
    why="On a laptop nothing is there; 2.1.328 skips such a link on the author's own disk too (observed).",
    bad="references/style.md -> ../../../docs/style.md",
    good="references/style.md as a file",
)
define(
    "symlink-broken",
    ERROR,
    "Every link has a target",
    subject=_FILES,
    why="The release would lack the file.",
    bad="references/style.md -> styles.md, which does not exist",
    good="references/style.md as a file",
    outside=WARNING,
)
define(
    "symlink-loop",
    ERROR,
    "No link leads back to itself",
    subject=_FILES,
    why="Whoever follows it never arrives.",
    bad="assets/all -> ..",
    good="no link",
)
define(
    "frontmatter-portable",
    ERROR,
    "A frontmatter is YAML for every reader",
    subject=_SKILLS,
    why="Only Claude Code reads a block again with quotes added; uploads and other agents refuse it.",
    bad="description: Use for tickets: sorting, merging",
    good='description: "Use for tickets: sorting, merging"',
    profile=PORTABLE,
)
