"""Which signing keys there are, where they lie, and whether this machine has the one that is needed.

A keys folder holds `<name>.pem` (private, 0600), `keys.json` (every public key), `root.json` (the newest
root, which laptops get) and, after a renewal, the earlier roots as `<version>.root.json`. A private key may be
anywhere else; what needs it then says so. How keys are made is `key_making`'s question.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.signer import CryptoSigner, Key
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from skillway.errors import SigningKeyError
from skillway.release.roles import ROOT_KEYS

PUBLIC_FILE = "keys.json"
ROOT_FILE = "root.json"
SCHEMA = 1
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_EARLIER_ROOT = re.compile(r"\d+\.root\.json\Z")


@dataclass(frozen=True)
class KeyFolder:
    """A readable keys folder. `public` goes from key name to key, `roots` from version to the root's bytes."""

    folder: Path
    public: dict[str, Key]
    roots: dict[int, bytes]

    def path(self, name: str) -> Path:
        """Give where a private key lies, or would lie."""
        return self.folder / f"{name}.pem"

    def has(self, name: str) -> bool:
        """Tell whether the private key is on this machine."""
        return self.path(name).is_file()

    def signer(self, name: str, trusted: Iterable[str]) -> CryptoSigner:
        """Load a private key.

        Args:
            name: The key's name, which for all but root is its role's.
            trusted: The key ids that the store's root or targets metadata accepts for it.

        Raises:
            SigningKeyError: It is not here, cannot be read, or is not one of the trusted.
        """
        signer = read_private_key(self.path(name))
        if signer.public_key.keyid not in set(trusted):
            raise SigningKeyError(
                f"{self.path(name)} is not the {name} key that the store's metadata trusts "
                f"(its id is {signer.public_key.keyid[:12]}).",
                fix="Use the keys folder that the store was made with; name it with --keys.",
            )
        return signer


def read_private_key(path: Path) -> CryptoSigner:
    """Read one PEM file.

    Raises:
        SigningKeyError: It is missing, unreadable, has a passphrase, or is not an ed25519 key.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError as error:
        raise SigningKeyError(
            f"The private key {path} is not here.",
            fix="Copy it there from where it is kept, or run the command on the machine that has it.",
        ) from error
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unreadable(path, "it is not an ed25519 key")
    return CryptoSigner(key)


def load_keys(folder: Path) -> KeyFolder:
    """Read what a keys folder says in public; private keys are read when they are needed.

    Raises:
        SigningKeyError: There is no such folder, or its `keys.json` or a root cannot be read.
    """
    if not folder.is_dir():
        raise SigningKeyError(
            f"There is no keys folder {folder}.",
            fix="Make keys with: skillway release keys (or name their folder with --keys).",
            next_actions=("skillway release keys",),
        )
    return KeyFolder(folder, _read_public(folder / PUBLIC_FILE), _read_roots(folder))


def open_to_others(folder: Path) -> list[Path]:
    """List the folder and those private keys in it that other users of this machine may read or write."""
    if os.name == "nt":  # the mode says nothing there; access lists do
        return []
    paths = [folder, *sorted(folder.glob("*.pem"))]
    return [path for path in paths if path.stat().st_mode & _OTHERS]


def _read_public(path: Path) -> dict[str, Key]:
    try:
        content = json.loads(path.read_bytes())
        if content["schema"] != SCHEMA:
            raise _unreadable(path, f"it has schema {content['schema']!r}, and this program reads {SCHEMA}")
        public = {str(name): _public_key(dict(entry)) for name, entry in content["keys"].items()}
    except FileNotFoundError as error:
        raise _half_written(path) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, repr(error)) from error
    return public


def _public_key(entry: dict[str, Any]) -> Key:
    return Key.from_dict(str(entry.pop("keyid")), entry)


def _read_roots(folder: Path) -> dict[int, bytes]:
    roots: dict[int, bytes] = {}
    for path in (*sorted(p for p in folder.iterdir() if _EARLIER_ROOT.match(p.name)), folder / ROOT_FILE):
        try:
            data = path.read_bytes()
            roots[Metadata[Root].from_bytes(data).signed.version] = data
        except FileNotFoundError as error:
            raise _half_written(path) from error
        except (OSError, RepositoryError, ValueError) as error:
            raise _unreadable(path, str(error)) from error
    return roots


def _half_written(path: Path) -> SigningKeyError:
    return SigningKeyError(
        f"The keys folder {path.parent} is not complete: {path.name} is missing.",
        fix=f"Put {path.name} back from the backup of that folder; if nothing was ever published with these keys, "
        "move the folder away and run skillway release keys again.",
    )


def _unreadable(path: Path, why: str) -> SigningKeyError:
    return SigningKeyError(
        f"{path} cannot be used: {why}.", fix="Put the file back from the backup of the keys folder."
    )


def root_keys_here(keys: KeyFolder) -> list[str]:
    """List the root keys whose private part is on this machine."""
    return [name for name in ROOT_KEYS if keys.has(name)]
