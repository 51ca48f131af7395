"""What the verb `sheets` does: reference sheets of a script's cast and sets, drawn and circled."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deployments.locks import only_producer
from deployments.opening import PLANNING, open_unit
from deployments.producing import check_order
from deployments.studio.settings import StudioSettings
from deployments.verbs import table
from onestory.errors import OrderError
from onestory.production.order import EpisodeOrder


def sheets(
    order: EpisodeOrder,
    settings: StudioSettings,
    *,
    candidates: int,
    circled: Sequence[str] = (),
    by: str = "",
) -> dict[str, Any]:
    """
    Draw the sheets that are missing, and circle those that are named as `NAME=NUMBER`.

    Raises:
        OrderError: If what is to be circled is not named so, or nobody paints.
    """
    from onestory.production.casting import circle_sheets, draw_sheets, write_sheets
    from onestory.production.sheets import SHEETS

    chosen = dict(_choice(one) for one in circled)
    check_order(order, settings)
    with open_unit(settings, PLANNING) as (unit, _), only_producer(settings.home, SHEETS):

        async def draw() -> Any:
            sheet = await unit.break_down(order)
            return sheet, await draw_sheets(unit, sheet, candidates=candidates)

        sheet, drawn = asyncio.run(draw())
        found = circle_sheets(unit, sheet, chosen, person=by) if chosen else drawn
        paths = write_sheets(unit, found, Path(order.out) / "sheets")
    return {
        **found.model_dump(mode="json"),
        "drawn": drawn.drawn,
        "pictures": [str(path) for path in paths],
    }


def sheets_text(document: dict[str, Any]) -> str:
    """The sheets as a table, and where their pictures lie."""
    rows = [
        (
            one["subject"]["name"],
            one["subject"]["look"],
            str(len(one["candidates"])),
            str(one["circled"] or ""),
            one["by"],
        )
        for one in document["sheets"]
    ]
    drawn = f"{document['drawn']} candidates drawn; pictures:"
    shown = table(("sheet of", "look", "candidates", "circled", "by"), rows)
    return "\n".join([shown, drawn, *(f"  {path}" for path in document["pictures"])])


def _choice(words: str) -> tuple[str, int]:
    name, equals, number = words.rpartition("=")
    if not (name and equals and number.isdecimal()):
        raise OrderError(f"{words!r} circles nothing", hint="write NAME=NUMBER: MARA=2")
    return name, int(number)
