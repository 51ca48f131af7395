"""
What leaves the house, and when is it made anew?

    circled takes + table read + options ── delivery digest
        known, files whole ── nothing is made           else ── assemble ── vault ── folder

A delivery is a folder named after the episode: film, subtitles, timeline, dailies page,
continuity report and manifest. It is prepared in a folder of its own and moved into place
file by file, the manifest last.
"""

import asyncio
import json
import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from onestory import __version__
from onestory.cut.assemble import DISCLOSURE, AssemblyOptions, AssemblyResult, assemble
from onestory.cut.timeline import Cut
from onestory.dailies.rendering import render_memory, render_page
from onestory.documents import Digest, Document, digest_of, digest_of_json
from onestory.engines.take import Take
from onestory.errors import OrderError
from onestory.production.call_sheet import CallSheet
from onestory.production.cutting import fetch, lay_out
from onestory.production.dailies import (
    contact_sheet_of,
    page_of,
    put_file,
    unknown_words,
)
from onestory.production.delivered import DeliveredShot, Delivery, Links
from onestory.production.plan import Plan, ShotPlan
from onestory.production.unit import Unit
from onestory.tracking.history import EXPERIMENT
from onestory.tracking.mlflow_log import EpisodeRun

logger = logging.getLogger("onestory.production")

CUT_VERSION = 1
"""Raised by hand when a code change alters what a delivery holds."""

DESK = ".delivering-"

MEDIA_TYPES: Mapping[str, str] = {
    "episode.mp4": "video/mp4",
    "episode.srt": "application/x-subrip",
    "episode.vtt": "text/vtt",
    "episode.otio": "application/json",
    "episode.edl": "text/plain",
    "episode.csv": "text/csv",
    "episode.jpg": "image/jpeg",
}


SHOWN: Mapping[str, str] = {
    "contact-sheet.jpg": "image/jpeg",
    "dailies.html": "text/html",
    "memory.svg": "image/svg+xml",
}
"""Media types of papers that the dashboard shows."""


DID_NOT_RUN = "–"
FORMAL_GATES = ("readable", "length", "size")
"""Gates whose number is the same for every take that passes."""


class Assembled(Document):
    """What an assembly made: kept in the vault, so that it is made once."""

    schema_name: ClassVar[str] = "Assembled.1"

    files: dict[str, Digest]
    num_frames: int
    integrated_lufs: float
    true_peak_db: float
    mlflow_run: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackingAddress:
    """Where MLflow is."""

    uri: str
    artifacts: str | None


