"""The spool on disk: nothing lost or torn whoever writes, nothing trusted that is not the user's own, nothing endless."""

import fcntl
import json
import os
import stat
import subprocess
import sys

import pytest

PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); import spool\n"
    "kept = 0\n"
    "for number in range(int(sys.argv[2])):\n"
    "    kept += spool.append('skillway.skill.used', {'skill.name': 'p:s', 'tool_use_id': sys.argv[3] + '-' + str(number), 'duration_ms': number})\n"
    "print(kept)\n"
)


def writer(laptop, count=1, name="w", **more):
    argv = [sys.executable, "-I", "-S", "-c", PROGRAM, str(laptop.plugin / "hooks"), str(count), name]
    return subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=laptop.environment(**more)
    )


def append(laptop, count=1, name="w", **more):
    """Append records in a process of its own; give how many it says are on disk."""
    process = writer(laptop, count, name, **more)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    return int(out)


def in_hooks(laptop, program, **more):
    argv = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path.insert(0, sys.argv[1])\n{program}",
        str(laptop.plugin / "hooks"),
    ]
    done = subprocess.run(argv, capture_output=True, env=laptop.environment(**more), timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_record_has_its_frame_an_id_and_a_time(laptop):
    append(laptop, 2)
    raw = (laptop.spool / "events.jsonl").read_bytes()
    assert raw.startswith(b"\n{")
    assert raw.endswith(b"}\n")
    first, second = laptop.records()
    assert first["v"] == 1
    assert len(bytes.fromhex(first["id"])) == 16
    assert first["id"] != second["id"]
    assert first["ts"] <= second["ts"]
    assert first["name"] == "skillway.skill.used"
    assert first["attributes"] == {"skill.name": "p:s", "tool_use_id": "w-0", "duration_ms": 0}


def test_folder_and_file_are_closed_to_others_whatever_the_umask(laptop):
    before = os.umask(0)
    try:
        append(laptop)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (laptop.state, laptop.spool, laptop.spool / "events.jsonl")]
    assert [oct(mode) for mode in modes] == ["0o700", "0o700", "0o600"]


