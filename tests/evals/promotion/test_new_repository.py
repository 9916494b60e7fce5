"""What `skillway init` writes has gates from its first day."""

import os
import subprocess
import sys


def test_new_repository_can_be_asked_for_promotions(tmp_path):
    root = tmp_path / "acme"
    root.mkdir()

    def skillway(*words):
        command = [sys.executable, "-m", "skillway", *words]
        return subprocess.run(command, cwd=root, env=os.environ, capture_output=True, text=True, check=False)

    done = skillway("init", "--name", "acme")
    assert done.returncode == 0, done.stderr
    checked = skillway("promote", "--check")
    assert checked.returncode == 3, checked.stderr
    assert "developer-tools: developer-tools:create-pr: not run" in checked.stdout
    assert (root / "evals/judges/answers/rubric.yaml").is_file()
