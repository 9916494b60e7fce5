"""Which rule judges which program? One function per program, found by the program's name.

A rule's module is imported when its program is met: most tool calls meet none.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from guard_decision import Stop
    from guard_paths import Places
    from guard_walk import Command


def _files() -> "ModuleType":
    import guard_files

    return guard_files


def _forge() -> "ModuleType":
    import guard_forge

    return guard_forge


def _data() -> "ModuleType":
    import guard_data

    return guard_data


def _migrations() -> "ModuleType":
    import guard_migrations

    return guard_migrations


def _git() -> "ModuleType":
    import guard_git

    return guard_git


def _discard() -> "ModuleType":
    import guard_discard

    return guard_discard


def _review() -> "ModuleType":
    import guard_review

    return guard_review


def _claude() -> "ModuleType":
    import guard_claude

    return guard_claude


def _processes() -> "ModuleType":
    import guard_processes

    return guard_processes


def _cloud() -> "ModuleType":
    import guard_cloud

    return guard_cloud


def _clusters() -> "ModuleType":
    import guard_clusters

    return guard_clusters


def _backups() -> "ModuleType":
    import guard_backups

    return guard_backups


def _machine() -> "ModuleType":
    import guard_machine

    return guard_machine


RULES: "dict[str, tuple[Callable[[], ModuleType], str]]" = {
    "git": (_git, "judge_git"),
    "gh": (_forge, "judge_gh"),
    "glab": (_forge, "judge_glab"),
    "find": (_files, "judge_find"),
    "shred": (_files, "judge_shred"),
    "kill": (_processes, "judge_kill"),
    "crontab": (_processes, "judge_crontab"),
    "claude": (_claude, "judge_claude"),
    "claude-code": (_claude, "judge_claude"),
    "hub": (_forge, "judge_hub"),
    "aws": (_cloud, "judge_aws"),
    "gsutil": (_cloud, "judge_gsutil"),
    "systemctl": (_machine, "judge_systemctl"),
    "service": (_machine, "judge_systemctl"),
    "launchctl": (_machine, "judge_systemctl"),
    **dict.fromkeys(["hg", "svn"], (_discard, "judge_other")),
    "tea": (_forge, "judge_by_words"),
    **dict.fromkeys(
        ["gt", "lab", "spr", "ghstack", "arc", "fj", "berg", "av", "bkt", "jf", "bb", "git-pull-request", "git-pr", "pull-request", "git-spr", "stax", "aviator", "gitea"], (_review, "judge_client")),
    **dict.fromkeys(["curl", "wget", "http", "https", "xh"], (_forge, "judge_http")),
    **dict.fromkeys(["rm", "srm", "rimraf", "unlink", "del-cli", "remove-item", "grm", "wipe"], (_files, "judge_delete")),
    **dict.fromkeys(["chmod", "chown", "chgrp"], (_files, "judge_rights")),
    **dict.fromkeys(["dd", "wipefs", "diskutil", "mke2fs", "mkswap", "newfs", "blkdiscard", "qemu-img"], (_files, "judge_disk")),
    **dict.fromkeys(
        ["fdisk", "sfdisk", "cfdisk", "gdisk", "sgdisk", "parted", "hdparm", "badblocks", "mdadm", "nvme", "cryptsetup", "zpool", "zfs", "lvm",
         "lvremove", "vgremove", "pvremove", "asr", "btrfs", "tmutil"], (_machine, "judge_wiper")),
    **dict.fromkeys(
        ["restic", "borg", "kopia", "duplicity", "duplicacy", "vssadmin", "wbadmin", "snapper", "timeshift", "barman", "pgbackrest", "wal-g", "rdiff-backup", "tarsnap", "bup",
         "rustic", "borgmatic"], (_backups, "judge_backup")),
    **dict.fromkeys(["shutdown", "reboot", "halt", "poweroff", "init", "telinit"], (_machine, "judge_power")),
    **dict.fromkeys(
        ["iptables", "ip6tables", "iptables-legacy", "iptables-nft", "nft", "ufw", "pfctl", "setenforce", "csrutil", "spctl", "nvram", "fdesetup",
         "profiles", "auditctl", "aa-teardown", "firewall-cmd", "socketfilterfw", "umount"], (_machine, "judge_protection")),
    **dict.fromkeys(
        ["userdel", "deluser", "groupdel", "delgroup", "dscl", "sysadminctl", "usermod", "passwd", "chpasswd"], (_machine, "judge_users")),
    **dict.fromkeys(["apt", "apt-get", "aptitude", "dpkg", "yum", "dnf", "rpm", "pacman", "zypper", "apk", "microdnf", "yay", "paru", "tdnf"], (_machine, "judge_packages")),
    **dict.fromkeys(["pkill", "killall", "killall5"], (_machine, "judge_mass_kill")),
    **dict.fromkeys(
        ["psql", "mysql", "mariadb", "sqlite3", "sqlcmd", "cqlsh", "clickhouse-client", "clickhouse", "duckdb", "snowsql", "usql", "cockroach", "sqlplus",
         "pgcli", "mycli", "litecli", "trino", "presto", "bsqlsh", "hive", "beeline", "isql", "mssql-cli", "rsql", "surreal"], (_data, "judge_client")),
    **dict.fromkeys(["dropdb", "dropuser", "pg_dropcluster"], (_data, "judge_dropdb")),
    "visudo": (_machine, "judge_visudo"),
    "patch": (_git, "judge_patch"),
    **dict.fromkeys(["tar", "bsdtar", "gtar", "zip", "7z"], (_files, "judge_archiver")),
    **dict.fromkeys(["setfacl", "chattr"], (_files, "judge_attributes")),
    **dict.fromkeys(
        ["k3s-uninstall.sh", "k3s-agent-uninstall.sh", "k3s-killall.sh", "rke2-uninstall.sh", "rke2-killall.sh"], (_clusters, "judge_uninstaller")),
    "cypher-shell": (_data, "judge_cypher"),
    "mysqladmin": (_data, "judge_mysqladmin"),
    "redis-cli": (_data, "judge_redis"),
    "valkey-cli": (_data, "judge_redis"),
    "mongosh": (_data, "judge_mongo"),
    "mongo": (_data, "judge_mongo"),
    "mongorestore": (_data, "judge_restore"),
    "pg_restore": (_data, "judge_restore"),
    **dict.fromkeys(
        ["rails", "rake", "prisma", "manage.py", "django-admin", "artisan", "alembic", "knex", "sequelize", "sequelize-cli", "typeorm", "drizzle-kit",
         "supabase", "dbmate", "flyway", "liquibase", "goose", "migrate", "hasura", "doctrine", "mix", "influx", "kafka-topics", "kafka-topics.sh",
         "console", "atlas", "diesel", "sqlx", "ecto", "flask", "dotnet", "dotnet-ef", "wp", "drush", "mikro-orm", "rpk", "nats", "pulsar-admin", "zkcli.sh", "celery",
         "kafka-delete-records", "kafka-delete-records.sh", "kcctl", "magento", "bench", "payload", "kysely", "medusa", "nodetool"], (_migrations, "judge_migration")),
    **dict.fromkeys(["kubectl", "oc", "kubecolor", "k3s", "microk8s", "minikube", "k"], (_clusters, "judge_kubectl")),
    **dict.fromkeys(
        ["helm", "helmfile", "argocd", "flux", "eksctl", "kops", "kubeadm", "istioctl", "velero", "skaffold", "rancher", "k0s", "talosctl"],
        (_clusters, "judge_helm")),
    **dict.fromkeys(["terraform", "tofu", "terragrunt"], (_clusters, "judge_terraform")),
    **dict.fromkeys(
        ["pulumi", "cdk", "cdktf", "serverless", "sls", "sam", "sst", "vagrant", "multipass", "lxc", "incus", "juju", "virsh", "colima", "limactl",
         "docker-machine", "azd", "bosh", "sky"], (_clusters, "judge_pulumi")),
    **dict.fromkeys(["ansible", "ansible-playbook"], (_clusters, "judge_ansible")),
    **dict.fromkeys(["docker", "podman", "nerdctl", "docker-compose", "podman-compose"], (_clusters, "judge_docker")),
    **dict.fromkeys(["heroku", "netlify", "firebase", "dokku", "clever", "scalingo", "platform"], (_cloud, "judge_heroku")),
    **dict.fromkeys(
        ["gcloud", "bq", "oci", "openstack", "ibmcloud", "hcloud", "doctl", "linode-cli", "scw", "yc", "vultr-cli", "exo", "fly",
         "flyctl", "vercel", "now", "railway", "render", "neonctl", "neon", "pscale", "planetscale", "turso",
         "wrangler", "eb", "copilot", "amplify", "cf", "mc", "s3cmd", "s5cmd", "b2", "rclone", "aws-nuke", "cloud-nuke", "consul", "vault",
         "etcdctl", "nomad", "rabbitmqctl", "rabbitmqadmin", "ngrok", "sentry-cli", "stripe", "auth0", "okta"], (_cloud, "judge_cloud")),
    "az": (_forge, "judge_az"),
}  # fmt: skip
PUBLISHERS = frozenset([
    "npm", "pnpm", "yarn", "bun", "lerna", "changeset", "changesets", "semantic-release", "release-it", "np", "nx", "jsr", "deno", "twine",
    "cargo", "gem", "uv", "poetry", "flit", "hatch", "pdm", "rye", "maturin", "setup.py", "mvn", "mvnw", "gradle", "gradlew", "sbt", "lein",
    "nuget", "pod", "dart", "flutter", "rebar3", "vsce", "ovsx", "buildah", "skopeo", "crane", "oras", "goreleaser", "conda", "anaconda",
    "ansible-galaxy", "luarocks", "cabal", "stack", "snapcraft", "web-ext", "fastlane", "eas",
    "gh", "glab", "helm", "rake", "mix", "dotnet", "claude", "cachix", "nix", "conan", "wasm-pack", "regctl", "ko", "pack", "release-plz", "auto", "elm", "spago", "opam", "dune-release", "swift",
    "melange", "wapm", "wasmer", "clawhub", "img", "apko", "charm", "charmcraft", "cpan-upload",
])  # fmt: skip
"""Programs of which some subcommand publishes, beside what the table has about them."""
_FOUND: "dict[str, Callable[[Command, Places], Stop | None] | None]" = {}


def find_rule(name: str) -> "Callable[[Command, Places], Stop | None] | None":
    """Give the function that judges a program, or None."""
    try:
        return _FOUND[name]
    except KeyError:
        pass
    entry = RULES.get(name)
    if entry is None and name.startswith(("mkfs", "newfs_")):
        entry = (_files, "judge_disk")
    rule = _FOUND[name] = getattr(entry[0](), entry[1]) if entry is not None else None
    return rule
