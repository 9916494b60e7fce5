"""What a policy can change about the guard, what it cannot, and what becomes of one that is wrong."""

import json
import subprocess
import sys

import pytest

OWN_RULE = {
    "id": "acme-deploy-prod",
    "executable": "acmectl",
    "subcommands": ["deploy prod", "release"],
    "options_with_value": ["-c", "--context"],
    "unless": ["--plan"],
    "decision": "deny",
    "why": "it deploys to customers without a review.",
    "instead": "open a release request in the portal",
}


@pytest.fixture
def organisation(laptop):
    """Write the organisation's policy; `schema` is added."""

    def write(**policy):
        (laptop.plugin / "settings" / "guard-policy.json").write_text(json.dumps({"schema": 1, **policy}))

    return write


@pytest.fixture
def project(laptop):
    """Write the project's file."""

    def write(**policy):
        folder = laptop.project / ".claude"
        folder.mkdir(exist_ok=True)
        (folder / "skillway-guard.json").write_text(json.dumps({"schema": 1, **policy}))

    return write


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("acmectl deploy prod", "deny"),
        ("acmectl --context eu deploy prod --now", "deny"),
        ("acmectl -ceu release", "deny"),
        ("sudo env A=1 /opt/acme/bin/acmectl release", "deny"),
        ("bash -c 'acmectl release 7'", "deny"),
        ("acmectl deploy staging", "silent"),
        ("acmectl --context release status", "silent"),
        ("acmectl deploy prod --plan", "silent"),
        ("acmectl deploy prod --help", "silent"),
        ("echo acmectl deploy prod", "silent"),
        ("acmectl deploy prod --help; acmectl release", "deny"),
    ],
)
def test_own_rule_stops_its_programs_subcommands_and_nothing_else(laptop, organisation, command, expected):
    organisation(rules=[OWN_RULE])
    assert laptop.bash(command).decision == expected


@pytest.mark.parametrize(
    ("executable", "command"),
    [
        ("make", "make -C services release"),
        ("sudo", "sudo -u deploy acmectl status"),
        ("sudo", "cd x && time sudo env A=1 acmectl status"),
        ("xargs", "ls | xargs -n1 acmectl status"),
        ("trap", "trap 'acmectl status' EXIT"),
        ("npx", "npx acmectl status"),
        ("acmectl", "npx -y @acme/acmectl@2.1 status"),
        ("acmectl", "make -n; docker compose exec web acmectl status"),
    ],
)
def test_own_rule_may_name_what_starts_others_and_what_is_started(laptop, organisation, executable, command):
    rule = {key: OWN_RULE[key] for key in ("id", "decision", "why", "instead")}
    organisation(rules=[{**rule, "executable": executable}])
    assert laptop.bash(command).rule == "acme-deploy-prod"


def test_own_rule_by_option_asks_with_its_own_words(laptop, organisation):
    rule = {**OWN_RULE, "id": "acme-force", "options": ["--force", "--env=prod"], "decision": "ask"}
    del rule["subcommands"]
    organisation(rules=[rule], contact="#help-laptops")
    assert laptop.bash("acmectl apply").decision == "silent"
    assert laptop.bash("acmectl apply --env staging").decision == "silent"
    answer = laptop.bash("acmectl apply --force")
    assert (answer.decision, answer.rule) == ("ask", "acme-force")
    assert "without a review" in answer.reason
    assert "The person tells #help-laptops" in answer.reason


def test_rule_that_is_off_does_not_hide_a_later_stop(laptop, organisation):
    organisation(off=["pull-request"])
    assert laptop.bash("gh pr create; dropdb shop").rule == "database-drop"


def test_zones_of_the_policy_are_let_through_and_their_own_folders_are_not(laptop, organisation):
    assert laptop.bash("rm -rf ~/ci/x").decision == "deny"
    organisation(projects=["~/ci"], caches=["~/models/cache"])
    assert laptop.bash("rm -rf ~/ci/old").decision == "silent"
    assert laptop.bash("rm -rf ~/models/cache").decision == "silent"
    assert laptop.bash("rm -rf ~/ci").decision == "deny"
    assert laptop.bash("rm -rf ~/models").decision == "deny"


@pytest.mark.parametrize(
    "zone",
    ["/", "~", "~/", "~/..", "/home", "/home/dev", "/usr/lib", "/etc/acme", "relative", "/data/*", "$HOME/x", ""],
)
def test_zone_that_is_too_wide_is_not_used(laptop, organisation, zone):
    organisation(caches=[zone], projects=[zone])
    for command in ["rm -rf /", "rm -rf ~", "rm -rf /usr/lib/x", "rm -rf ~/notes", "rm -rf /etc/acme"]:
        assert laptop.bash(command).decision == "deny", command
    assert (laptop.state / "guard" / "policy.faults").stat().st_size == 5


