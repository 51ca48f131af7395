"""
Where does everything lie, and how do we know that it is what its name says?

    blobs/ab/cdef…          any bytes, named by their sha256
    takes/<recipe>.json     Take documents, named by their recipe
    measures/<take>.json    what was measured of a take
    verdicts/<take>-<question>.json
    lookups/<kind>-<key>.json   small answers that are dear to find: voices, keyframes …
    ledger/<episode>/…      events (see `onestory.vault.ledger`)
    quarantine/<slate>-<sha256>   media that nobody could read

Nothing is ever overwritten with other content: names are content, or documents that are
written once. No key is the folder of another. Every read is checked against its name.
"""

import io
import json
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error

from onestory.documents import Digest, Document, canonical_json, digest_of
from onestory.engines.take import Take, Verdict
from onestory.errors import CorruptBlobError, MissingBlobError, StorageError
from onestory.vault.address import VaultAddress

logger = logging.getLogger("onestory.vault")

AnyDocument = TypeVar("AnyDocument", bound=Document)

_MISSING = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchObject", "XMinioObjectNotFound"})
PARALLEL_READS = 8

SMALL_BYTES = 256 * 1024
"""Blobs below this are sent without asking whether they lie there already."""

TOUCHED_WITHIN = timedelta(hours=6)
"""A blob that is put again lies there as if it were new, or was put at most so long ago."""

LINK_LIFE = timedelta(days=7)
"""How long a presigned link opens; no gateway grants more."""


class Stored(NamedTuple):
    """One object of the vault."""

    key: str
    num_bytes: int
    modified: datetime
    """When it was last put, UTC, to the second."""


def hex_of(digest: Digest) -> str:
    """The hex digits of a digest: what stands in a key."""
    algorithm, _, digits = digest.partition(":")
    if algorithm != "sha256" or len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        raise StorageError(f"{digest!r} is not a sha256 digest")
    return digits


