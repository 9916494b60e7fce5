"""How a keys folder comes to be, how it grows by a ring, and how its root is renewed; nothing is overwritten.

The first folder is made beside its final place and renamed, so it is there whole or not at all. What the keys
are then used for is `signing`'s question.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import CryptoSigner, Key
from tuf.api.metadata import Metadata, Role, Root
from tuf.api.serialization.json import JSONSerializer

from skillway.errors import ConflictError, SigningKeyError
from skillway.release.errors import StoreError
from skillway.release.keys import (
    PUBLIC_FILE,
    ROOT_FILE,
    SCHEMA,
    KeyFolder,
    load_keys,
    read_private_key,
    root_keys_here,
)
from skillway.release.roles import ROOT_KEYS, ROOT_ROLES, ROOT_THRESHOLD, key_names, lifetime, ring_of_role

_IGNORE = ".gitignore"
_IGNORE_ALL = b"# Private keys: nothing in this folder may be committed.\n*\n"
_SERIALIZER = JSONSerializer(compact=True)


@dataclass(frozen=True)
class KeyReport:
    """What became of each key: `created` now, `kept` as it was, `elsewhere` known but not on this machine."""

    folder: Path
    created: tuple[str, ...]
    kept: tuple[str, ...]
    elsewhere: tuple[str, ...]
    root_version: int
    root_expires: datetime


def make_keys(folder: Path, rings: Iterable[str], *, now: datetime, dry_run: bool = False) -> KeyReport:
    """Make the keys that an organisation needs and that are not there yet.

    Raises:
        SigningKeyError: The folder is half-written, or a key in it cannot be read or is not the listed one.
        ConflictError: The folder holds other files and no keys.
        StoreError: The disk does not take a file.
    """
    names = key_names(rings)
    try:
        if _is_free(folder):
            return _make_folder(folder, names, now=now, dry_run=dry_run)
        return _complete_folder(load_keys(folder), names, dry_run=dry_run)
    except OSError as error:
        raise _disk_failure(folder, error) from error


def renew_root(folder: Path, *, now: datetime, dry_run: bool = False) -> KeyReport:
    """Sign the next version of the root with the same keys and a new year of life.

    Raises:
        SigningKeyError: Fewer than two root keys are on this machine, or they are not the ones that the root trusts.
        StoreError: The disk does not take a file.
    """
    keys = load_keys(folder)
    version = max(keys.roots)
    former = Metadata[Root].from_bytes(keys.roots[version])
    names = root_keys_here(keys)
    if len(names) < ROOT_THRESHOLD:
        raise SigningKeyError(
            f"A new root needs {ROOT_THRESHOLD} of the {len(ROOT_KEYS)} root keys, and {folder} has {len(names)}.",
            fix="Copy two root-N.pem files into the keys folder for this one command, then take them away again.",
        )
    trusted = former.signed.roles[Root.type].keyids
    signers = [keys.signer(name, trusted) for name in names]
    root = former.signed
    root.version, root.expires = version + 1, now + lifetime(Root.type)
    data = _signed(root, signers)
    if not dry_run:
        try:
            _write_new(folder / f"{version}.root.json", keys.roots[version], mode=0o644)
            _replace(folder / ROOT_FILE, data, mode=0o644)
        except OSError as error:
            raise _disk_failure(folder, error) from error
    return _report(keys, (), root)


def _is_free(folder: Path) -> bool:
    if not folder.exists():
        return True
    if not folder.is_dir():
        raise ConflictError(f"{folder} is a file, and keys lie in a folder.", fix="Name a folder with --keys.")
    names = {path.name for path in folder.iterdir()}
    has_keys = bool(names & {ROOT_FILE, PUBLIC_FILE}) or any(name.endswith(".pem") for name in names)
    if names and not has_keys:
        raise ConflictError(
            f"{folder} holds other files ({', '.join(sorted(names)[:3])}) and no keys.",
            fix="Name an empty or a new folder with --keys, so that its permissions can be set for keys alone.",
        )
    return not names


def _make_folder(folder: Path, names: tuple[str, ...], *, now: datetime, dry_run: bool) -> KeyReport:
    signers = {name: CryptoSigner.generate_ed25519() for name in names}
    public: dict[str, Key] = {name: signer.public_key for name, signer in signers.items()}
    root = _first_root(public, now)
    data = _signed(root, [signers[name] for name in ROOT_KEYS])
    if not dry_run:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))  # mkdtemp makes it 0700
        try:
            for name, signer in signers.items():
                _write_new(draft / f"{name}.pem", signer.private_bytes, mode=0o600)
            _write_new(draft / PUBLIC_FILE, _public_bytes(public), mode=0o644)
            _write_new(draft / ROOT_FILE, data, mode=0o644)
            _write_new(draft / _IGNORE, _IGNORE_ALL, mode=0o644)
            if folder.exists():
                folder.rmdir()  # empty; Windows does not rename over even an empty folder
            draft.rename(folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return KeyReport(folder, names, (), (), root.version, root.expires)


def _complete_folder(keys: KeyFolder, names: tuple[str, ...], *, dry_run: bool) -> KeyReport:
    """Add what a new ring needs. A key that `keys.json` knows is never made again, wherever its PEM is."""
    for name, known in keys.public.items():
        if keys.has(name) and read_private_key(keys.path(name)).public_key.keyid != known.keyid:
            raise SigningKeyError(
                f"{keys.path(name)} is not the {name} key that {PUBLIC_FILE} lists.",
                fix="Put the right file back from the backup of the keys folder.",
            )
    missing = [name for name in names if name not in keys.public]
    for name in missing:
        if ring_of_role(name) is None:
            raise SigningKeyError(
                f"{keys.folder / PUBLIC_FILE} does not list the {name} key, which the first run made.",
                fix="Put the file back from the backup of the keys folder.",
            )
    root = Metadata[Root].from_bytes(keys.roots[max(keys.roots)]).signed
    if missing and not dry_run:
        added = {name: _ring_key(keys.path(name)).public_key for name in missing}
        _replace(keys.folder / PUBLIC_FILE, _public_bytes({**keys.public, **added}), mode=0o644)
    return _report(keys, tuple(missing), root)


def _ring_key(path: Path) -> CryptoSigner:
    # A run that was killed after this file and before keys.json left a good key that nothing uses yet.
    if path.exists():
        return read_private_key(path)
    signer = CryptoSigner.generate_ed25519()
    _replace(path, signer.private_bytes, mode=0o600)
    return signer


def _first_root(public: dict[str, Key], now: datetime) -> Root:
    roles = {name: Role([public[name].keyid], 1) for name in ROOT_ROLES}
    roles[Root.type] = Role([public[name].keyid for name in ROOT_KEYS], ROOT_THRESHOLD)
    keys = {public[name].keyid: public[name] for name in (*ROOT_KEYS, *ROOT_ROLES)}
    return Root(version=1, expires=now + lifetime(Root.type), keys=keys, roles=roles, consistent_snapshot=True)


def _signed(root: Root, signers: list[CryptoSigner]) -> bytes:
    metadata = Metadata(root)
    for signer in signers:
        metadata.sign(signer, append=True)
    root.verify_delegate(Root.type, metadata.signed_bytes, metadata.signatures)
    return metadata.to_bytes(_SERIALIZER)


def _report(keys: KeyFolder, created: tuple[str, ...], root: Root) -> KeyReport:
    kept = tuple(name for name in keys.public if keys.has(name))
    elsewhere = tuple(name for name in keys.public if not keys.has(name))
    return KeyReport(keys.folder, created, kept, elsewhere, root.version, root.expires)


def _public_bytes(public: dict[str, Key]) -> bytes:
    entries = {name: {"keyid": key.keyid, **key.to_dict()} for name, key in public.items()}
    return (json.dumps({"schema": SCHEMA, "keys": entries}, indent=2) + "\n").encode()


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    # The mode is given at creation: a key must not be readable for even a moment.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _replace(path: Path, data: bytes, *, mode: int) -> None:
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    _write_new(draft, data, mode=mode)
    draft.replace(path)


def _disk_failure(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The keys folder {folder} cannot be written: {error.strerror or error}.",
        fix="Free space, mend its permissions or name another folder with --keys, then run the command again.",
    )
