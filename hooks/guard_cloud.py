"""Does a command delete what an organisation has in the cloud, or open it to others?

Cloud CLIs are trees of groups with the verb near the end: `rds delete-db-instance`, `compute instances delete`. So the
verb is looked for among the first words, once the program's own global options are out of the way.
"""

from guard_decision import ASK, DENY, Stop
from guard_options import names, read_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from guard_paths import Places
    from guard_walk import Command

_HARMLESS = frozenset(
    [
        "--help",
        "-h",
        "--dry-run",
        "--dryrun",
        "--generate-cli-skeleton",
        "--what-if",
        "--validate-only",
        "--dry_run",
        "--preview",
        "--simulate",
        "--noop",
        "--no-execute",
    ]
)
_AWS_VALUES = frozenset([
    "profile", "region", "output", "endpoint-url", "query", "ca-bundle", "color", "cli-input-json", "cli-read-timeout",
    "cli-connect-timeout", "cli-binary-format", "cli-input-yaml",
])  # fmt: skip
_AWS_DELETES = (
    "delete-", "batch-delete-", "terminate-", "purge-", "deregister-", "release-", "destroy-", "schedule-key-deletion",
    "remove-", "revoke-", "leave-organization", "close-account", "disable-key", "force-delete-", "cancel-",
)  # fmt: skip
_AWS_ORDINARY = frozenset([
    "delete-message", "delete-message-batch", "delete-tags", "remove-tags", "remove-tags-from-resource", "cancel-job",
    "cancel-query", "revoke-security-group-ingress", "revoke-security-group-egress", "cancel-spot-fleet-requests",
    "remove-permission", "delete-object-tagging", "cancel-command", "cancel-update-stack", "cancel-export-task",
])  # fmt: skip
_AWS_RIGHTS = (
    "attach-user-policy", "attach-role-policy", "attach-group-policy", "put-user-policy", "put-role-policy",
    "put-group-policy", "create-access-key", "create-login-profile", "update-login-profile", "update-assume-role-policy",
    "add-user-to-group", "create-policy-version", "set-default-policy-version", "put-bucket-policy", "put-bucket-acl",
    "put-public-access-block", "put-key-policy", "modify-image-attribute", "modify-snapshot-attribute",
    "modify-db-snapshot-attribute", "deactivate-mfa-device", "put-object-acl", "create-user",
)  # fmt: skip
_STOPPERS = (
    "stop-logging",
    "stop-instances",
    "stop-db-instance",
    "stop-db-cluster",
    "reboot-db-instance",
    "update-trail",
)
_CLOUD_VALUES = frozenset([
    "project", "account", "configuration", "format", "zone", "region", "filter", "verbosity", "impersonate-service-account",
    "flags-file", "billing-project", "location", "subscription", "resource-group", "name", "output", "query", "context",
    "access-token", "app", "org", "config", "token", "profile", "compartment-id", "type", "sort-by", "limit", "remote",
    "team", "site", "scope", "cwd", "environment", "namespace", "cluster", "stage", "aws-profile", "endpoint-url",
])  # fmt: skip
_SHORTS = {
    "az": "gnosl",
    "heroku": "ar",
    "fly": "aco",
    "flyctl": "aco",
    "doctl": "tuc",
    "gsutil": "oho",
    "firebase": "P",
    "vercel": "AQtS",
}
_DELETING = frozenset(["delete", "destroy", "purge", "terminate", "del", "delete-backup-and-data", "remove-iam-policy"])
_DELETING_SHORT = _DELETING | {"rm", "remove", "rb", "d", "nuke"}
_PER_PROGRAM: "dict[str, frozenset[str]]" = {
    "gcloud": _DELETING | {"rm"},
    "az": _DELETING | {"delete-batch"},
    "bq": frozenset(["rm"]),
    "oci": _DELETING | {"bulk-delete", "schedule-deletion"},
    "openstack": _DELETING,
    "ibmcloud": _DELETING_SHORT | {"service-instance-delete", "resource-group-delete"},
    "hcloud": _DELETING | {"rebuild"},
    "doctl": _DELETING_SHORT,
    "linode-cli": _DELETING_SHORT,
    "scw": _DELETING,
    "yc": _DELETING,
    "vultr-cli": _DELETING,
    "exo": _DELETING_SHORT,
    "fly": _DELETING_SHORT,
    "flyctl": _DELETING_SHORT,
    "vercel": _DELETING_SHORT,
    "now": _DELETING_SHORT,
    "railway": frozenset(["delete", "down", "remove"]),
    "render": _DELETING,
    "supabase": _DELETING,
    "neonctl": _DELETING,
    "neon": _DELETING,
    "pscale": _DELETING,
    "planetscale": _DELETING,
    "turso": _DELETING,
    "atlas": _DELETING,
    "wrangler": _DELETING,
    "eb": frozenset(["terminate"]),
    "copilot": _DELETING,
    "amplify": frozenset(["delete", "remove"]),
    "cf": frozenset(["delete", "delete-service", "delete-org", "delete-space", "d", "ds"]),
    "mc": frozenset(["rb"]),
    "s3cmd": frozenset(["rb"]),
    "s5cmd": frozenset(["rb"]),
    "b2": frozenset(["delete-bucket", "rm", "delete-file-version"]),
    "rclone": frozenset(["delete", "purge", "rmdirs", "deletefile"]),
    "aws-nuke": frozenset(["run", "nuke"]),
    "cloud-nuke": frozenset(["aws", "gcp"]),
    "consul": frozenset(["delete", "leave"]),
    "vault": frozenset(["delete", "destroy", "disable", "seal", "revoke"]),
    "etcdctl": frozenset(["del"]),
    "nomad": frozenset(["purge"]),
    "rabbitmqctl": frozenset(["delete_queue", "purge_queue", "reset", "force_reset", "delete_vhost", "delete_user"]),
    "rabbitmqadmin": frozenset(["delete", "purge"]),
    "ngrok": frozenset(["delete"]),
    "sentry-cli": frozenset(["delete"]),
    "stripe": frozenset(["delete"]),
    "auth0": frozenset(["delete"]),
    "okta": frozenset(["delete"]),
}
_LOCAL_GROUPS = frozenset(
    ["config", "configurations", "local", "context", "cache", "login", "auth", "extension", "plugins"]
)
_MAX_VERB_PLACE = 6
_RIGHTS = frozenset(["add-iam-policy-binding", "set-iam-policy", "remove-iam-policy-binding", "create-for-rbac"])


