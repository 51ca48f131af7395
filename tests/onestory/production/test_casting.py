"""Reference sheets: drawn once, circled, and what first frames start from."""

import asyncio
import json
from pathlib import Path

import pytest

from onestory.dailies.rendering import render_page
from onestory.engine_server.stage import Stage
from onestory.engines.wan.engine import WanEngine
from onestory.errors import OrderError
from onestory.production.call_sheet import CallSheet
from onestory.production.casting import SheetsDrawn, circle_sheets, draw_sheets
from onestory.production.dailies import page_of
from onestory.production.order import EpisodeOrder
from onestory.production.unit import Unit
from onestory.testing.in_process import engine_of
from onestory.testing.producing import two_lives
from onestory.testing.tiny_painter import write_tiny_painter
from onestory.testing.tiny_wan import write_tiny_wan
from onestory.vault.store import Vault


@pytest.fixture(scope="module", name="engine")
def _engine(tmp_path_factory: pytest.TempPathFactory) -> WanEngine:
    """A tiny Wan2.1-I2V with a painter, loaded once."""
    folder, choices = tmp_path_factory.mktemp("casting"), {"dtype": "float32", "steps": 2}
    return WanEngine(
        {**choices, "stretch_frames": 5},
        weights=write_tiny_wan(folder / "i2v", "i2v"),
        keyframes=write_tiny_painter(folder / "painter"),
        keyframe_config=choices,
        memory_budget=0.0,
        device="cpu",
    )


def unit_of(vault: Vault, engine: WanEngine) -> Unit:
    """A unit that films with it, as if in a process of its own."""
    return Unit(vault, engine_of(Stage(engine, vault)), None)


async def read(unit: Unit, folder: Path, episode: str, *, like: str = "") -> CallSheet:
    """Mara in her kitchen, Jonas in his street: a shot of each, with looks of this test's own."""
    script = two_lives(folder, episode, ("Mara waves.", "Jonas waves."))
    written = json.loads(script.read_text())
    for one in (*written["cast"], *written["sets"]):
        one["look"] += f" and a badge {like or episode}"
    script.write_text(json.dumps(written))
    order = EpisodeOrder(script=str(script), has_scratch_voice=False, width=32, height=64)
    return await unit.read_through(await unit.break_down(order))


async def film(unit: Unit, sheet: CallSheet) -> list[str]:
    """Film what is not current, and circle it whatever it is like; says which shots that were."""
    filmed = []
    for slate in sheet.slates:
        shot = await unit.look_again(sheet, slate)
        if shot.is_to_be_filmed:
            await unit.keyframe(sheet, slate)
            await unit.circle(sheet, await unit.shoot(sheet, slate, attempt=1))
            filmed.append(slate)
    return filmed


def circled(drawn: SheetsDrawn) -> dict[str, int | None]:
    """Number of what is circled, by name."""
    return {one.subject.name: one.circled for one in drawn.sheets}


def test_sheets_are_drawn_once_for_every_episode_that_looks_so(
    vault: Vault, engine: WanEngine, episode_id: str, tmp_path: Path
) -> None:
    """Another episode, in another process, has the same ones; who is to have more gets more."""

    async def drawn() -> list[SheetsDrawn]:
        """Draw for two episodes."""
        unit = unit_of(vault, engine)
        one = await draw_sheets(unit, await read(unit, tmp_path, episode_id), candidates=1)
        unit = unit_of(vault, engine)
        sheet = await read(unit, tmp_path, f"{episode_id}-two", like=episode_id)
        return [one, *[await draw_sheets(unit, sheet, candidates=number) for number in (1, 2)]]

    one, two, more = asyncio.run(drawn())

    assert circled(one) == {"MARA": 1, "JONAS": 1, "KITCHEN": 1, "STREET": 1}
    assert (one.drawn, two.drawn, more.drawn) == (4, 0, 4)
    assert two.sheets == one.sheets
    assert circled(more) == circled(one)
    assert len({each.blob for sheet in more.sheets for each in sheet.candidates}) == 8


def test_a_circled_sheet_films_its_persons_shots_anew_and_no_others(
    vault: Vault, engine: WanEngine, episode_id: str, tmp_path: Path
) -> None:
    """A script without first frames is filmed from painted ones, and once from each sheet."""

    async def filmed() -> list[list[str]]:
        """Film from captions, then from sheets, then from another sheet of Mara."""
        unit = unit_of(vault, engine)
        sheet = await read(unit, tmp_path, episode_id)
        found = [await film(unit, sheet), await film(unit_of(vault, engine), sheet)]
        await draw_sheets(unit, sheet, candidates=2)
        found += [await film(unit, sheet), await film(unit_of(vault, engine), sheet)]
        choice = circled(circle_sheets(unit, sheet, {"mara": 2}, person="Ada"))
        assert choice["MARA"] == 2
        found += [await film(unit_of(vault, engine), sheet)]
        page = render_page(page_of(unit, sheet, await unit.survey(sheet), tmp_path))
        assert page.count('<span class="quiet">2 ◯</span>') == 1, "Mara's second"
        assert page.count('alt="STREET') == 2
        circle_sheets(unit, sheet, {"MARA": 1, "KITCHEN": 2})
        return [*found, await film(unit_of(vault, engine), sheet)]

    captions, again, sheets, still, other, back = asyncio.run(filmed())

    assert again == still == []
    assert len(captions) == 2
    assert sheets == captions
    assert other == captions[:1]
    # Circled back: that take lies in the vault, and the kitchen is nobody's who is alone in it.
    assert back == captions[:1]


def test_what_cannot_be_circled_or_drawn_is_refused(
    vault: Vault, engine: WanEngine, episode_id: str, tmp_path: Path
) -> None:
    """In one sentence, and nothing of it is done."""
    unit = unit_of(vault, engine)
    sheet = asyncio.run(read(unit, tmp_path, episode_id))
    before = asyncio.run(draw_sheets(unit, sheet, candidates=1))
    for chosen, words in (
        ({"JONAS": 1, "EVA": 1}, "there is no 'EVA' to circle a sheet of"),
        ({"JONAS": 99}, "JONAS has no candidate 99"),
    ):
        with pytest.raises(OrderError, match=words):
            circle_sheets(unit, sheet, chosen, person="Ada")
    alone = WanEngine({"dtype": "float32"}, weights=engine.folder, device="cpu")
    with pytest.raises(OrderError, match="wan has no painter, and reference sheets are painted"):
        asyncio.run(draw_sheets(unit_of(vault, alone), sheet, candidates=99))

    assert asyncio.run(draw_sheets(unit, sheet, candidates=1)) == before.model_copy(
        update={"drawn": 0}
    )