class CuttingRoom:
    """Turns the circled takes of a unit into a delivery."""

    def __init__(self, unit: Unit, tracking: TrackingAddress | None) -> None:
        self.unit = unit
        self.tracking = tracking

    async def deliver(self, sheet: CallSheet) -> Delivery:
        """
        Make the delivery, or find it whole.

        Raises:
            CutError: If a shot has no take, a frame is unaccounted for, or the film is silent.
            OrderError: If there can be no such folder.
            CorruptBlobError: If a take's video is damaged; it is forgotten, so run again.
        """
        plan = await self.unit.survey(sheet)
        return await asyncio.to_thread(self._deliver, sheet, plan)

    def _deliver(self, sheet: CallSheet, plan: Plan) -> Delivery:
        cut = lay_out(self.unit, sheet, Path())
        key = self._key(sheet, cut)
        folder = Path(sheet.order.out) / sheet.episode
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OrderError(
                f"the film cannot be delivered to {folder}: {error.strerror}",
                hint="name another folder and order it again: its takes are found",
            ) from error
        known = self.unit.vault.find_lookup("delivery", key)
        if known:
            assembled = Assembled.model_validate(known)
            self._restore(assembled, folder)
            papers = self._write_papers(sheet, plan, folder, assembled)
        else:
            assembled, papers = self._make(sheet, plan, folder, key)
        self.unit.records.ledger(sheet.episode).delivered(assembled.files["episode.mp4"])
        return self._delivery(sheet, plan, folder, assembled, papers, is_reused=known is not None)

    def _make(
        self, sheet: CallSheet, plan: Plan, folder: Path, key: Digest
    ) -> tuple[Assembled, dict[str, Digest]]:
        """Assemble the film, and log the takes meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            logging_takes = pool.submit(self._log_takes, sheet, plan, key)
            assembled = self._assemble(sheet, folder)
            self._restore(assembled, folder)
            papers = self._write_papers(sheet, plan, folder, assembled)
            run = logging_takes.result()
        if run is not None:
            run.log_artifacts(folder)
            run.finish()
            assembled = assembled.model_copy(update={"mlflow_run": run.run_id})
        self.unit.vault.put_lookup("delivery", key, assembled.model_dump(mode="json"))
        return assembled, papers

    def _key(self, sheet: CallSheet, cut: Cut) -> Digest:
        order = sheet.order
        music = digest_of(Path(order.music).read_bytes()) if order.music else None
        return digest_of_json(
            [
                CUT_VERSION,
                sheet.title,
                sheet.table_read,
                [[shot.take.slate, shot.take.recipe, shot.take.verdict] for shot in cut.shots],
                [[shot.transition, shot.num_frames] for shot in cut.shots],
                [[take.slate, take.recipe] for shot in cut.shots for take in shot.alternates],
                [cut.fps, cut.width, cut.height, order.burn_subtitles, music],
            ]
        )

    def _assemble(self, sheet: CallSheet, folder: Path) -> Assembled:
        for abandoned in folder.glob(f"{DESK}*"):
            # One producer at a time works on an episode: this desk's was killed.
            shutil.rmtree(abandoned, ignore_errors=True)
        desk = Path(tempfile.mkdtemp(prefix=DESK, dir=folder))
        try:
            fetch(self.unit, sheet, desk / "media")
            cut = lay_out(self.unit, sheet, desk / "media")
            options = AssemblyOptions(
                width=cut.width,
                height=cut.height,
                burn_subtitles=sheet.order.burn_subtitles,
                music=Path(sheet.order.music) if sheet.order.music else None,
            )
            made = assemble(cut, out_dir=desk / "film", options=options)
            return self._keep(made, desk / "film")
        finally:
            shutil.rmtree(desk, ignore_errors=True)

    def _keep(self, made: AssemblyResult, folder: Path) -> Assembled:
        put = self.unit.vault.put_file
        return Assembled(
            files={name: put(folder / name, media_type=kind) for name, kind in MEDIA_TYPES.items()},
            num_frames=made.num_frames,
            integrated_lufs=round(made.loudness.integrated_lufs, 2),
            true_peak_db=round(made.loudness.true_peak_db, 2),
        )

    def _restore(self, assembled: Assembled, folder: Path) -> None:
        """Put every file of an assembly into the folder, unless it lies there whole."""
        for name, blob in assembled.files.items():
            path = folder / name
            if not path.exists() or digest_of(path.read_bytes()) != blob:
                put_file(path, self.unit.vault.get_blob(blob))

    def _write_papers(
        self, sheet: CallSheet, plan: Plan, folder: Path, assembled: Assembled
    ) -> dict[str, Digest]:
        takes = self._circled(plan)
        continuity = self._continuity(sheet, plan, takes, assembled)
        manifest = self._manifest(sheet, plan, takes, assembled)
        provenance = (
            ("engine", " ".join(manifest["engines"])),
            ("machine class", " ".join(manifest["machines"])),
            ("voice", manifest["voice"]),
            ("disclosure", DISCLOSURE),
        )
        page = page_of(self.unit, sheet, plan, folder, provenance=provenance)
        memory = render_memory(page)
        shown = {
            "contact-sheet.jpg": contact_sheet_of(self.unit, sheet),
            "dailies.html": render_page(page).encode(),
            **({"memory.svg": memory.encode()} if memory else {}),
        }
        papers = {
            **shown,
            "continuity.json": _as_json(continuity),
            "manifest.json": _as_json(manifest),
        }
        for name, content in papers.items():
            put_file(folder / name, content)
        if memory is None:
            (folder / "memory.svg").unlink(missing_ok=True)
        put = self.unit.vault.put_blob
        return {name: put(content, media_type=SHOWN[name]) for name, content in shown.items()}

    def _circled(self, plan: Plan) -> dict[str, Take]:
        """Circled takes by the slate of their shot."""
        addresses = [shot.address for shot in plan.shots if shot.address]
        takes = self.unit.records.takes(addresses)
        return {
            shot.slate: takes[shot.address]
            for shot in plan.shots
            if shot.address and shot.address in takes
        }

    def _continuity(
        self, sheet: CallSheet, plan: Plan, takes: Mapping[str, Take], assembled: Assembled
    ) -> dict[str, Any]:
        reports = [take.caption_report for take in takes.values() if take.caption_report]
        words = sum(report.num_words for report in reports)
        unknown = sum(len(report.unknown) for report in reports)
        return {
            "schema": "Continuity.1",
            "episode": sheet.episode,
            "integrated_lufs": assembled.integrated_lufs,
            "true_peak_db": assembled.true_peak_db,
            "unknown_words_share": round(unknown / words, 4) if words else 0.0,
            "warnings": unknown_words({take.address: take for take in takes.values()}),
            "shots": [
                {
                    "slate": shot.slate,
                    "take": shot.take,
                    "verdict": shot.verdict,
                    "gates": [
                        result.model_dump(mode="json") for result in self._results(sheet, shot)
                    ],
                }
                for shot in plan.shots
            ],
        }

    def _results(self, sheet: CallSheet, shot: ShotPlan) -> tuple[Any, ...]:
        coverage = self.unit.records.ledger(sheet.episode).state.shot(shot.slate)
        entry = coverage.entry(shot.address) if shot.address else None
        verdict = self.unit.records.verdict_of(entry) if entry else None
        return verdict.results if verdict else ()

    def _manifest(
        self, sheet: CallSheet, plan: Plan, takes: Mapping[str, Take], assembled: Assembled
    ) -> dict[str, Any]:
        engines = sorted({_engine_words(take) for take in takes.values()})
        return {
            "schema": "Manifest.1",
            "episode": sheet.episode,
            "title": sheet.title,
            "disclosure": DISCLOSURE,
            "is_ai_generated": True,
            "made_by": f"OneStory Studio {__version__}",
            "script": sheet.document,
            "table_read": sheet.table_read,
            "breakdown": sheet.breakdown.model_dump(mode="json") if sheet.breakdown else None,
            "voice": self.unit.records.read_of(sheet).voice,
            "has_scratch_voice": self.unit.records.read_of(sheet).is_scratch,
            "engines": engines,
            "machines": sorted({take.machine for take in takes.values()}),
            "files": assembled.files,
            "shots": [
                {
                    "slate": shot.slate,
                    "take": shot.take,
                    "recipe": takes[shot.slate].address,
                    "seed": takes[shot.slate].recipe.seed,
                    "video": takes[shot.slate].media.video,
                    "memory": takes[shot.slate].recipe.memory,
                    "rendered_at": takes[shot.slate].rendered_at,
                    "versions": dict(takes[shot.slate].versions),
                }
                for shot in plan.shots
            ],
        }

    def _log_takes(self, sheet: CallSheet, plan: Plan, key: Digest) -> EpisodeRun | None:
        """Log the episode and all its takes to MLflow; a run that was torn is gone on with."""
        if self.tracking is None:
            return None
        state = self.unit.records.ledger(sheet.episode).state
        read = self.unit.records.read_of(sheet)
        params: dict[str, str | int | float | bool] = {
            "script": sheet.document,
            "num_shots": len(sheet.slates),
            "num_frames": sum(shot.num_frames for shot in read.shots),
            "voice": read.voice,
            "seed": sheet.order.seed,
            "max_takes": sheet.order.max_takes,
        }
        run = EpisodeRun.start(
            self.tracking.uri,
            EXPERIMENT,
            sheet.episode,
            artifact_root=self.tracking.artifacts,
            params=params,
            tags={"title": sheet.title, "prefix": sheet.prefix},
            resume_key=key,
        )
        entries = [entry for slate in sheet.slates for entry in state.shot(slate).takes]
        takes = self.unit.records.takes([entry.address for entry in entries])
        circled = {shot.address for shot in plan.shots}
        for entry in entries:
            if entry.address in takes:
                run.log_take(
                    takes[entry.address],
                    slate=entry.slate,
                    verdict=self.unit.records.verdict_of(entry),
                    is_circled=entry.address in circled,
                )
        run.log_metrics({"takes": len(takes), "shots": len(sheet.slates)})
        return run

    def _delivery(
        self,
        sheet: CallSheet,
        plan: Plan,
        folder: Path,
        assembled: Assembled,
        papers: Mapping[str, Digest],
        *,
        is_reused: bool,
    ) -> Delivery:
        link = self.unit.vault.link
        return Delivery(
            episode=sheet.episode,
            title=sheet.title,
            film=str(folder / "episode.mp4"),
            subtitles=(str(folder / "episode.srt"), str(folder / "episode.vtt")),
            otio=str(folder / "episode.otio"),
            dailies=str(folder / "dailies.html"),
            continuity=str(folder / "continuity.json"),
            manifest=str(folder / "manifest.json"),
            poster=str(folder / "episode.jpg"),
            shots=tuple(
                DeliveredShot(
                    slate=shot.slate,
                    verdict=shot.verdict,
                    freshness=shot.freshness,
                    takes=shot.takes,
                    recipe=shot.address or "",
                    take=shot.take,
                )
                for shot in plan.shots
            ),
            num_frames=assembled.num_frames,
            integrated_lufs=assembled.integrated_lufs,
            mlflow_run=assembled.mlflow_run,
            gate_table=_of_gates_that_ran([self._gate_row(sheet, shot) for shot in plan.shots]),
            links=Links(
                film=link(assembled.files["episode.mp4"]),
                dailies=link(papers["dailies.html"]),
                contact_sheet=link(papers["contact-sheet.jpg"]),
                memory=link(papers["memory.svg"]) if "memory.svg" in papers else "",
            ),
            is_reused=is_reused,
        )

    def _gate_row(self, sheet: CallSheet, shot: ShotPlan) -> dict[str, Any]:
        row: dict[str, Any] = {"take": shot.take, "verdict": shot.verdict}
        # What tells takes apart comes first: a dashboard cuts wide tables off.
        for result in sorted(self._results(sheet, shot), key=lambda one: one.gate in FORMAL_GATES):
            number = DID_NOT_RUN if result.value is None else f"{result.value:.3g}"
            row[result.gate] = number if result.is_passed is not False else f"NG {number}"
        return row


def _of_gates_that_ran(rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The rows without gates that ran for none of them."""
    ran = {name for row in rows for name, said in row.items() if said != DID_NOT_RUN}
    return tuple({name: row[name] for name in row if name in ran} for row in rows)


def _engine_words(take: Take) -> str:
    engine = take.recipe.engine
    return f"{engine.name} v{engine.recipe_version} (weights {engine.weights})"


def _as_json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True).encode()
