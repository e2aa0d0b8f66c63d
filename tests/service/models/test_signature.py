"""Models signed with Ed25519: with a key set, nothing else is loaded (F29)."""

import shutil

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from model.errors import ArtifactError
from model.saved import artifact
from model.saved.signature import read_public_key
from model.sign import main as sign
from service.settings import SettingsError, read_settings
from tests.model.test_artifact import reseal
from tests.service.checks import problem


def write_pair(folder, name, key=None):
    """A private and a public key as files, without their endings."""
    key = key or Ed25519PrivateKey.generate()
    (folder / f"{name}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / f"{name}.key").chmod(0o600)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pub").write_bytes(public)
    return folder / f"{name}.key", folder / f"{name}.pub"


@pytest.fixture
def pair(tmp_path):
    return write_pair(tmp_path, "ours")


@pytest.fixture
def copy(second, tmp_path):
    return shutil.copytree(second, tmp_path / second.name)


def signed(folder, private):
    return sign(["--artifact", str(folder), "--key", str(private)])


def test_a_signed_model_is_loaded_and_no_other(copy, pair, tmp_path, capsys):
    private, public = pair
    key = read_public_key(public)
    with pytest.raises(ArtifactError, match="signature is missing"):
        artifact.load(copy, key)
    assert signed(copy, private) == 0
    assert capsys.readouterr().out == f"{copy / 'signature'}\n"
    assert artifact.load(copy, key).version == copy.name
    assert artifact.load(copy).version == copy.name  # Without a key nobody asks who signed.
    _, other = write_pair(tmp_path, "other")
    with pytest.raises(ArtifactError, match="signature was not made with the key"):
        artifact.load(copy, read_public_key(other))


def test_any_bit_of_signature_or_files_that_is_flipped_is_noticed(copy, pair):
    private, public = pair
    signed(copy, private)
    key, good = read_public_key(public), (copy / "signature").read_text()
    for place in range(0, 128, 9):
        flipped = f"{int(good[place], 16) ^ 1:x}"
        (copy / "signature").write_text(good[:place] + flipped + good[place + 1 :])
        with pytest.raises(ArtifactError, match="signature was not made"):
            artifact.load(copy, key)
    for junk in ("", "x" * 128, good[:-3], good * 2, "\u00e9"):
        (copy / "signature").write_text(junk)
        with pytest.raises(ArtifactError, match="signature was not made"):
            artifact.load(copy, key)
    (copy / "signature").write_text(good)
    # A forger who makes every sum right again has no key to sign with.
    reseal(copy, files={"audit.json": b"{}"})
    assert artifact.load(copy)
    with pytest.raises(ArtifactError, match="signature was not made"):
        artifact.load(copy, key)


def test_a_signature_that_is_a_link_is_none(copy, pair, tmp_path):
    private, public = pair
    signed(copy, private)
    (copy / "signature").rename(tmp_path / "elsewhere")
    (copy / "signature").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArtifactError, match="signature is not a plain file"):
        artifact.load(copy, read_public_key(public))


def test_a_model_that_was_changed_is_not_signed(copy, pair, capsys):
    (copy / "study.toml").write_text("x")
    assert signed(copy, pair[0]) == 2
    assert "study.toml was changed" in capsys.readouterr().err
    assert not (copy / "signature").exists()


def test_a_key_that_is_none_or_that_everybody_can_read_is_refused_in_one_line(copy, pair, tmp_path, capsys):
    private, public = pair
    wrong_kind, _ = write_pair(tmp_path, "ec", generate_private_key(SECP256R1()))
    open_to_all = shutil.copy(private, tmp_path / "open.key")
    for path in (public, open_to_all):  # whatever mask an earlier test has left
        path.chmod(0o644)
    for key, said in (
        (public, "everybody"),
        (wrong_kind, "is not a private Ed25519 key"),
        (open_to_all, "everybody on this machine can read this file"),
        (tmp_path / "nowhere", "cannot be read"),
    ):
        assert signed(copy, key) == 2
        shown = capsys.readouterr().err
        assert said in shown
        assert shown.count("\n") == 1
    for text, said in ((str(private), "is not a public Ed25519 key"), (str(tmp_path / "nowhere"), "cannot be read")):
        with pytest.raises(SettingsError, match=f"^model-key: {said}"):
            read_settings(["--model-key", text], {})


def test_a_service_with_a_key_serves_signed_models_only(start, folder, model, second, pair):
    private, public = pair
    settings = {"model_key": read_settings(["--model-key", str(public)], {}).model_key}
    with pytest.raises(ArtifactError, match="signature is missing"):
        start(**settings)
    signed(folder / model.version, private)
    client, _ = start(**settings)
    answer = client.post(f"/v1/models/{second.name}/activate", json={"reason": "x"})
    assert problem(answer, 409)["errors"][0]["rule"] == "signature is missing"
    signed(folder / second.name, private)
    assert client.post(f"/v1/models/{second.name}/activate", json={"reason": "x"}).status_code == 200
