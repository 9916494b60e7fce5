"""Whose is a verdict?

A verdict gates only when the protected CI workflow signed it (ed25519): otherwise a pull request could bring its
own. The private key is in that workflow's environment alone; the public keys lie in `evals/keys/*.pem`, which the
repository's owners review like code. Which lines there are: `line`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skillway.errors import SigningKeyError
from skillway_evals.store.line import signed_part

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_VARIABLE = "SKILLWAY_EVAL_SIGNING_KEY"
"""Environment variable with the private key, as PEM. Only the protected workflow has it."""
KEYS_FOLDER = "evals/keys"


class Signer:
    """Signs lines with the workflow's private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key_id = _key_id(key.public_key())

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Signer | None:
        """Give the signer that the environment has a key for, or None.

        Raises:
            SigningKeyError: The variable is set and is no ed25519 private key.
        """
        pem = environment.get(KEY_VARIABLE)
        if not pem:
            return None
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - 30 ms
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError) as error:
            raise _unusable(str(error)) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _unusable("it is a key of another kind")
        return cls(key)

    def sign(self, record: dict[str, Any]) -> dict[str, Any]:
        """Give the record with `signer` and `sig`."""
        signature = base64.b64encode(self._key.sign(signed_part(record))).decode()
        return {**record, "signer": self.key_id, "sig": signature}


class TrustedKeys:
    """The public keys whose signatures count; from key id to key."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey]) -> None:
        self._keys = dict(keys)

    @classmethod
    def load(cls, folder: Path) -> TrustedKeys:
        """Read every `*.pem` of a folder; a folder that is not there has none.

        Raises:
            SigningKeyError: A file is no ed25519 public key.
        """
        files = sorted(folder.glob("*.pem"))
        if not files:
            return cls({})
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

        keys = {}
        for file in files:
            try:
                key = load_pem_public_key(file.read_bytes())
            except (OSError, ValueError) as error:
                raise _bad_file(file, str(error)) from error
            if not isinstance(key, Ed25519PublicKey):
                raise _bad_file(file, "it is a key of another kind")
            keys[_key_id(key)] = key
        return cls(keys)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Tell whether a trusted key signed exactly this record."""
        key = self._keys.get(str(record.get("signer")))
        if key is None:
            return False
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only a store with signed lines pays

        try:
            key.verify(base64.b64decode(str(record.get("sig")), validate=True), signed_part(record))
        except (InvalidSignature, ValueError):
            return False
        return True


def _key_id(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _unusable(reason: str) -> SigningKeyError:
    return SigningKeyError(
        f"{KEY_VARIABLE} is set and is no ed25519 private key in PEM form ({reason}).",
        fix="Give the protected workflow the private key that belongs to a file in evals/keys, or unset the variable.",
    )


def _bad_file(file: Path, reason: str) -> SigningKeyError:
    return SigningKeyError(
        f"{file} is no ed25519 public key in PEM form ({reason}).",
        fix="Put the public half of the workflow's key there, or take the file out.",
    )
