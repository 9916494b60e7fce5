"""What counts as a secret, and that nothing secret is passed over before the rules are asked."""

import sys

import pytest

HOME = "/home/dev"


@pytest.fixture(scope="module")
def modules(request):
    hooks = str(request.config.rootpath / "hooks")
    sys.path.insert(0, hooks)
    import guard_prefilter
    import guard_secret_files

    yield guard_secret_files, guard_prefilter
    sys.path.remove(hooks)


def named(secret_files) -> list[str]:
    """Give one path for every entry of the tables that `secrecy` and `holds_secrets` read."""
    below_home = [*secret_files._PERSONAL_FILES, *secret_files._HOLDERS]
    below_home += [folder + "/x" for folder in secret_files._PERSONAL_FOLDERS]
    below_home += [
        f"{folder}/Default/{name}" for folder in secret_files._BROWSERS for name in secret_files._BROWSER_SECRETS
    ]
    below_home += [".ssh/work", ".azure/msal_token_cache.json", ".config/gcloud/x.db", ".aws/*", ".kube/*"]
    paths = [f"{HOME}/{path}" for path in below_home]
    paths += [*secret_files._SYSTEM, *(folder + "/x" for folder in secret_files._SYSTEM_FOLDERS), "/proc/1/environ"]
    names = [*secret_files._PROJECT_NAMES, *secret_files._KEY_NAMES, *("x" + end for end in secret_files._KEY_ENDINGS)]
    return paths + [
        f"{HOME}/work/shop/{name}" for name in [*names, ".env", ".env.local", ".envrc", "prod.env", ".env*"]
    ]


def test_every_entry_of_the_tables_has_a_hint(modules):
    """Without one the rule would not be asked about it, and nothing would tell."""
    secret_files, prefilter = modules
    paths = [p for p in named(secret_files) if secret_files.secrecy(p, HOME) or secret_files.holds_secrets(p, HOME)]
    assert len(paths) > 150
    # As a command names it: absolute, below the home, and by its last part in the folder itself.
    spelled = [name for path in paths for name in (path, path.replace(HOME, "~", 1))]
    spelled += [path.rpartition("/")[2] for path in paths if path.startswith(f"{HOME}/work/")]
    assert [name for name in spelled if not prefilter.may_be_secret([name])] == []


def test_every_entry_of_the_tables_is_a_secret(modules):
    secret_files, _ = modules
    missed = [
        p for p in named(secret_files) if not (secret_files.secrecy(p, HOME) or secret_files.holds_secrets(p, HOME))
    ]
    assert missed == []


@pytest.mark.parametrize(
    "path",
    [
        ".config/google-chrome/NativeMessagingHosts",
        ".config/google-chrome/Default/Extensions/abc",
        ".config/openbox",
        ".gcp-notes",
        "work/shop/src",
    ],
)
def test_folder_beside_secrets_holds_none(modules, path):
    secret_files, _ = modules
    assert not secret_files.holds_secrets(f"{HOME}/{path}", HOME)
