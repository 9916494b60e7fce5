"""Does a command publish something to the outside, where it cannot be taken back?

A registry keeps what it was given, and others install it within minutes; so a person confirms.
"""

from guard_decision import ASK, Stop
from guard_options import names, read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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
    "npm": (
        *_NPM, ("dist-tag", "rm"), ("dist-tag", "add"), ("dist-tags", "rm"), ("dist-tags", "add"), ("access", "public"), ("access", "set"), ("access", "grant"), ("access", "restricted"),
        ("owner", "add"), ("owner", "rm"), ("star",), ("hook", "add"),
    ),
    "cachix": (("push",),),
    "nix": (("copy",),),
    "conan": (("upload",),),
    "wasm-pack": (("publish",),),
    "regctl": (("image", "copy"), ("image", "import"), ("tag", "delete"), ("artifact", "put")),
    "ko": (("publish",), ("build",), ("apply",), ("resolve",), ("create",), ("run",)),
    "pack": (("build",), ("buildpack", "package")),
    "release-plz": (("release",),),
    "auto": (("shipit",), ("release",)),
    "elm": (("publish",),),
    "spago": (("publish",),),
    "opam": (("publish",),),
    "dune-release": (("publish",), ("opam", "submit"), ()),
    "swift": (("package-registry", "publish"),),
    "melange": (("publish",),),
    "wapm": (("publish",),),
    "wasmer": (("publish",),),
    "clawhub": (("publish",),),
    "img": (("push",),),
    "kaniko": (("push",),),
    "apko": (("publish",),),
    "charm": (("push",),),
    "charmcraft": (("upload",), ("release",)),
    "cpan-upload": ((),),
    "pnpm": _NPM,
    "yarn": (("npm", "tag"), ("tag", "add"), ("owner", "add"), ("access", "public"), ("publish",), ("npm", "publish"), ("workspaces", "foreach", "npm", "publish")),
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
    "cargo": (("publish",), ("yank",), ("release",), ("workspaces", "publish"), ("ws", "publish"), ("smart-release",), ("owner",), ("component", "publish")),
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
    "mvn": (("deploy",), ("release:perform",), ("deploy:deploy",), ("deploy:deploy-file",), ("jib:build",), ("nexus-staging:release",), ("central-publishing:publish",)),
    "mvnw": (("deploy",), ("release:perform",), ("deploy:deploy",), ("deploy:deploy-file",), ("jib:build",)),
    "gradle": (("jib",), ("publish",), ("publishplugins",), ("uploadarchives",), ("publishtomavencentral",)),
    "gradlew": (("jib",), ("publish",), ("publishplugins",), ("uploadarchives",), ("publishtomavencentral",)),
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
    "docker": (("push",), ("image", "push"), ("compose", "push"), ("manifest", "push"), ("buildx", "imagetools", "create")),
    "podman": (("push",), ("image", "push"), ("manifest", "push")),
    "nerdctl": (("push",),),
    "docker-compose": (("push",),),
    "buildah": (("push",),),
    "skopeo": (("copy",), ("sync",), ("delete",)),
    "crane": (("push",), ("copy",), ("cp",), ("delete",), ("tag",), ("append",), ("mutate",), ("rebase",)),
    "oras": (("push",), ("cp",), ("copy",), ("tag",), ("attach",), ("manifest", "push"), ("blob", "push")),
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
    "docker": "Hclof",
    "nerdctl": "of",
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
    if name == "npm" and lower:
        lower[0] = next((full for full in _NPM_VERBS if len(lower[0]) > 2 and full.startswith(lower[0])), lower[0])  # noqa: PLR2004 - a shorter one names several
    if name in _UNLESS and not _UNLESS[name](found, dict(options), lower):
        return None
    if name in ("docker", "podman", "nerdctl") and "build" in lower[:2] and ("--push" in found or _pushes(options)):
        return publication_stop()
    if name in ("gradle", "gradlew", "sbt", "mvn", "mvnw", "rake", "setup.py", "fastlane"):
        return publication_stop() if any(_is_task(word, name) for word in lower) else None
    if name == "poetry" and "--build" in found and words == ["publish"]:
        return publication_stop()
    return publication_stop() if any(_starts(lower, wanted) for wanted in _PUBLICATIONS[name]) else None


_NPM_VERBS = ("publish", "unpublish", "deprecate", "dist-tag")
_UNLESS: "dict[str, Callable[[frozenset[str], dict[str, str], list[str]], object]]" = {
    # program: whether its words publish with these options
    "cargo": lambda found, _, words: words[:1] not in (["release"], ["smart-release"]) or found & {"--execute", "-x"},
    "ko": lambda found, options, _: (
        options.get("--push") != "false" and not found & {"--local", "-L"} and options.get("--tarball", "") == ""
    ),
    "pack": lambda found, _, __: "--publish" in found,
    "nix": lambda found, _, __: "--to" in found,
    "skopeo": lambda _, __, words: words[:1] != ["copy"] or words[-1].startswith(("docker://", "atomic:")),
    "npm": lambda _, __, words: words[:1] != ["star"],
}
"""Programs that publish only with, or without, an option."""


def _pushes(options: "list[tuple[str, str]]") -> bool:
    """Tell whether an output of `docker buildx build` is a registry."""
    return any(
        name in ("-o", "--output") and ("type=registry" in value or "push=true" in value) for name, value in options
    )


def _starts(words: "list[str]", wanted: "tuple[str, ...]") -> bool:
    return len(words) >= len(wanted) and all(word == want for word, want in zip(words, wanted))  # noqa: B905 - strict came with 3.10


def _is_task(word: str, name: str) -> bool:
    word = word.rpartition(":")[2] if name.startswith("gradle") else word
    if word.startswith(_LOCAL):
        return False
    return (word,) in _PUBLICATIONS[name] or (name in ("gradle", "gradlew", "sbt") and word.startswith(_PREFIXES))


def publication_stop() -> Stop:
    """Make the question for something that would be public."""
    return Stop(
        ASK,
        "publish",
        "what is published is public at once, and a registry does not give it back.",
        "show the person first what would go out, with the program's own dry run or",
        "git log --oneline -10",
    )
