"""Who made a model: an Ed25519 signature over the sum of its manifest, which sums up everything else."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from model.errors import BadInputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

SIGNATURE = "signature"
READABLE_BY_OTHERS = 0o007


def signature_of(key: Ed25519PrivateKey, manifest: bytes) -> str:
    """Sign a manifest: one line of hexadecimal digits."""
    return key.sign(_message(manifest)).hex() + "\n"


def is_signed(key: Ed25519PublicKey, manifest: bytes, signature: bytes) -> bool:
    """Whether a signature was made over this manifest with the key's other half."""
    try:
        key.verify(bytes.fromhex(signature.decode("ascii").removesuffix("\n")), _message(manifest))
    except (InvalidSignature, ValueError):
        return False
    return True


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read what signs; raises BadInputError for a file that is no such key, or that everybody can read."""
    try:
        if path.stat().st_mode & READABLE_BY_OTHERS:
            raise _refused(path, "everybody on this machine can read this file: chmod 600")
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError:
        raise _refused(path, "cannot be read") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise _refused(path, "is not a private Ed25519 key in PEM without a passphrase")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read what signatures are checked against; raises BadInputError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError:
        raise _refused(path, "cannot be read") from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise _refused(path, "is not a public Ed25519 key in PEM")
    return key


def _message(manifest: bytes) -> bytes:
    # Signed for this purpose: a signature of something else must not pass for one of a model.
    return f"recurrence-risk model manifest {hashlib.sha256(manifest).hexdigest()}".encode()


def _refused(path: Path, rule: str) -> BadInputError:
    return BadInputError([Problem(str(path), None, None, rule)])
