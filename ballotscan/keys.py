"""Keys for signing: one file per person, protected by a passphrase, readable by its owner only.

An Ed25519 key as an encrypted PEM, with its owner's name and role in the lines above it (RFC 7468 allows such
lines). The passphrase is stretched by scrypt before the PEM's own encryption, which alone makes guessing too
cheap. Name and role in the file are for finding the right one; what counts is what both persons sign.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from ballotscan.errors import UsageError
from ballotscan.i18n import gettext as _
from ballotscan.i18n import why

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Role = Literal["operator", "auditor"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
SHORTEST_PASSPHRASE: Final = 8
_SCRYPT_COST: Final = 1 << 15  # 32 MB and about 0.1 s a guess; the usual choice for interactive use
_SCRYPT_BYTES: Final = 64 << 20
_BEGIN: Final = "-----BEGIN"


@dataclass(frozen=True, slots=True)
class Signer:
    """A person's key, opened. ``public`` is in hexadecimal."""

    name: str
    role: Role
    public: str
    private: Ed25519PrivateKey

    def sign(self, message: bytes) -> str:
        """The signature in hexadecimal."""
        return self.private.sign(message).hex()


def new_key(path: Path, name: str, role: Role, passphrase: str) -> str:
    """Make a key, write its file and return the public key. Raises ``UsageError``; nothing is overwritten."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not name.strip() or not name.isprintable():
        raise UsageError(_("--name: this is no name."), _("Give the name of the person who will sign."))
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise UsageError(
            _("The passphrase is too short."),
            _("Take {count} letters or more.").format(count=SHORTEST_PASSPHRASE),
        )
    private, salt = Ed25519PrivateKey.generate(), secrets.token_bytes(16)
    public = private.public_key().public_bytes_raw().hex()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(_stretched(passphrase, salt)),
    )
    lines = ("ballotscan key", f"Name: {name.strip()}", f"Role: {role}", f"Public: {public}")
    _write("\n".join((*lines, f"Salt: {salt.hex()}", pem.decode("ascii"))), path)
    return public


def owner_of(path: Path) -> tuple[str, str]:
    """Name and role as a key file's first lines say them. Raises ``UsageError``."""
    about = _about(_text(path), path)
    return about["Name"], about["Role"]


def open_key(path: Path, passphrase: str) -> Signer:
    """Open a key file. Raises ``UsageError`` for a wrong passphrase or a file that is no key of ours."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    text = _text(path)
    about = _about(text, path)
    pem = text[text.index(_BEGIN) :].encode()
    try:
        stretched = _stretched(passphrase, bytes.fromhex(about["Salt"]))
        private = serialization.load_pem_private_key(pem, stretched)
    except (ValueError, TypeError) as fault:
        raise UsageError(
            _("{file}: the passphrase is wrong, or the file is damaged.").format(file=path),
            _("Nothing was signed. Try again."),
        ) from fault
    if not isinstance(private, Ed25519PrivateKey):
        raise _no_key(path)
    public = private.public_key().public_bytes_raw().hex()
    role = next((role for role in ROLES if role == about["Role"]), None)
    if public != about["Public"] or role is None:
        raise _no_key(path)
    return Signer(about["Name"], role, public, private)


def public_key(text: str) -> str:
    """A public key in hexadecimal, from itself or from the key file that holds it. Raises ``UsageError``."""
    if len(text) == 64 and all(sign in "0123456789abcdefABCDEF" for sign in text):
        return text.lower()
    path = Path(text)
    return _about(_text(path), path)["Public"]


def _stretched(passphrase: str, salt: bytes) -> bytes:
    from unicodedata import normalize

    typed = normalize("NFC", passphrase).encode()
    stretched = hashlib.scrypt(typed, salt=salt, n=_SCRYPT_COST, r=8, p=1, maxmem=_SCRYPT_BYTES, dklen=32)
    return stretched.hex().encode()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as fault:
        raise UsageError(
            _("{file}: the key cannot be read: {reason}.").format(file=path, reason=why(fault)),
            _("Check the name; 'ballotscan keys new' makes one."),
        ) from fault
    except UnicodeDecodeError as fault:
        raise _no_key(path) from fault


def _about(text: str, path: Path) -> dict[str, str]:
    """The lines above the PEM."""
    head, begin, _rest = text.partition(_BEGIN)
    pairs = (line.partition(": ") for line in head.splitlines())
    about = {name: value for name, sign, value in pairs if sign}
    if not begin or not {"Name", "Role", "Public", "Salt"} <= about.keys():
        raise _no_key(path)
    return about


def _no_key(path: Path) -> UsageError:
    return UsageError(
        _("{file}: this is no key of ballotscan.").format(file=path), _("'ballotscan keys new' makes one.")
    )


def _write(text: str, path: Path) -> None:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as fault:
        raise UsageError(
            _("{file}: this file is there already.").format(file=path), _("Choose another name.")
        ) from fault
    except OSError as fault:
        raise UsageError(
            _("{file}: the key cannot be written: {reason}.").format(file=path, reason=why(fault)),
            _("Choose another place."),
        ) from fault
