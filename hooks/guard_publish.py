"""Does a command publish something to the outside, where it cannot be taken back?

A registry keeps what it was given, and others install it within minutes; so a person confirms.
"""

from guard_decision import ASK, Stop
from guard_options import names, read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command

_REHEARSALS = frozenset(["--dry-run", "--help", "-h", "--dryrun", "--list", "--snapshot", "--print-only"])
_VALUES = frozenset([
    "registry", "tag", "access", "otp", "workspace", "filter", "prefix", "dir", "cwd", "index", "token", "package", "repo",
    "repository", "username", "password", "project", "config", "context", "host", "title", "notes", "notes-file", "target",
    "manifest-path", "target-dir", "features", "api-key", "source", "file", "directory", "platform", "build-arg", "output",
])  # fmt: skip
_NPM = (("publish",), ("unpublish",), ("deprecate",), ("stage", "publish"))
_PUBLICATIONS = {
    "npm": (*_NPM, ("dist-tag", "rm")),
    "pnpm": _NPM,
    "yarn": (("publish",), ("npm", "publish"), ("workspaces", "foreach", "npm", "publish")),
    "bun": (("publish",),),
    "lerna": (("publish",),),
    "changeset": (("publish",),),
    "changesets": (("publish",),),
    "semantic-release": ((),),
    "release-it": ((),),
    "np": ((),),
    "nx": (("release", "publish"), ("release",)),
    "jsr": (("publish",),),
    "deno": (("publish",),),
    "twine": (("upload",),),
    "cargo": (("publish",), ("yank",), ("release",)),
    "gem": (("push",), ("yank",)),
    "uv": (("publish",),),
    "poetry": (("publish",),),
    "flit": (("publish",),),
    "hatch": (("publish",),),
    "pdm": (("publish",),),
    "rye": (("publish",),),
    "maturin": (("publish",), ("upload",)),
    "setup.py": (("upload",),),
    "rake": (("release",),),
    "mvn": (("deploy",), ("release:perform",)),
    "mvnw": (("deploy",), ("release:perform",)),
    "gradle": (("publish",), ("publishplugins",), ("uploadarchives",), ("publishtomavencentral",)),
    "gradlew": (("publish",), ("publishplugins",), ("uploadarchives",), ("publishtomavencentral",)),
    "sbt": (("publish",), ("publishsigned",), ("ci-release",)),
    "lein": (("deploy",),),
    "dotnet": (("nuget", "push"), ("nuget", "delete")),
    "nuget": (("push",), ("delete",)),
    "pod": (("trunk", "push"), ("trunk", "delete")),
    "dart": (("pub", "publish"), ("pub", "lish")),
    "flutter": (("pub", "publish"),),
    "mix": (("hex.publish",), ("hex.retire",)),
    "rebar3": (("hex", "publish"),),
    "vsce": (("publish",), ("unpublish",)),
    "ovsx": (("publish",),),
    "docker": (("push",), ("image", "push"), ("compose", "push"), ("manifest", "push")),
    "podman": (("push",), ("image", "push"), ("manifest", "push")),
    "nerdctl": (("push",),),
    "docker-compose": (("push",),),
    "buildah": (("push",),),
    "skopeo": (("copy",), ("sync",), ("delete",)),
    "crane": (("push",), ("copy",), ("delete",)),
    "oras": (("push",),),
    "helm": (("push",), ("cm-push",)),
    "goreleaser": (("release",),),
    "conda": (("upload",),),
    "anaconda": (("upload",),),
    "ansible-galaxy": (("collection", "publish"), ("role", "import")),
    "luarocks": (("upload",),),
    "cabal": (("upload",),),
    "stack": (("upload",),),
    "snapcraft": (("upload",), ("push",), ("release",)),
    "web-ext": (("sign",),),
    "fastlane": (("deliver",), ("supply",), ("pilot",)),
    "eas": (("submit",),),
    "gh": (("release", "create"), ("release", "delete"), ("release", "upload"), ("release", "edit"), ("release", "delete-asset")),
    "glab": (("release", "create"), ("release", "delete"), ("release", "upload")),
    "claude": (("plugin", "publish"),),
}  # fmt: skip
_SHORTS = {
    "npm": "wC",
    "pnpm": "CF",
    "docker": "Hcl",
    "mvn": "fPplsD",
    "gradle": "pP",
    "gradlew": "pP",
    "twine": "rupi",
    "gh": "RtnF",
    "poetry": "rupC",
}
_PREFIXES = ("publish",)
"""Tasks of Gradle and sbt that only begin with this, such as publishAllPublicationsToX; not publishToMavenLocal."""
_LOCAL = ("publishtomavenlocal", "publishlocal", "publishm2")


def judge_publication(command: "Command", _places: "Places") -> "Stop | None":
    """Judge a program that can publish by its first words; a rehearsal publishes nothing."""
    name = command.name
    options, words = read_options(command.arguments, _SHORTS.get(name, ""), _VALUES)
    found = names(options)
    if found & _REHEARSALS or (name == "cargo" and "-n" in found) or words[:1] == ["help"]:
        return None
    lower = [word.lower() for word in words]
    if name in ("docker", "podman") and "--push" in found and "build" in lower[:2]:
        return _stop()
    if name in ("gradle", "gradlew", "sbt", "mvn", "mvnw", "rake", "setup.py", "fastlane"):
        return _stop() if any(_is_task(word, name) for word in lower) else None
    if name == "poetry" and "--build" in found and words == ["publish"]:
        return _stop()
    return _stop() if any(_starts(lower, wanted) for wanted in _PUBLICATIONS[name]) else None


def _starts(words: "list[str]", wanted: "tuple[str, ...]") -> bool:
    return len(words) >= len(wanted) and all(word == want for word, want in zip(words, wanted))  # noqa: B905 - strict came with 3.10


def _is_task(word: str, name: str) -> bool:
    word = word.rpartition(":")[2] if name.startswith("gradle") else word
    if word.startswith(_LOCAL):
        return False
    return (word,) in _PUBLICATIONS[name] or (name in ("gradle", "gradlew", "sbt") and word.startswith(_PREFIXES))


def _stop() -> Stop:
    return Stop(
        ASK,
        "publish",
        "what is published is public at once, and a registry does not give it back.",
        "show the person first what would go out, with the program's own dry run or",
        "git log --oneline -10",
    )
