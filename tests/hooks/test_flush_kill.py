"""A flusher that is killed at each of its steps: nothing is lost, and at most one batch is sent twice."""

import json
import os
import signal
import subprocess
import sys

import pytest

STEPS = """
import os, sys
left = {left}
def killing(name, real):
    def step(*arguments, **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return real(*arguments, **more)
    return step
for name in ("rename", "replace", "unlink"):
    setattr(os, name, killing(name, getattr(os, name)))
sys.path.insert(0, {hooks!r})
import flush_http, flush_batches
flush_batches.MAX_EVENTS = 25
flush_http.Sender.post = killing("post", flush_http.Sender.post)
__file__ = {entry!r}
exec(compile(open(__file__).read(), __file__, 'exec'))
"""


def test_killed_before_every_step(laptop, receiver):
    """Renames, replacements, deletions and requests are the steps; the state of each is what the next run finds."""
    emitted = 0
    killed = 0
    for left in range(40):
        emitted += laptop.append(60)
        sent_before = len(receiver.uids())
        program = STEPS.format(
            left=left,
            hooks=str(laptop.plugin / "hooks"),
            entry=str(laptop.plugin / "hooks" / "flush.py"),
        )
        argv = [sys.executable, "-I", "-S", "-c", program]
        done = subprocess.run(argv, env=laptop.environment(), capture_output=True, check=False)
        assert done.stderr == b""
        laptop.flush()
        assert laptop.waiting() == []
        assert len(set(receiver.uids())) == emitted
        assert len(receiver.uids()) - sent_before <= 60 + 25
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        killed += 1
        seen = {}
        for record in receiver.accepted:
            seen.setdefault(json.dumps(record["attributes"][0]), record)
        receiver.accepted[:] = list(seen.values())
    assert killed >= 8
    assert list(laptop.spool.iterdir()) == []


@pytest.mark.parametrize("mode", ["shared", "segment"])
def test_killed_writers_lose_only_what_they_were_writing(laptop, mode):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import spool\n"
        "for number in range(10**6):\n"
        "    spool.append('skillway.skill.used', {'tool_use_id': sys.argv[2] + '-' + str(number)})\n"
        "    print(number, flush=True)"
    )
    kept = 0
    for number in range(8):
        argv = [sys.executable, "-I", "-S", "-c", program, str(laptop.plugin / "hooks"), f"w{number}"]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, env=laptop.environment(SKILLWAY_SPOOL_MODE=mode))
        for _ in range(20 + number):
            process.stdout.readline()
        process.kill()
        rest = process.communicate()[0].split()
        kept += 20 + number + len(rest)
    found = len(set(laptop.waiting()))
    assert kept - 8 <= found <= kept + 8


def test_thirty_two_writers_and_flushers_lose_and_repeat_nothing(laptop, receiver):
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import spool\n"
        "print(sum(spool.append('skillway.skill.used', {'duration_ms': n}) for n in range(100)))"
    )
    argv = [sys.executable, "-I", "-S", "-c", program, str(laptop.plugin / "hooks")]
    modes = ["shared", "segment"] * 16
    writers = [
        subprocess.Popen(argv, stdout=subprocess.PIPE, env=laptop.environment(SKILLWAY_SPOOL_MODE=mode))
        for mode in modes
    ]
    while any(writer.poll() is None for writer in writers):
        laptop.flush()
    assert [writer.communicate()[0] for writer in writers] == [b"100\n"] * 32
    for file in laptop.spool.glob("*.jsonl"):
        os.utime(file, (0, 0))
    laptop.flush()
    assert len(receiver.uids()) == len(set(receiver.uids())) == 3200
    assert laptop.figures()["torn"] == 0
