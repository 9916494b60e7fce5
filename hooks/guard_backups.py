"""Does a command delete backups, which are what brings everything else back?

Imported only when a backup tool is met. Making, listing, checking and restoring backups is nobody's business here.
"""

from guard_decision import ASK, DENY, Stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from guard_paths import Places
    from guard_walk import Command

_DELETING: "dict[str, tuple[str, ...]]" = {
    "restic": ("forget", "prune", "rewrite"),
    "rustic": ("forget", "prune"),
    "borg": ("delete", "prune", "recreate"),
    "borgmatic": ("prune", "delete", "repo-delete"),
    "kopia": ("delete", "expire", "disconnect"),
    "duplicity": ("remove-older-than", "remove-all-but-n-full", "remove-all-inc-of-but-n-full", "cleanup"),
    "duplicacy": ("prune",),
    "vssadmin": ("delete", "resize"),
    "wbadmin": ("delete", "disable"),
    "snapper": ("delete", "remove", "rm", "delete-config"),
    "timeshift": ("--delete", "--delete-all"),
    "barman": ("delete",),
    "pgbackrest": ("expire", "stanza-delete", "repo-rm"),
    "wal-g": ("delete",),
    "rdiff-backup": ("--remove-older-than", "remove"),
    "tarsnap": ("-d", "--nuke"),
    "bup": ("rm", "prune-older", "gc"),
}
"""What each tool deletes backups with."""
_EVERYTHING = frozenset(
    [
        "--unsafe-allow-remove-all",
        "--delete-all",
        "--nuke",
        "stanza-delete",
        "everything",
        "/all",
        "shadows",
        "repo-delete",
        "catalog",
        "systemstatebackup",
    ]
)
_REHEARSALS = frozenset(["--dry-run", "-n", "--help", "-h", "--list", "-l"])


def judge_backup(command: "Command", _places: "Places") -> "Stop | None":
    """Judge a backup tool by its subcommand: a question, and a refusal where all backups go."""
    words = [argument.lower() for argument in command.arguments]
    if not any(word in _DELETING[command.name] for word in words) or not _REHEARSALS.isdisjoint(words):
        return None
    is_archive = any("::" in word for word in words)
    takes_all = not _EVERYTHING.isdisjoint(words) or (command.name == "borg" and "delete" in words and not is_archive)
    return Stop(
        DENY if takes_all else ASK,
        "delete-outside",
        "it deletes backups, which are what brings everything else back.",
        "list first what there is",
        "restic snapshots",
    )
