import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skillway_sync import layout, noop
from skillway_sync.engine import run
from skillway_sync.noop import answer_without_change, program_stamp, read_plain_run, seal, signature, unseal
from skillway_sync.work import RunOptions


@pytest.fixture
def quiet(site):
    """An installed laptop whose last run left what the next one needs to end at once."""
    arguments = ["run", "--root", str(site.prefix), "--home", str(site.prefix / "home")]
    options = RunOptions(signature=signature(read_plain_run(arguments), program_stamp()))
    run(site.laptop(), options)
    site.arguments = arguments
    site.options = options
    assert ask(site) is not None
    return site


def ask(site, *more):
    here = Path.cwd()
    try:
        return answer_without_change([*site.arguments, *more])
    finally:
        os.chdir(here)


def skill(site):
    return site.folder("tools") / "skills" / "tools-skill" / "SKILL.md"


def edit(site):
    skill(site).write_text("edited")


def edit_with_the_old_times(site):
    status = skill(site).stat()
    skill(site).write_bytes(skill(site).read_bytes()[::-1])
    os.utime(skill(site), ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_with_the_old_times(site):
    status = skill(site).stat()
    fresh = skill(site).with_name("fresh")
    fresh.write_bytes(skill(site).read_bytes())
    fresh.replace(skill(site))
    os.utime(skill(site), ns=(status.st_atime_ns, status.st_mtime_ns))


def add_a_file(site):
    (skill(site).parent / "added").write_text("x")


def add_a_plugin(site):
    (site.layout.store / "stranger").mkdir()


def add_a_digest(site):
    (site.layout.store / "base" / "0123").mkdir()


def delete(site):
    skill(site).unlink()


def change_a_mode(site):
    skill(site).chmod(0o600)


def change_the_catalogue(site):
    site.layout.catalogue_file.write_text("{}")


def remove_the_guard_pointer(site):
    site.layout.guard_pointer.unlink()


def change_the_policy(site):
    site.layout.policy_file.write_text("{}")


def change_the_configuration(site):
    site.configure(ring="canary")


def change_the_trusted_root(site):
    path = site.layout.config_file.parent / "root.json"
    path.write_bytes(path.read_bytes() + b" ")


def sign_anew(site):
    site.publisher.sign()


def publish_a_root(site):
    (site.publisher.folder / "metadata" / "2.root.json").write_text("{}")


def take_the_store_away(site):
    site.publisher.folder.rename(site.prefix / "away")


def damage_the_index(site):
    (site.layout.state / "index").write_bytes(b"damaged")


def damage_its_own_memory(site):
    (site.layout.state / "noop").write_bytes(seal({"format": 99}))


def change_what_is_applied(site):
    (site.layout.state / "applied.json").write_text("{}")


@pytest.mark.parametrize(
    "change",
    [
        edit,
        edit_with_the_old_times,
        replace_with_the_old_times,
        add_a_file,
        add_a_plugin,
        add_a_digest,
        delete,
        change_a_mode,
        change_the_catalogue,
        remove_the_guard_pointer,
        change_the_policy,
        change_the_configuration,
        change_the_trusted_root,
        sign_anew,
        publish_a_root,
        take_the_store_away,
        damage_the_index,
        damage_its_own_memory,
        change_what_is_applied,
    ],
)
def test_any_change_leads_to_the_full_run(quiet, change):
    change(quiet)
    assert ask(quiet) is None


@pytest.mark.parametrize(
    "more",
    [
        ["--dry-run"],
        ["--full-check"],
        ["--strict-exit"],
        ["--release-hold"],
        ["--user"],
        ["--image"],
        ["--home", "/elsewhere"],
        ["--config", "/elsewhere"],
        ["--root"],
        ["extra"],
        ["--root=/x"],
    ],
)
def test_another_question_leads_to_the_full_run(quiet, more):
    assert ask(quiet, *more) is None


@pytest.mark.parametrize(
    ("key", "value"), [("expires", 0.0), ("check_before", 0.0), ("boot", "another"), ("checked_at", 9e12)]
)
def test_time_that_went_by_leads_to_the_full_run(quiet, key, value):
    path = quiet.layout.state / "noop"
    path.write_bytes(seal(unseal(path.read_bytes()) | {key: value}))

    assert ask(quiet) is None


def test_answer_is_what_the_full_run_says(quiet):
    assert ask(quiet) == run(quiet.laptop(), quiet.options).message + "\n"
    full = run(quiet.laptop(), quiet.options).envelope()
    assert json.loads(ask(quiet, "--json")) == full
    assert ask(quiet, "--quiet") == ""


def test_check_is_recorded_every_few_hours(quiet):
    content = unseal((quiet.layout.state / "noop").read_bytes())

    assert content["check_before"] - time.time() <= 6 * 3600


def test_failed_run_is_not_followed_by_a_short_one(quiet, second_release):
    timestamp = quiet.publisher.folder / "metadata" / "timestamp.json"
    good = timestamp.read_bytes()
    timestamp.unlink()
    run(quiet.laptop(), quiet.options)
    timestamp.write_bytes(good)

    assert ask(quiet) is None
    assert run(quiet.laptop(), quiet.options).state == "ok"
    assert ask(quiet) is not None


def test_held_laptop_says_that_it_is_held(quiet):
    quiet.publisher.point("broad", 1, halt=True)
    run(quiet.laptop(), quiet.options)

    answer = json.loads(ask(quiet, "--json"))

    assert answer["data"]["state"] == "halted"
    assert "halted by the publisher" in answer["warnings"][0]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="gives a file to another user")
def test_memory_that_belongs_to_another_user_is_not_trusted(quiet):
    os.chown(quiet.layout.state / "noop", 12345, 12345)
    assert ask(quiet) is None


def test_short_run_imports_nothing_heavy(real_site):
    command = [sys.executable, "-X", "importtime", "-m", "skillway_sync", "run", "--root", str(real_site.prefix)]
    command += ["--home", str(real_site.prefix / "home")]
    subprocess.run(command, capture_output=True, check=True)

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.startswith("Nothing to do")
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "skillway_sync.noop" in imported
    assert not imported & {"json", "pathlib", "argparse", "typing", "tuf", "urllib3", "skillway_sync.engine"}


def test_short_run_knows_the_same_places_as_the_layout():
    assert all(layout._ROOTS[system] == root for system, root in noop.ROOTS.items())
    found = layout.user_layout(home=layout.Path("/home/x"), environment={})
    if sys.platform in noop.ROOTS:
        os.environ.pop("XDG_DATA_HOME", None)
        assert noop._root(read_plain_run(["run", "--user", "--home", "/home/x"])) == str(found.root)
        assert noop._root(read_plain_run(["run"])) == str(layout.system_layout().root)
        prefixed = layout.system_layout(prefix=layout.Path("/mnt/x")).root
        assert noop._root(read_plain_run(["run", "--root", "/mnt/x"])) == str(prefixed)


def test_server_is_asked_twice_and_no_more(quiet, monkeypatch):
    import http.server
    import threading

    seen = []
    folder = quiet.publisher.folder

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def do_GET(self):
            seen.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        quiet.configure(store=f"http://127.0.0.1:{server.server_address[1]}")
        run(quiet.laptop(), quiet.options)
        seen.clear()

        assert ask(quiet) is not None
        assert seen == ["/metadata/timestamp.json", "/metadata/2.root.json"]
        quiet.publisher.sign()
        assert ask(quiet) is None
    finally:
        server.shutdown()
        server.server_close()
