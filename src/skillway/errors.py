"""Which errors can end a command, and with which exit code (the table in docs/adr/0010-cli-manner.md)."""

from __future__ import annotations

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_UNDECIDED = 3
EXIT_AUTH = 4
EXIT_FINDINGS = 5
EXIT_REFUSED = 6
EXIT_NOT_FOUND = 7
EXIT_CONFLICT = 8
EXIT_RETRY = 9
EXIT_TIMEOUT = 10


class SkillwayError(Exception):
    """Base of every expected failure.

    Args:
        message: One sentence: what happened, and where (path, line, skill, URL), with the value seen.
        fix: One sentence: what to do next.
        next_actions: Complete commands that can be run as they stand.
    """

    code = "failure"
    exit_code = EXIT_FAILURE

    def __init__(self, message: str, *, fix: str, next_actions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.next_actions = next_actions


class FindingsError(SkillwayError):
    """The author must act: content has errors that would reach a laptop."""

    code = "findings"
    exit_code = EXIT_FINDINGS


class RepositoryError(SkillwayError):
    """The author must act: the repository's own frame (organisation.yaml, folders) cannot be used."""

    code = "repository"
    exit_code = EXIT_FAILURE


class NotFoundError(SkillwayError):
    """The caller must act: what was named does not exist."""

    code = "not_found"
    exit_code = EXIT_NOT_FOUND


class ConflictError(SkillwayError):
    """The caller must act: something is already there and would be lost."""

    code = "conflict"
    exit_code = EXIT_CONFLICT


class SigningKeyError(SkillwayError):
    """The operator must act: a signing key is missing or is not the one that the root trusts."""

    code = "keys"
    exit_code = EXIT_AUTH


class RefusedError(SkillwayError):
    """The caller must act: the organisation's own rules do not allow this now."""

    code = "refused"
    exit_code = EXIT_REFUSED


class UndecidedError(SkillwayError):
    """The caller must act: something that the command needs was not there, so nothing was decided."""

    code = "undecided"
    exit_code = EXIT_UNDECIDED
