#!/usr/bin/env python3
"""Makes the frame of a skillway repository, and a `skillway` on PATH that notes its calls and starts skill folders.

repository.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path

ORGANISATION = 'name: acme\ntitle: Acme Inc.\nteams:\n  - name: support\n    owners: ["@acme/support"]\n  - name: ops\n'
PROGRAM = '''#!/usr/bin/env python3
"""Stands for skillway: notes each call; `new skill TEAM/NAME` writes what the real one would."""
import json, sys
from pathlib import Path

words = sys.argv[1:]
project = Path(__file__).resolve().parents[2]
with (project / ".claude/calls.jsonl").open("a") as stream:
    stream.write(json.dumps(words) + "\\n")
if words[:2] == ["new", "skill"] and len(words) > 2:
    folder = project / "skills" / words[2]
    said = words[words.index("--description") + 1] if "--description" in words else "Use when"
    folder.mkdir(parents=True)
    head = f"---\\nname: {folder.name}\\ndescription: {json.dumps(said)}\\n---\\n"
    (folder / "SKILL.md").write_text(head + f"\\n# {folder.name}\\n\\n## Steps\\n\\n## Limits\\n")
    (folder / "SPEC.md").write_text(f"# {folder.name}: why it is as it is\\n\\n## Intent\\n\\n## Evaluation\\n")
    if "--script" in words:
        (folder / "scripts").mkdir()
        (folder / "scripts" / (folder.name.replace("-", "_") + ".py")).write_text("#!/usr/bin/env python3\\n")
    print(f"Wrote skills/{words[2]}.")
elif words[:1] == ["check"]:
    print("1 skill, errors: 0, warnings: 0")
else:
    print("skillway: noted")
'''


def main() -> None:
    programs = Path(".claude/bin").absolute()
    programs.mkdir(parents=True)
    (programs / "skillway").write_text(PROGRAM, encoding="utf-8")
    (programs / "skillway").chmod(0o755)
    settings = {"env": {"PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}"}}
    Path(".claude/settings.json").write_text(json.dumps(settings), encoding="utf-8")
    Path(".claude/calls.jsonl").touch()
    Path("organisation.yaml").write_text(ORGANISATION, encoding="utf-8")
    for team in ("support", "ops"):
        manifest = Path("skills") / team / ".claude-plugin/plugin.json"
        manifest.parent.mkdir(parents=True)
        manifest.write_text(json.dumps({"name": team, "description": f"Skills of {team}", "skills": "./"}))


if __name__ == "__main__":
    main()