def test_project_only_tightens(laptop, organisation, project):
    organisation(off=["pull-request"], ask=["git-force-push"])
    project(deny=["pull-request", "git-force-push", "branch-delete-remote"], rules=[{**OWN_RULE, "decision": "ask"}])
    assert laptop.bash("gh pr create").decision == "deny"
    assert laptop.bash("git push --force").decision == "deny"
    assert laptop.bash("git push origin --delete feature/old").decision == "deny"
    assert laptop.bash("acmectl release").decision == "ask"


def test_project_cannot_loosen(laptop, project):
    project(off=["pull-request"], ask=["git-force-push"], projects=["~/x"], caches=["~/y"], contact="evil")
    assert laptop.bash("gh pr create").decision == "deny"
    assert laptop.bash("git push --force").decision == "deny"
    assert laptop.bash("rm -rf ~/x/1").decision == "deny"
    assert laptop.bash("rm -rf ~/y/1").decision == "deny"
    assert "evil" not in laptop.bash("gh pr create").reason
    assert (laptop.state / "guard" / "policy.faults").stat().st_size == 5


def test_wrong_part_falls_back_and_the_rest_holds(laptop, organisation):
    organisation(off="pull-request", ask=["git-force-push"], rules=[{"id": "x"}, OWN_RULE, 7], contact=["a"])
    assert laptop.bash("gh pr create").decision == "deny"
    assert laptop.bash("git push --force").decision == "ask"
    assert laptop.bash("acmectl release").decision == "deny"


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"schema": 2, "off": ["pull-request"]}',
        b'{"schema": true}',
        b'{"schema": 1, "off": ["pull-request"]}' + b" " * 70_000,
    ],
)
@pytest.mark.parametrize("whose", ["organisation", "project"])
def test_unreadable_policy_leaves_the_defaults_and_is_counted(laptop, data, whose):
    if whose == "organisation":
        (laptop.plugin / "settings" / "guard-policy.json").write_bytes(data)
    else:
        (laptop.project / ".claude").mkdir()
        (laptop.project / ".claude" / "skillway-guard.json").write_bytes(data)
    assert laptop.bash("gh pr create").decision == "deny"
    assert laptop.bash("ls").decision == "silent"
    assert (laptop.state / "guard" / "policy.faults").stat().st_size == 2


def test_stop_is_logged_for_the_user_alone(laptop):
    laptop.bash("ls")
    assert not (laptop.state / "guard").exists()
    laptop.bash("cd /tmp && gh pr create --title 'a \"b\"'")
    log = laptop.state / "guard" / "stops.jsonl"
    (line,) = log.read_text().splitlines()
    entry = json.loads(line)
    assert (entry["rule"], entry["decision"], entry["tool"]) == ("pull-request", "deny", "Bash")
    assert entry["part"] == "gh pr create --title 'a \"b\"'"
    assert len(entry["project"]) == 16
    assert str(laptop.project) not in line
    assert (log.stat().st_mode & 0o777, log.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_log_is_put_aside_once_and_stays_bounded(laptop):
    laptop.bash("gh pr create")
    log, former = laptop.state / "guard" / "stops.jsonl", laptop.state / "guard" / "stops.1.jsonl"
    full = "x" * ((1 << 20) - 10)
    for _ in range(2):
        log.write_text(full)
        laptop.bash("gh pr create")
        assert former.read_text() == full
        assert len(log.read_text().splitlines()) == 1


@pytest.mark.parametrize("more", [{"SKILLWAY_GUARD_LOG": "0"}, {"DO_NOT_TRACK": "1"}])
def test_log_can_be_switched_off(laptop, more):
    assert laptop.bash("gh pr create", **more).decision == "deny"
    assert not (laptop.state / "guard").exists()


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_log_that_is_no_file_of_the_users_is_left_alone(laptop, tmp_path, kind):
    import os

    folder = laptop.state / "guard"
    folder.mkdir(parents=True, mode=0o700)
    log, target = folder / "stops.jsonl", tmp_path / "target"
    target.write_text("keep")
    {"link": lambda: log.symlink_to(target), "folder": log.mkdir, "fifo": lambda: os.mkfifo(log)}[kind]()
    assert laptop.bash("gh pr create").decision == "deny"
    assert target.read_text() == "keep"


def test_hot_path_takes_no_costly_import(repository):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import guard_log; from guard_policy import load_policy; "
        "load_policy(sys.argv[1], sys.argv[1]); "
        "print(sorted({'json', 're', 'pathlib', 'os', 'typing', 'hashlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(repository / "hooks")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "json" not in done.stdout
    assert "hashlib" not in done.stdout


def test_zones_count_for_written_files_too(laptop, organisation):
    write = {"file_path": str(laptop.home / "ci" / "notes.md"), "content": "x"}
    organisation(projects=["~/ci"])
    assert laptop.guard("Write", write).decision == "silent"
    assert laptop.bash("echo x > ~/ci/notes.md").decision == "silent"
    assert laptop.bash("echo x > ~/other/notes.md").decision == "deny"