def test_a_folder_that_was_open_is_closed(laptop):
    laptop.spool.mkdir(parents=True)
    laptop.state.chmod(0o755)
    laptop.spool.chmod(0o777)
    assert append(laptop) == 1
    assert stat.S_IMODE(laptop.spool.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", ["shared", "segment"])
def test_eight_processes_at_once_lose_and_tear_nothing(laptop, mode):
    count = 500
    more = {"SKILLWAY_SPOOL_MODE": mode}
    writers = [writer(laptop, count, f"w{number}", **more) for number in range(8)]
    assert [process.communicate(timeout=120) for process in writers] == [(f"{count}\n", "")] * 8
    ids = {record["attributes"]["tool_use_id"] for record in laptop.records()}
    assert ids == {f"w{number}-{place}" for number in range(8) for place in range(count)}
    assert len({record["id"] for record in laptop.records()}) == 8 * count


def test_a_flusher_that_takes_the_file_away_loses_nothing(laptop):
    """The flusher renames the active file, waits for its lock and reads, as often as it can while four write."""
    writers = [writer(laptop, 400, f"w{number}") for number in range(4)]
    active = laptop.spool / "events.jsonl"
    taken = []
    while any(process.poll() is None for process in writers) or active.exists():
        claimed = laptop.spool / f"claimed-{len(taken)}"
        try:
            active.rename(claimed)
        except FileNotFoundError:
            continue
        with claimed.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            taken.append(file.read())
    kept = sum(int(process.communicate(timeout=60)[0]) for process in writers)
    lines = [line for text in taken for line in text.split("\n") if line]
    lines += [line for file in laptop.spool.glob("*.jsonl") for line in file.read_text().split("\n") if line]
    assert len(taken) > 1
    assert kept == 1600
    assert len({json.loads(line)["id"] for line in lines}) == 1600


def test_a_file_that_stays_locked_makes_nobody_wait(laptop):
    append(laptop)
    with (laptop.spool / "events.jsonl").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert append(laptop, 3) == 3
    assert len(laptop.records()) == 4
    assert len(list(laptop.spool.glob("*.jsonl"))) == 2


def test_a_torn_line_takes_no_neighbour_with_it(laptop):
    append(laptop)
    with (laptop.spool / "events.jsonl").open("a") as file:
        file.write('\n{"v":1,"id":"torn')
    append(laptop)
    lines = [line for line in (laptop.spool / "events.jsonl").read_text().split("\n") if line]
    assert len(lines) == 3
    assert [json.loads(lines[place])["attributes"]["tool_use_id"] for place in (0, 2)] == ["w-0", "w-0"]


def test_a_system_without_fcntl_writes_a_segment_per_process(laptop):
    kept = in_hooks(
        laptop, "sys.modules['fcntl'] = None\nimport spool\nprint(spool.append('skillway.session.started', {}))"
    )
    assert kept == b"True\n"
    (segment,) = laptop.spool.glob("*.jsonl")
    assert segment.name != "events.jsonl"
    assert len(laptop.records()) == 1


WINDOWS = (
    "import posix, sys, types\n"
    "nt = types.ModuleType('nt')\n"
    "missing = ('O_NOFOLLOW', 'O_CLOEXEC', 'O_NONBLOCK', 'geteuid', 'posix_spawn', 'environ')\n"
    "vars(nt).update({k: v for k, v in vars(posix).items() if k not in missing})\n"
    "nt.environ = {'LOCALAPPDATA': posix.environ[b'HOME'].decode(), 'AI_AGENT': 'claude-code_2-1-197_x'}\n"
    "sys.modules.update(posix=None, fcntl=None, nt=nt); sys.platform = 'win32'\n"
)


def test_what_windows_lacks_is_done_without(laptop):
    """Emulated: the module nt with fewer flags, no user ids, no fcntl, an environment of text. Not run on Windows itself."""
    program = (
        WINDOWS + "import usage_hook, payload; payload.read_stdin = None\n"
        "usage_hook._record({'hook_event_name': 'SessionEnd', 'reason': 'other', 'session_id': 's-1'})"
    )
    in_hooks(laptop, program)
    (segment,) = (laptop.home / "skillway-state" / "spool").glob("*-*-*.jsonl")
    attributes = json.loads(segment.read_text())["attributes"]
    assert attributes == {"session.end.reason": "other", "session.id": "s-1", "app.version": "2.1.197"}


@pytest.mark.parametrize("what", ["state", "spool", "file"])
def test_links_are_never_followed(laptop, tmp_path, what):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    victim = elsewhere / "victim"
    victim.write_text("precious")
    laptop.state.parent.mkdir(parents=True)
    if what == "state":
        laptop.state.symlink_to(elsewhere)
    elif what == "spool":
        laptop.state.mkdir(mode=0o700)
        laptop.spool.symlink_to(elsewhere)
    else:
        laptop.spool.mkdir(parents=True, mode=0o700)
        (laptop.spool / "events.jsonl").symlink_to(victim)
    assert append(laptop) == 0
    assert victim.read_text() == "precious"
    assert [path.name for path in elsewhere.iterdir()] == ["victim"]


def test_a_hard_link_is_not_written_to(laptop, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    laptop.spool.mkdir(parents=True, mode=0o700)
    os.link(victim, laptop.spool / "events.jsonl")
    assert append(laptop) == 0
    assert victim.read_text() == "precious"


def test_a_pipe_in_the_files_place_makes_nobody_wait(laptop):
    laptop.spool.mkdir(parents=True, mode=0o700)
    os.mkfifo(laptop.spool / "events.jsonl")
    assert append(laptop) == 0


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="not run: needs root to make a foreign owner")
@pytest.mark.parametrize("what", ["state", "spool", "file"])
def test_what_belongs_to_another_user_is_refused(laptop, what):
    append(laptop)
    path = {"state": laptop.state, "spool": laptop.spool, "file": laptop.spool / "events.jsonl"}[what]
    os.chown(path, 12345, 12345)
    assert append(laptop) == 0
    assert len(laptop.records()) == 1


@pytest.mark.parametrize("mode", ["shared", "segment"])
def test_a_full_spool_drops_and_counts(laptop, mode):
    append(laptop)
    with (laptop.spool / "events.jsonl").open("a") as file:
        file.write("\n" * (10 << 20))
    before = sorted((path.name, path.stat().st_size) for path in laptop.spool.iterdir())
    assert append(laptop, 3, SKILLWAY_SPOOL_MODE=mode) == 0
    assert (laptop.spool / "dropped.full").stat().st_size == 3
    assert (
        sorted((p.name, p.stat().st_size) for p in laptop.spool.iterdir() if not p.name.startswith("dropped")) == before
    )


def test_a_short_write_is_counted_and_harms_no_later_record(laptop):
    """RLIMIT_FSIZE cuts the write in the middle, as a full disk does."""
    append(laptop)
    size = (laptop.spool / "events.jsonl").stat().st_size
    program = (
        "import resource, signal, spool\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size + 40}, {size + 4096}))\n"
        "print(spool.append('skillway.session.started', {}))"
    )
    assert in_hooks(laptop, program) == b"False\n"
    assert (laptop.spool / "events.jsonl").stat().st_size == size + 40
    assert (laptop.spool / "dropped.short_write").stat().st_size == 1
    assert append(laptop) == 1
    lines = [line for line in (laptop.spool / "events.jsonl").read_text().split("\n") if line]
    assert json.loads(lines[-1])["name"] == "skillway.skill.used"


@pytest.mark.parametrize(
    "more", [{"DO_NOT_TRACK": "1"}, {"DO_NOT_TRACK": "true"}, {"DO_NOT_TRACK": "no"}, {"SKILLWAY_TELEMETRY": "0"}]
)
def test_opting_out_touches_no_disk(laptop, more):
    assert append(laptop, **more) == 0
    assert not laptop.state.exists()
    laptop.start("usage", {"hook_event_name": "SessionStart", "source": "startup"}, **more)
    assert laptop.bash("gh pr create", **more).decision == "deny"
    assert not laptop.state.exists()


@pytest.mark.parametrize("more", [{"DO_NOT_TRACK": ""}, {"DO_NOT_TRACK": "0"}, {"SKILLWAY_TELEMETRY": "1"}])
def test_what_is_no_opting_out_changes_nothing(laptop, more):
    assert append(laptop, **more) == 1


def test_the_state_folder_follows_xdg_only_when_it_is_absolute(laptop, tmp_path):
    append(laptop, XDG_STATE_HOME=str(tmp_path / "xdg"))
    assert (tmp_path / "xdg" / "skillway" / "spool" / "events.jsonl").exists()
    append(laptop, XDG_STATE_HOME="relative")
    assert len(laptop.records()) == 1


@pytest.mark.parametrize("given", ["", "relative"])
def test_without_a_home_nothing_is_written(laptop, given, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert append(laptop, HOME=given) == 0
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}'])
def test_a_broken_allow_list_allows_nothing(laptop, text):
    (laptop.plugin / "hooks" / "events.json").write_text(text)
    answer = laptop.start("usage", {"hook_event_name": "SessionStart", "source": "startup"})
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert laptop.records() == []


def test_the_json_writer_agrees_with_json(laptop):
    """Every character up to U+2FFF, the ends of the other planes, and pairs with what JSON escapes."""
    program = (
        "import json; from payload import quote_json\n"
        "codes = [*range(0x3000), 0xd7ff, 0xd800, 0xdfff, 0xe000, 0xffff, 0x10000, 0x1f600, 0x10ffff]\n"
        "texts = [chr(c) for c in codes] + ['', 'plain', '\"\\\\\\n', 'a\\x00b', '\\u2028\"']\n"
        "print([t for t in texts if quote_json(t) != json.dumps(t)])"
    )
    assert in_hooks(laptop, program) == b"[]\n"


def test_a_record_is_what_json_reads_back(laptop):
    program = (
        "import json, spool\n"
        "values = {'skill.name': 'a:b', 'success': False, 'duration_ms': 12.5, 'invocation_trigger': 'user-slash'}\n"
        "print(json.loads(spool.render_record('skillway.skill.used', values))['attributes'] == values)"
    )
    assert in_hooks(laptop, program) == b"True\n"


@pytest.mark.parametrize(
    "value",
    [
        "'x' * 65",
        "'a b'",
        "'/etc/passwd'",
        "'A'",
        "'é'",
        "'a\\n'",
        "''",
        "7",
        "True",
        "['p:s']",
        "{'a': 1}",
        "object()",
        "b'p'",
    ],
)
def test_a_value_outside_of_its_rule_is_dropped_and_counted(laptop, value):
    program = f"import spool\nspool.append('skillway.skill.used', {{'skill.name': {value}, 'success': True}})"
    in_hooks(laptop, program)
    (record,) = laptop.records()
    assert (record["attributes"], record["dropped"]) == ({"success": True}, 1)


@pytest.mark.parametrize("value", ["-1", "1e300", "float('nan')", "float('inf')", "True", "'12'", "2**60"])
def test_a_number_outside_of_all_sense_is_dropped(laptop, value):
    in_hooks(laptop, f"import spool\nspool.append('skillway.skill.used', {{'duration_ms': {value}}})")
    (record,) = laptop.records()
    assert (record["attributes"], record["dropped"]) == ({}, 1)


def test_unknown_attributes_and_events_never_reach_the_disk(laptop):
    in_hooks(laptop, "import spool\nspool.append('skillway.skill.used', {'prompt': 'canary', 'cwd': '/canary'})")
    in_hooks(laptop, "import spool\nspool.append('canary.event', {})")
    (record,) = laptop.records()
    assert record["dropped"] == 2
    assert "canary" not in json.dumps(record)