class Vault:
    """Content-addressed storage on any MinIO endpoint. Safe to use from many threads."""

    def __init__(self, address: VaultAddress) -> None:
        self.address = address
        # A gateway that is being restarted is away for about a second: three tries bridge it.
        pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=3, read=60),
            maxsize=16,
            retries=urllib3.Retry(
                total=4, backoff_factor=0.3, status_forcelist=(500, 502, 503, 504)
            ),
        )
        self._minio = Minio(
            address.endpoint,
            access_key=address.access_key,
            secret_key=address.secret_key,
            secure=address.secure,
            http_client=pool,
        )

    def prepare(self) -> None:
        """Make the bucket if it is not there.

        Raises:
            StorageError: If the endpoint is away or refuses.
        """
        with _translated(self.address.bucket):
            if not self._minio.bucket_exists(self.address.bucket):
                self._minio.make_bucket(self.address.bucket)

    # Blobs

    def put_blob(self, content: bytes, *, media_type: str = "application/octet-stream") -> Digest:
        """
        Store bytes under their sha256, once.

        Raises:
            StorageError: If they could not be written.
        """
        digest = digest_of(content)
        # Asking costs as much as sending something small, and sending it twice changes nothing.
        if len(content) < SMALL_BYTES or not self._is_recent(_blob_key(digest)):
            self._put(_blob_key(digest), content, media_type)
        return digest

    def put_file(self, path: Path, *, media_type: str) -> Digest:
        """Store a file's bytes under their sha256, once."""
        return self.put_blob(path.read_bytes(), media_type=media_type)

    def get_blob(self, digest: Digest) -> bytes:
        """
        Read bytes and check them.

        Raises:
            MissingBlobError: If nothing lies under that name.
            CorruptBlobError: If the bytes are not the ones the name promises.
            StorageError: If they could not be read.
        """
        content = self._get(_blob_key(digest))
        if (found := digest_of(content)) != digest:
            raise CorruptBlobError(
                f"blob {digest} holds {len(content)} bytes that hash to {found}",
                hint="run produce again: the take that needs it is rendered anew",
            )
        return content

    def has_blob(self, digest: Digest) -> bool:
        """Whether something lies under that name (unchecked, about 3 ms)."""
        return self._has(_blob_key(digest))

    def discard_blob(self, digest: Digest) -> None:
        """Remove a blob that proved to be corrupt, so that it can be written again."""
        with _translated(digest):
            self._minio.remove_object(self.address.bucket, _blob_key(digest))

    def quarantine(self, content: bytes, *, slate: str) -> str:
        """Keep unreadable media out of the way but findable; returns the key."""
        key = f"quarantine/{slate}-{hex_of(digest_of(content))[:16]}"
        self._put(key, content, "application/octet-stream")
        return key

    def link(self, digest: Digest, *, expires: timedelta = LINK_LIFE) -> str:
        """A presigned address of a blob that expires."""
        with _translated(digest):
            return self._minio.presigned_get_object(
                self.address.bucket, _blob_key(digest), expires=expires
            )

    # Takes, measures, verdicts

    def put_take(self, take: Take) -> None:
        """Store a take. Call it last: whatever it names must already lie here."""
        self._put_json(f"takes/{hex_of(take.address)}.json", take.to_json())

    def find_take(self, recipe: Digest) -> Take | None:
        """
        The take of that recipe, if it was ever finished.

        Raises:
            CorruptBlobError: If the stored document belongs to another recipe.
        """
        take = self._find(f"takes/{hex_of(recipe)}.json", Take)
        if take is not None and take.address != recipe:
            raise CorruptBlobError(
                f"the take stored under {recipe} was made from {take.address}", slate=take.slate
            )
        return take

    def get_take(self, recipe: Digest) -> Take:
        """The take of that recipe. Raises MissingBlobError if there is none."""
        take = self.find_take(recipe)
        if take is None:
            raise MissingBlobError(f"no take lies under {recipe}")
        return take

    def forget_take(self, recipe: Digest) -> None:
        """Remove a take whose media proved to be corrupt, so that it can be rendered again."""
        with _translated(recipe):
            self._minio.remove_object(self.address.bucket, f"takes/{hex_of(recipe)}.json")

    def put_measures(self, take: Digest, measures: dict[str, Any]) -> None:
        """Store what was measured of a take."""
        self._put_json(f"measures/{hex_of(take)}.json", canonical_json(measures))

    def find_measures(self, take: Digest) -> dict[str, Any] | None:
        """What was measured of a take, if anything was."""
        content = self._maybe(f"measures/{hex_of(take)}.json")
        return None if content is None else cast(dict[str, Any], json.loads(content))

    def put_verdict(self, verdict: Verdict) -> None:
        """Store a verdict."""
        self._put_json(_verdict_key(verdict.take, verdict.question), verdict.to_json())

    def find_verdict(self, take: Digest, question: Digest) -> Verdict | None:
        """What was answered to that question about that take, if it was asked."""
        return self._find(_verdict_key(take, question), Verdict)

    # Small answers

    def put_lookup(self, kind: str, key: Digest, answer: dict[str, Any]) -> None:
        """Remember the answer to a question that is named by `key`."""
        self._put_json(f"lookups/{kind}-{hex_of(key)}.json", canonical_json(answer))

    def find_lookup(self, kind: str, key: Digest) -> dict[str, Any] | None:
        """The remembered answer, if there is one."""
        content = self._maybe(f"lookups/{kind}-{hex_of(key)}.json")
        return None if content is None else cast(dict[str, Any], json.loads(content))

    # Plain keys, for the ledger

    def put_new(self, key: str, content: bytes) -> None:
        """Store a small document under a key that nobody has used (keys are unique by making)."""
        self._put(key, content, "application/json")

    def list_keys(self, prefix: str) -> list[str]:
        """Keys under a prefix, sorted."""
        return [one.key for one in self.list_stored(prefix)]

    def list_stored(self, prefix: str) -> list[Stored]:
        """Objects under a prefix, by key."""
        with _translated(prefix):
            found = self._minio.list_objects(self.address.bucket, prefix=prefix, recursive=True)
            return sorted(
                Stored(item.object_name or "", item.size or 0, _to_second(item.last_modified))
                for item in found
                # On the embedded gateway an emptied folder is an object of its own.
                if not item.is_dir
            )

    def modified_at(self, key: str) -> datetime | None:
        """When the object was last put; None if it is gone."""
        try:
            with _translated(key):
                stat = self._minio.stat_object(self.address.bucket, key)
        except MissingBlobError:
            return None
        return _to_second(stat.last_modified)

    def remove_keys(self, keys: Iterable[str]) -> None:
        """
        Remove objects, in no particular order; those that are gone already are no error.

        Raises:
            StorageError: If some are still there.
        """
        with _translated("what is deleted"):
            wanted = [DeleteObject(key) for key in keys]
            refused = list(self._minio.remove_objects(self.address.bucket, wanted))
        if refused:
            raise StorageError(
                f"{len(refused)} of {len(wanted)} objects could not be deleted, such as "
                f"{refused[0].name}: {refused[0].code}",
                hint="run gc again: it goes on where it was stopped",
            )

    def find_key(self, key: str) -> bytes | None:
        """What lies under a key; None if nothing does."""
        return self._maybe(key)

    def read_keys(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Contents of many keys, a few at a time, in the order asked for."""
        wanted = list(keys)
        with ThreadPoolExecutor(PARALLEL_READS) as pool:
            yield from zip(wanted, pool.map(self._get, wanted), strict=True)

    def _find(self, key: str, kind: type[AnyDocument]) -> AnyDocument | None:
        content = self._maybe(key)
        return None if content is None else kind.from_json(content)

    def _maybe(self, key: str) -> bytes | None:
        try:
            return self._get(key)
        except MissingBlobError:
            return None

    def _put_json(self, key: str, content: bytes) -> None:
        self._put(key, content, "application/json")

    def _put(self, key: str, content: bytes, media_type: str) -> None:
        with _translated(key):
            self._minio.put_object(
                self.address.bucket, key, io.BytesIO(content), len(content), media_type
            )

    def _get(self, key: str) -> bytes:
        with _translated(key):
            response = self._minio.get_object(self.address.bucket, key)
            try:
                return bytes(response.read())
            finally:
                response.close()
                response.release_conn()

    def _has(self, key: str) -> bool:
        return self.modified_at(key) is not None

    def _is_recent(self, key: str) -> bool:
        """Whether something was put there so lately that nobody takes it for forgotten."""
        modified = self.modified_at(key)
        return modified is not None and datetime.now(UTC) - modified < TOUCHED_WITHIN


def _blob_key(digest: Digest) -> str:
    digits = hex_of(digest)
    return f"blobs/{digits[:2]}/{digits[2:]}"


def _verdict_key(take: Digest, question: Digest) -> str:
    return f"verdicts/{hex_of(take)}-{hex_of(question)}.json"


def _to_second(modified: datetime | None) -> datetime:
    # A listing knows fractions of a second that a stat does not.
    if modified is None:
        raise StorageError("the vault does not say when objects were put")
    return modified.astimezone(UTC).replace(microsecond=0)


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turn the SDK's errors into ours, with the cause kept."""
    try:
        yield
    except S3Error as error:
        if error.code in _MISSING:
            raise MissingBlobError(f"nothing lies under {name}") from error
        raise StorageError(f"the vault answered {error.code} for {name}") from error
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise StorageError(
            f"the vault could not be reached for {name}: {type(error).__name__}",
            hint="is the MinIO endpoint up? onestory doctor tells",
        ) from error
