"""Where does a path lead, and how bad would it be to lose what is there?

Lexical: links are not followed, so a link in the project that leads out of it counts as the project.
"""

from posix import stat

from guard_simple import UNKNOWN_TEXT

ROOT, SYSTEM, HOME, PROJECT, GIT, TEMPORARY, OUTSIDE, UNKNOWN = (
    "root", "system", "home", "project", "git", "temporary", "outside", "unknown",
)  # fmt: skip
"""ROOT, SYSTEM and HOME are the thing itself; OUTSIDE is somewhere in a home and not in the project."""

_SYSTEM = frozenset([
    "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "opt", "proc", "root", "sbin", "srv", "sys", "usr",
    "var", "Applications", "Library", "Network", "System", "Users", "Volumes", "cores", "private",
])  # fmt: skip
_TEMPORARY = (  # and what the system makes again by itself
    "/tmp", "/var/tmp", "/dev/shm", "/private/tmp", "/private/var/tmp", "/var/folders", "/private/var/folders",  # noqa: S108
    "/var/cache", "/var/lib/apt/lists",
)  # fmt: skip
_HOMES = ("/home/", "/Users/")
_CACHES = (
    ".cache", ".npm", ".gradle/caches", ".m2/repository", ".cargo/registry", ".pnpm-store", ".local/share/Trash",
    ".local/share/pnpm/store", "Library/Caches", "Library/Developer/Xcode/DerivedData", ".yarn/cache", ".yarn/berry/cache", ".bun/install/cache", ".nuget/packages",
    ".cargo/git", ".pub-cache", ".terraform.d/plugin-cache", "Library/Developer/CoreSimulator/Caches", ".Trash", "go/pkg/mod",
)  # fmt: skip
_PERSONAL = frozenset([
    "Desktop", "Documents", "Downloads", "Library", "Movies", "Music", "Pictures", "Public", "Videos", ".aws",
    ".claude", ".config", ".gnupg", ".kube", ".local", ".ssh",
])  # fmt: skip
_GIT_CORE = frozenset(["", "objects", "refs", "HEAD", "config", "*"])
_DEVICES = ("sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "rdisk", "mapper/", "md", "dm-", "loop", "nbd")


def absolute(path: str, cwd: "str | None") -> "str | None":
    """Make a path absolute and take `.` and `..` out; None when its beginning is not known."""
    if path.startswith(UNKNOWN_TEXT):
        return None
    if not path.startswith("/"):
        if cwd is None:
            return None
        path = cwd + "/" + path
    if "/." not in path and "//" not in path and path[-1] != "/":
        return path  # nothing to take out, as in most
    parts: "list[str]" = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def is_inside(path: str, folder: str) -> bool:
    """Tell whether a path is a folder or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def is_disk(path: str) -> bool:
    """Tell whether a path is a disk or a part of one."""
    return path.startswith("/dev/") and path[5:].startswith(_DEVICES)


def is_missing(name: str, cwd: "str | None") -> bool:
    """Tell whether a folder surely has no such file; a shell that is to read it stops there, before it writes."""
    if cwd is None or UNKNOWN_TEXT in cwd:
        return False
    try:
        stat(cwd + "/" + name)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    return False


def project_folder(cwd: str) -> str:
    """Give the git working tree around a folder, or the folder itself."""
    folder = cwd
    while folder and folder != "/":
        try:
            stat(folder + "/.git")
        except (OSError, ValueError):
            folder = folder.rpartition("/")[0]
        else:
            return folder
    return cwd


class Places:
    """The folders that the zones are measured from.

    Args:
        cwd: Where the session works, absolute.
        home: The user's home.
    """

    def __init__(self, cwd: str, home: str) -> None:
        self.home = home.rstrip("/") or "/"
        self._cwd = cwd
        self._project: "str | None" = None
        self.moved: "list[str]" = []
        """Where this line has moved something to that is not the project's; deleting it there deletes it."""
        self._more_projects: "list[str]" = []
        self._more_caches: "list[str]" = []

    def widen(self, projects: "list[str]", caches: "list[str]") -> None:
        """Add the policy's own zones; `~/` is the user's home."""
        self._more_projects = [self.home + path[1:] if path.startswith("~/") else path for path in projects]
        self._more_caches = [self.home + path[1:] if path.startswith("~/") else path for path in caches]

    @property
    def project(self) -> str:
        """The git working tree that the session works in."""
        project = self._project
        if project is None:
            project = self._project = project_folder(self._cwd)
        return project

    def zone(self, path: str, cwd: "str | None", *, is_bulk: bool = False) -> str:
        """Say what would be lost with a path and everything below it.

        Args:
            path: As expanded; `*` at its end stands for everything in a folder.
            cwd: Where the command runs.
            is_bulk: An unknown name at its end stands for everything in a folder, too.
        """
        full = absolute(path, cwd)
        if full is None:
            # Wherever that is, what stands beside it was not asked for.
            return OUTSIDE if path.endswith(("/..", "/../*", "/../.*")) else UNKNOWN
        folder, _, last = full.rpartition("/")
        if last and not last.strip("*.?" + UNKNOWN_TEXT) and ("*" in last or is_bulk):
            full = folder or "/"
        if full == "/":
            return ROOT
        git = self._git(full)
        # A copy in a temporary folder is temporary as a whole.
        return self._zone(full) if not git or any(is_inside(full, folder) for folder in _TEMPORARY) else git

    def _git(self, full: str) -> str:
        before, found, rest = (full + "/").partition("/.git/")
        return GIT if found and before and rest.rstrip("/") in _GIT_CORE else ""

    def _zone(self, full: str) -> str:
        if full == self.home or is_inside(self.home, full):
            return HOME
        if self.moved and any(is_inside(full, folder) for folder in self.moved):
            return OUTSIDE
        if self._more_caches and any(is_inside(full, folder) for folder in self._more_caches):
            return TEMPORARY
        # The zone's own folder is not inside it: a policy that makes a place workable does not make it expendable.
        if self._more_projects and any(full.startswith(folder + "/") for folder in self._more_projects):
            return PROJECT
        if self.project not in ("/", self.home):
            if is_inside(full, self.project):
                return PROJECT
            if is_inside(self.project, full):
                return OUTSIDE
        return self._in_home(full) if is_inside(full, self.home) else _elsewhere(full)

    def _in_home(self, full: str) -> str:
        inner = full[len(self.home) :].lstrip("/")
        if any(is_inside(inner, cache) for cache in _CACHES):
            return TEMPORARY
        # A session that works in the home itself has no project to stay in; only what everybody has is guarded.
        if self.project == self.home and inner.partition("/")[0] not in _PERSONAL:
            return PROJECT
        return OUTSIDE


def _elsewhere(full: str) -> str:
    """Give the zone of a path that is neither in the project nor in the user's home."""
    if any(is_inside(full, folder) for folder in _TEMPORARY):
        return TEMPORARY
    if full.startswith(_HOMES):
        return HOME if full.count("/") == 2 else OUTSIDE  # noqa: PLR2004 - /home/<name>
    return SYSTEM if full[1:].partition("/")[0] in _SYSTEM else UNKNOWN
