"""
What is written down of films? Ledgers, breakdowns, readings and takes, each read once.

What a process has read it keeps: documents and takes never change, and a ledger knows what was
entered through it. What another process entered meanwhile is seen after `Ledger.refresh`.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from onestory.documents import Digest
from onestory.engines.take import Take, Verdict
from onestory.errors import OrderError
from onestory.production.call_sheet import DELIVERY_SIZES, CallSheet
from onestory.production.sheets import SHEETS, Sheets, circled_sheets
from onestory.production.standing import as_ordered, standing
from onestory.production.table_read import TableRead
from onestory.screenplay.episode import Episode
from onestory.vault.ledger import EpisodeState, Ledger, TakeEntry
from onestory.vault.store import PARALLEL_READS, Vault


class Records:
    """Everything that one process has read of a vault."""

    def __init__(self, vault: Vault, *, run: str = "") -> None:
        self.vault = vault
        self.run = run
        """The flow run that entries are for; empty if a person's command."""
        self._ledgers: dict[str, Ledger] = {}
        self._episodes: dict[Digest, Episode] = {}
        self._reads: dict[Digest, TableRead] = {}
        self._takes: dict[Digest, Take] = {}
        self._keyframes: dict[Digest, dict[str, Digest]] = {}
        self._marked: dict[tuple[Digest, Digest], tuple[int, ...]] = {}
        """Frames that a verdict marked bad, by take and question."""

    def ledger(self, episode: str) -> Ledger:
        """The ledger of an episode, read once and then kept."""
        if episode not in self._ledgers:
            self._ledgers[episode] = Ledger(self.vault, episode, run=self.run)
        return self._ledgers[episode]

    def ledger_now(self, episode: str) -> Ledger:
        """The same, with what other processes have entered by now."""
        if episode in self._ledgers:
            self._ledgers[episode].refresh()
        return self.ledger(episode)

    def sheet_of(self, episode: str) -> CallSheet:
        """
        The call sheet in force of an episode.

        Raises:
            OrderError: If there is no such episode.
        """
        blob = self.ledger(episode).state.sheet
        if blob is None:
            raise OrderError(
                f"there is no episode {episode!r}", hint="onestory status lists them all"
            )
        return CallSheet.from_json(self.vault.get_blob(blob))

    def episode_as_ordered(self, sheet: CallSheet) -> Episode:
        """The episode of a call sheet, with the captions that persons ordered."""
        episode = self.episode_of(sheet)
        return as_ordered(episode, standing(episode, self.ledger(sheet.episode).state).orders)

    def episode_of(self, sheet: CallSheet) -> Episode:
        """The episode document of a call sheet: what the script says."""
        return self.episode(sheet.document)

    def episode(self, document: Digest) -> Episode:
        """The episode document in a blob."""
        if document not in self._episodes:
            self._episodes[document] = Episode.from_json(self.vault.get_blob(document))
        return self._episodes[document]

    def keep_episode(self, episode: Episode) -> Digest:
        """Put an episode document into the vault; its blob."""
        blob = self.vault.put_blob(episode.to_json(), media_type="application/json")
        self._episodes[blob] = episode
        return blob

    def read_of(self, sheet: CallSheet) -> TableRead:
        """The table read of a call sheet. Raises OrderError if there was none yet."""
        if sheet.table_read is None:
            raise OrderError("the script was not read through yet", slate=sheet.prefix)
        if sheet.table_read not in self._reads:
            content = self.vault.get_blob(sheet.table_read)
            self._reads[sheet.table_read] = TableRead.from_json(content)
        return self._reads[sheet.table_read]

    def keep_read(self, read: TableRead) -> Digest:
        """Put a table read into the vault; its blob."""
        blob = self.vault.put_blob(read.to_json(), media_type="application/json")
        self._reads[blob] = read
        return blob

    def user_keyframes(self, document: Digest, folder: Path) -> dict[str, Digest]:
        """
        The user's own first frames, which are put into the vault when they are first asked for.

        Args:
            document: Blob of the episode that names them.
            folder: Where its script lies.

        Returns:
            Blobs by slate.
        """
        if document not in self._keyframes:
            self._keyframes[document] = {
                shot.slate: self.vault.put_file(folder / shot.keyframe, media_type="image/png")
                for shot in self.episode(document).shots
                if shot.keyframe
            }
        return self._keyframes[document]

    def takes(self, addresses: Sequence[Digest]) -> dict[Digest, Take]:
        """Those of the takes that really lie in the vault. Takes never change: read once."""
        unread = [address for address in addresses if address not in self._takes]
        if unread:
            with ThreadPoolExecutor(PARALLEL_READS) as pool:
                found = zip(unread, pool.map(self.vault.find_take, unread), strict=True)
                self._takes.update((address, take) for address, take in found if take)
        return {address: self._takes[address] for address in addresses if address in self._takes}

    def forget(self, take: Take) -> None:
        """Drop a take whose media is damaged, so that the next run renders it anew."""
        self.forget_take(take.address)
        self.vault.discard_blob(take.media.video)

    def forget_take(self, address: Digest) -> None:
        """Drop a take, but nothing that it names."""
        self.vault.forget_take(address)
        self._takes.pop(address, None)

    def verdict_of(self, entry: TakeEntry) -> Verdict | None:
        """What the gates said of a take when they were asked last; None if they never were."""
        if entry.question is None:
            return None
        return self.vault.find_verdict(entry.address, entry.question)

    def spoilt_frames(self, state: EpisodeState, episode: Episode) -> dict[Digest, tuple[int, ...]]:
        """Frames of circled takes that a gate marked bad."""
        spoilt = {}
        for shot in episode.shots:
            coverage = state.shot(shot.slate)
            entry = coverage.entry(coverage.circled.address) if coverage.circled else None
            if entry is None or entry.is_passed is not False or entry.question is None:
                continue
            key = (entry.address, entry.question)
            if key not in self._marked:
                verdict = self.verdict_of(entry)
                self._marked[key] = verdict.spoilt_frames if verdict else ()
            if self._marked[key]:
                spoilt[entry.address] = self._marked[key]
        return spoilt

    def sheets_for(self, episode: Episode) -> Sheets:
        """The reference sheets that are circled by now, by whatever process."""
        return circled_sheets(self.ledger_now(SHEETS).state, episode)

    def size_of(self, sheet: CallSheet) -> tuple[int, int]:
        """Width and height of an episode's film, in pixels."""
        width, height = DELIVERY_SIZES[self.episode_of(sheet).aspect]
        return sheet.order.width or width, sheet.order.height or height
