"""
How does an engine get at what earlier takes have left in the vault?

    lineage ── take document ── latents blob ── frame, checked against its digest ── engine

Takes and latents never change, and every shot of a film reads those of the shots before it:
what was read lately is kept, up to a number of bytes.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial

from onestory.documents import Digest
from onestory.engines.latents import frame_digest, unpack_figures, unpack_latents
from onestory.engines.protocol import EarlierTake, RecalledFrame
from onestory.engines.recipe import Recipe
from onestory.engines.take import Take
from onestory.errors import CorruptBlobError, MissingBlobError, RenderError
from onestory.memory.lineage import Remembered, memory_digest
from onestory.vault.store import Vault

KEPT_BYTES = 256 * 1024 * 1024
"""Latents that are kept at hand; the oldest go first."""


class Archive:
    """Earlier takes and their latents, for many threads."""

    def __init__(self, vault: Vault, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._vault = vault
        self._kept_bytes = kept_bytes
        self._lock = threading.Lock()
        self._takes: dict[Digest, Take] = {}
        self._latents: OrderedDict[Digest, bytes] = OrderedDict()

    def add(self, take: Take, latents: bytes | None) -> None:
        """Keep what was just stored, so that it need not be read."""
        with self._lock:
            self._takes[take.address] = take
        if latents is not None and take.media.latents is not None:
            self._keep(take.media.latents, latents)

    def earlier(
        self, addresses: Sequence[Digest], *, spoilt: Mapping[Digest, tuple[int, ...]]
    ) -> tuple[EarlierTake, ...]:
        """
        Those of the takes that have latents, in the same order.

        Args:
            addresses: In story order.
            spoilt: By take: frames that a gate marked bad.

        Raises:
            MissingBlobError: If one of the takes does not lie in the vault.
        """
        takes = [self._take(address) for address in addresses]
        return tuple(
            EarlierTake(
                take=take,
                read_latents=partial(self._latents_of, take),
                spoilt=spoilt.get(take.address, ()),
            )
            for take in takes
            if take.media.latents is not None
        )

    def recalled(
        self, recipe: Recipe, lineage: Sequence[Remembered], *, slate: str
    ) -> tuple[RecalledFrame, ...]:
        """
        The frames that a recipe remembers, each of them checked.

        Args:
            recipe: Whose memory it is.
            lineage: Which frames.
            slate: Whom errors name.

        Raises:
            RenderError: If the lineage is not the one that the recipe names.
            CorruptBlobError: If latents are damaged or gone, or a frame is not the one chosen.
            MissingBlobError: If a take is gone.
        """
        if (found := memory_digest(lineage)) != recipe.memory:
            raise RenderError(
                f"the recipe remembers {recipe.memory}, and the lineage of {len(lineage)} frames "
                f"is {found}",
                slate=slate,
            )
        return tuple(self._frame(source) for source in lineage)

    def _frame(self, source: Remembered) -> RecalledFrame:
        take = self._take(source.take)
        try:
            content = self._latents_of(take)
            latent_FCHW, figures = unpack_latents(content), unpack_figures(content)
        except ValueError as error:
            raise CorruptBlobError(str(error), slate=take.slate) from error
        if not 0 <= source.frame_index < len(latent_FCHW):
            raise CorruptBlobError(
                f"latent frame {source.frame_index} is remembered of {len(latent_FCHW)}",
                slate=take.slate,
            )
        latent_CHW = latent_FCHW[source.frame_index]
        if (found := frame_digest(latent_CHW)) != source.latent:
            raise CorruptBlobError(
                f"latent frame {source.frame_index} hashes to {found}, and {source.latent} "
                "is remembered",
                slate=take.slate,
            )
        return RecalledFrame(
            source=source,
            latent_CHW=latent_CHW,
            figures=None
            if figures is None
            else {name: shown_FHW[source.frame_index] for name, shown_FHW in figures.items()},
        )

    def _take(self, address: Digest) -> Take:
        with self._lock:
            known = self._takes.get(address)
        if known is None:
            known = self._vault.get_take(address)
            with self._lock:
                self._takes[address] = known
        return known

    def _latents_of(self, take: Take) -> bytes:
        blob = take.media.latents
        if blob is None:
            raise MissingBlobError("the take has no latents to be remembered", slate=take.slate)
        with self._lock:
            known = self._latents.get(blob)
            if known is not None:
                self._latents.move_to_end(blob)
                return known
        try:
            latents = self._vault.get_blob(blob)
        except (CorruptBlobError, MissingBlobError) as error:
            with self._lock:
                # It may be filmed again, with latents of another name.
                self._takes.pop(take.address, None)
            raise CorruptBlobError(
                f"its latents cannot be remembered: {error.message}",
                slate=take.slate,
                hint="run produce again: that take is rendered anew",
            ) from error
        self._keep(blob, latents)
        return latents

    def _keep(self, blob: Digest, latents: bytes) -> None:
        with self._lock:
            self._latents[blob] = latents
            while sum(map(len, self._latents.values())) > self._kept_bytes:
                self._latents.popitem(last=False)
