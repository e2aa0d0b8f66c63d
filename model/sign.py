"""Sign a model: `python -m model.sign` writes `signature` into its folder, for services that take no others."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from model.command_line import result, run
from model.saved import artifact
from model.saved.signature import SIGNATURE, read_private_key, signature_of

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMPLES = """examples:
  openssl genpkey -algorithm ed25519 -out model.key && chmod 600 model.key
  openssl pkey -in model.key -pubout -out model.pub
  python -m model.sign --artifact artifacts/VERSION --key model.key
  python -m service --model-key model.pub
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Sign; returns 2 with one line on stderr if the model or the key is no good."""
    parser = argparse.ArgumentParser(
        prog="python -m model.sign",
        description="Sign a model with an Ed25519 key, after verifying its sums.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--artifact", type=Path, required=True, metavar="DIR", help="the model's folder")
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="private key in PEM")
    options = parser.parse_args(arguments)
    return run(lambda: sign(options.artifact, options.key))


def sign(folder: Path, key_file: Path) -> None:
    """Verify, sign, write; a signature that is there is replaced. Raises ArtifactError or BadInputError."""
    key, verified = read_private_key(key_file), artifact.load(folder)
    # Beside the folder, and then put into it at once: whoever reads the folder meanwhile finds nothing half-written.
    scratch = verified.folder.resolve().with_name(f".signing-{verified.version}")
    scratch.write_text(signature_of(key, (folder / artifact.MANIFEST).read_bytes()), encoding="ascii")
    scratch.replace(folder / SIGNATURE)
    result(str(folder / SIGNATURE))


if __name__ == "__main__":
    sys.exit(main())
