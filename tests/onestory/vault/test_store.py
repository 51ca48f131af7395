"""The vault on a real MinIO gateway: content-addressed, checked on read, honest when away."""

import io

import pytest
from minio import Minio

from onestory.documents import digest_of
from onestory.engines.take import Comparison, GateResult, Verdict
from onestory.errors import CorruptBlobError, MissingBlobError, StorageError, StudioError
from onestory.production.recipes import recipe_for
from onestory.testing.stories import tiny_episode, tiny_filming, tiny_read, tiny_take
from onestory.vault.address import VaultAddress
from onestory.vault.store import Vault, hex_of


def _raw(vault: Vault) -> Minio:
    address = vault.address
    return Minio(address.endpoint, address.access_key, address.secret_key, secure=address.secure)


def test_a_blob_reads_back_under_its_digest(vault: Vault) -> None:
    """The name of a blob is the sha256 of its bytes."""
    content = b"a frame of film \x00\xff" * 99

    digest = vault.put_blob(content)

    assert digest == digest_of(content)
    assert vault.get_blob(digest) == content


def test_a_flipped_bit_is_found_on_read(vault: Vault) -> None:
    """Bytes that are not what their name promises are refused, whatever their length."""
    digest = vault.put_blob(b"seven letters")
    digits = hex_of(digest)
    key = f"blobs/{digits[:2]}/{digits[2:]}"
    _raw(vault).put_object(vault.address.bucket, key, io.BytesIO(b"sevem letters"), 13)

    with pytest.raises(CorruptBlobError, match="holds 13 bytes that hash to sha256:"):
        vault.get_blob(digest)


def test_a_missing_blob_says_so(vault: Vault) -> None:
    """Nothing under a name is a different thing from a vault that is away."""
    with pytest.raises(MissingBlobError, match="nothing lies under"):
        vault.get_blob(digest_of(b"never stored"))


def test_a_vault_that_is_away_may_be_asked_again() -> None:
    """A gateway that cannot be reached is a fault of the machine: the same call may succeed."""
    gone = Vault(VaultAddress(endpoint="127.0.0.1:1", access_key="a", secret_key="b"))

    with pytest.raises(StorageError, match="could not be reached") as caught:
        gone.get_blob(digest_of(b"x"))

    assert caught.value.retryable
    assert not isinstance(caught.value, StudioError)


def test_the_secret_is_never_shown() -> None:
    """An address that ends in a log holds no secret."""
    assert "s3cret" not in repr(VaultAddress(endpoint="h:1", access_key="a", secret_key="s3cret"))


def test_a_take_is_found_by_its_recipe(vault: Vault) -> None:
    """The recipe's digest is the take's address."""
    episode = tiny_episode()
    read = tiny_read(episode).shots[0]
    recipe = recipe_for(episode.shots[0], episode, read, tiny_filming())
    take = tiny_take(recipe)

    assert vault.find_take(recipe.digest) is None
    vault.put_take(take)

    assert vault.find_take(recipe.digest) == take
    vault.forget_take(recipe.digest)
    assert vault.find_take(recipe.digest) is None


def test_a_take_under_a_foreign_recipe_is_refused(vault: Vault) -> None:
    """A document that was moved or forged is not taken for the take that was asked for."""
    episode = tiny_episode()
    read = tiny_read(episode).shots[1]
    recipe = recipe_for(episode.shots[1], episode, read, tiny_filming(seed=5))
    content = tiny_take(recipe).to_json()
    wrong = digest_of(b"another recipe")
    key = f"takes/{hex_of(wrong)}.json"
    _raw(vault).put_object(vault.address.bucket, key, io.BytesIO(content), len(content))

    with pytest.raises(CorruptBlobError, match="was made from"):
        vault.find_take(wrong)


def test_a_verdict_belongs_to_its_question(vault: Vault) -> None:
    """Gates that are recalibrated, or shown another take beside it, judge anew."""
    take, old, new = digest_of(b"take"), digest_of(b"gates 1"), digest_of(b"gates 2")
    alone, beside = Comparison(), Comparison(anchor=digest_of(b"anchor"))
    result = GateResult(
        gate="black", value=0.0, threshold=0.5, unit="share of frames", is_passed=True
    )
    verdict = Verdict(take=take, gates=old, comparison=beside, results=(result,))
    vault.put_verdict(verdict)

    assert vault.find_verdict(take, beside.question(old)) == verdict
    assert vault.find_verdict(take, alone.question(old)) is None
    assert vault.find_verdict(take, beside.question(new)) is None


def test_no_key_is_the_folder_of_another(vault: Vault) -> None:
    """On a gateway with a file system's manners a key must not be another key's folder."""
    vault.put_blob(b"one")
    vault.put_lookup("voice", digest_of(b"k"), {"a": 1})
    keys = vault.list_keys("")

    folders = {key.rsplit("/", depth)[0] for key in keys for depth in range(1, key.count("/") + 1)}
    assert len(keys) > 3
    assert not folders & set(keys)


def test_a_presigned_link_opens_the_blob(vault: Vault) -> None:
    """The dashboard's links work without credentials, and say when they expire."""
    import urllib3

    digest = vault.put_blob(b"film", media_type="video/mp4")
    link = vault.link(digest)

    response = urllib3.PoolManager().request("GET", link)

    assert response.data == b"film"
    assert "X-Amz-Expires=604800" in link