def judge_aws(command: "Command", _places: "Places") -> "Stop | None":
    """Judge Amazon's CLI."""
    options, words = read_options(command.arguments, "", _AWS_VALUES)
    found = names(options)
    if found & _HARMLESS or "help" in words[:3] or len(words) < 2:  # noqa: PLR2004 - service and operation
        return None
    service, operation = words[0], words[1]
    if service == "s3":
        return _judge_s3(operation, found)
    if operation in _AWS_ORDINARY or service in ("configure", "sso"):
        return None
    if service == "codecommit" and operation == "create-pull-request":
        from guard_forge import pull_request_stop

        return pull_request_stop()
    if operation == "delete-object" or (service == "dynamodb" and operation == "delete-item"):
        return _deletion(ASK)
    if operation.startswith(_AWS_DELETES):
        return _deletion()
    if operation in _STOPPERS:
        return _deletion(ASK)
    is_opened = operation == "authorize-security-group-ingress" and any(mark in " ".join(words + [v for _, v in options]) for mark in ("0.0.0.0/0", "::/0"))  # fmt: skip
    if operation in _AWS_RIGHTS or is_opened or (service == "route53" and "DELETE" in " ".join(command.arguments)):
        return _rights()
    if any(option in ("--no-deletion-protection", "--no-enable-deletion-protection") for option in found):
        return _deletion(ASK)
    return None


def _judge_s3(operation: str, found: "frozenset[str]") -> "Stop | None":
    if operation == "rb" or (operation == "rm" and "--recursive" in found):
        return _deletion()
    is_question = operation == "rm" or (operation == "sync" and "--delete" in found)
    return _deletion(ASK) if is_question else None


def judge_gsutil(command: "Command", _places: "Places") -> "Stop | None":
    """Judge Google's storage CLI."""
    options, words = read_options(command.arguments, "oh", frozenset())
    found = names(options)
    verb = words[0] if words else ""
    if verb == "rsync" and "-n" in found:
        return None
    if verb == "rb" or (verb == "rm" and (found & {"-r", "-R", "-a"} or any("*" in word for word in words))):
        return _deletion()
    if verb == "rm" or (verb == "rsync" and "-d" in found):
        return _deletion(ASK)
    return _rights() if verb in ("iam", "acl") and words[1:2] in (["ch"], ["set"]) else None


def judge_heroku(command: "Command", _places: "Places") -> "Stop | None":
    """Judge Heroku's CLI and those built like it: `topic:verb`."""
    options, words = read_options(command.arguments, "ar", frozenset(["app", "remote", "confirm", "project", "site"]))
    if names(options) & _HARMLESS or not words:
        return None
    topic, _, verb = words[0].lower().rpartition(":")
    is_deletion = verb in ("destroy", "delete", "reset", "remove", "wipe", "disable") and (topic or verb == "destroy")
    if topic in ("config", "local", "plugins", "git", "auth"):
        return None
    return _deletion() if is_deletion else None


def judge_cloud(command: "Command", _places: "Places") -> "Stop | None":
    """Judge the CLIs whose verb stands among the first words."""
    name = command.name
    options, words = read_options(command.arguments, _SHORTS.get(name, ""), _CLOUD_VALUES)
    found = names(options)
    if found & _HARMLESS or "help" in words[:1]:
        return None
    if name == "rclone" and "-n" in found:
        return None
    if name == "rclone" and words[:1] == ["sync"]:
        return _deletion(ASK)
    if name in ("mc", "s3cmd", "s5cmd") and words[:1] in (["rm"], ["del"]):
        return _deletion(DENY if found & {"--recursive", "-r", "--force"} or "*" in words[-1] else ASK)
    if name == "nomad":
        return _deletion() if "-purge" in command.arguments else None
    if name == "aws-nuke" and "--no-dry-run" not in found:
        return None
    if name == "bq" and words[:1] == ["query"]:
        from guard_data import judge_sql

        return judge_sql(" ".join(words[1:]))
    if not words or _is_local(words):
        return None
    verbs = _PER_PROGRAM[name]
    if any(word in verbs for word in words[:_MAX_VERB_PLACE]):
        return _deletion()
    if name == "az" and words[:3] == ["deployment", "group", "create"] and "Complete" in command.arguments:
        return _deletion(ASK)
    return _rights() if _RIGHTS & set(words) or words[:3] == ["role", "assignment", "create"] else None


def _is_local(words: "Sequence[str]") -> bool:
    return words[0] in _LOCAL_GROUPS


def _deletion(decision: str = DENY) -> Stop:
    return Stop(
        decision,
        "cloud-delete",
        "it deletes or stops what runs or is kept in the cloud, maybe for customers.",
        "look at what is there, and let the person delete it in their own terminal or console",
        "aws sts get-caller-identity",
    )


def _rights() -> Stop:
    return Stop(
        ASK,
        "cloud-rights",
        "it changes who may reach what in the cloud.",
        "show the person the present rights first",
        "aws iam get-account-summary",
    )
