"""Which errors can end a run, who must act on each, and with which exit code.

The exit codes are made for MDM: stable, documented in docs/guides/it.md, and 0 whenever the laptop is in
order, which includes "offline, but recently in order".
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_UNEXPECTED = 1
EXIT_USAGE = 2
EXIT_STALE = 10
EXIT_DRIFT = 20
EXIT_REFUSED = 30
EXIT_EXPIRED = 31
EXIT_DISK = 40
EXIT_CONFIG = 50
EXIT_SELF_TEST = 60


class SyncError(Exception):
    """Base of every expected failure.

    Args:
        message: One sentence: what happened, and where (path, URL, plugin), with the value seen.
        fix: One sentence: what to do next.
    """

    code = "sync_error"
    exit_code = EXIT_UNEXPECTED

    def __init__(self, message: str, *, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class ConfigError(SyncError):
    """IT must act: the configuration or a settings file of this laptop cannot be used."""

    code = "config"
    exit_code = EXIT_CONFIG


class OfflineError(SyncError):
    """Nobody must act yet: the store cannot be reached, or something that is not the store answered."""

    code = "offline"
    exit_code = EXIT_STALE


class RefusedError(SyncError):
    """The publisher must act: what the store offers fails verification, so nothing of it was used."""

    code = "refused"
    exit_code = EXIT_REFUSED


class ExpiredError(SyncError):
    """The publisher must act: signatures are out of date; the laptop keeps what it has."""

    code = "expired"
    exit_code = EXIT_EXPIRED


class DiskError(SyncError):
    """IT must act: the disk is full, read-only or failing."""

    code = "disk"
    exit_code = EXIT_DISK


class SelfTestError(SyncError):
    """The publisher must act: the new release was verified but does not work here, so it was not applied."""

    code = "self_test"
    exit_code = EXIT_SELF_TEST


class DriftError(SyncError):
    """The laptop differs from what it should be."""

    code = "drift"
    exit_code = EXIT_DRIFT
