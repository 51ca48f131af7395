"""
How does a script become a call sheet? It is broken down, read through, and entered.

    script ── looks taken over ── breakdown ── aligned with the one before ── checked ──► sheet
    sheet ── every line spoken and measured ──► sheet with its table read, in force

Whatever was made of a shot stays with it: slates of the breakdown before are kept.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from onestory.breakdown.address import ModelAddress
from onestory.breakdown.alignment import align
from onestory.breakdown.checks import check_dialogue, check_references
from onestory.breakdown.imports import import_looks
from onestory.cut.voice import Voice
from onestory.documents import Digest
from onestory.errors import CutError, OrderError, ScriptError
from onestory.production.call_sheet import CallSheet, Import
from onestory.production.order import EpisodeOrder, with_music
from onestory.production.plan import Carried
from onestory.production.records import Records
from onestory.production.rehearsal import rehearse
from onestory.production.writing import break_down_as_ordered
from onestory.screenplay.reading import read_screenplay


def break_down(
    order: EpisodeOrder, drafts: Mapping[str, Digest], records: Records, model: ModelAddress
) -> CallSheet:
    """
    Turn a script into shots, and keep the slates that the ledger knows.

    Args:
        order: Which script, and whose looks it takes over.
        drafts: Breakdowns of other episodes that will be in force by then, by id.
        records: Where other episodes, and this one's earlier breakdown, are written down.
        model: The language model that the order may ask for.

    Raises:
        ScriptError: If the script cannot be shot as written, or its id is another film's.
        BreakdownError: If the language model that the order names fails, and the order says
            to stop then. Nothing is entered, and what it answered is kept.
        OrderError: If there is no such episode to take looks from.
    """
    script = Path(order.script)
    sources = {one: drafts.get(one) or _in_force(one, records) for one in order.imports}
    earlier = [records.episode(document) for document in sources.values()]
    imported = import_looks(read_screenplay(script, episode=order.episode), earlier)
    screenplay = imported.screenplay
    fresh, record = break_down_as_ordered(screenplay, order, records.vault, model)
    known = records.ledger_now(fresh.episode).state
    if known.title and known.title != fresh.title:
        raise ScriptError(
            f"{script.name} is titled {fresh.title!r}, but episode {fresh.episode} is "
            f"{known.title!r} already",
            hint="give the new film an id of its own: --episode ID",
        )
    if known.episode is not None:
        previous = records.episode(known.episode)
        current_slates = frozenset(shot.slate for shot in previous.shots)
        retired = frozenset(known.shots) - current_slates
        fresh = align(previous, fresh, retired=retired)
    check_dialogue(screenplay, fresh)
    check_references(fresh)
    blob = records.keep_episode(fresh)
    records.user_keyframes(blob, script.parent)
    return CallSheet(
        order=with_music(order, fresh),
        episode=fresh.episode,
        title=fresh.title,
        prefix=fresh.prefix,
        document=blob,
        breakdown=record,
        slates=tuple(shot.slate for shot in fresh.shots),
        imports=tuple(
            _import(one, document, imported.names.get(one, ()), records)
            for one, document in sources.items()
        ),
    )


def read_through(
    sheet: CallSheet, records: Records, voice: Voice | None, *, is_entered: bool
) -> CallSheet:
    """
    Speak every line, measure it, and fit the shots to the dialogue.

    Args:
        sheet: The episode, as broken down.
        records: Where it is written down.
        voice: Who speaks; None for nobody, and lines last as long as their words.
        is_entered: Whether the ledger is told that this breakdown is in force now.

    Raises:
        ScriptError: If lines do not fit into a shot whose length the script fixed.
    """
    try:
        read = rehearse(records.episode_of(sheet), voice, records.vault)
    except CutError as error:
        raise ScriptError(error.message, slate=error.slate, hint=error.hint) from error
    sheet = sheet.model_copy(update={"table_read": records.keep_read(read)})
    if is_entered:
        ledger = records.ledger(sheet.episode)
        for one in sheet.imports:
            ledger.imported(
                one.episode,
                episode=one.document,
                names=one.names,
                shots=[take.slate for take in one.takes],
            )
        ledger.broken_down(
            title=sheet.title,
            episode=sheet.document,
            sheet=records.vault.put_blob(sheet.to_json(), media_type="application/json"),
        )
    return sheet


def _in_force(episode: str, records: Records) -> Digest:
    """Blob of the breakdown in force of another episode."""
    document = records.ledger_now(episode).state.episode
    if document is None:
        raise OrderError(
            f"there is no episode {episode!r} to take looks from",
            hint="produce it first, or name another: onestory status lists them all",
        )
    return document


def _import(episode: str, document: Digest, names: Sequence[str], records: Records) -> Import:
    """What another episode lends: looks, and of everybody and every place the last take."""
    state, shots = records.ledger(episode).state, records.episode(document).shots
    known = {name.casefold(): name for name in names}
    carried: dict[Digest, Carried] = {}
    seen: set[str] = set()
    for shot in reversed(shots):
        people = [known[one.casefold()] for one in shot.on_screen if one.casefold() in known]
        place = known.get(shot.set_name.casefold())
        shown = {*people, *([place] if place else [])}
        coverage = state.shot(shot.slate)
        circled = coverage.circled
        if circled is None or circled.is_waiting_for_review or shown <= seen:
            continue
        seen |= shown
        carried[circled.address] = Carried(
            slate=f"{episode}/{shot.slate}",
            address=circled.address,
            coverage=tuple(entry.address for entry in coverage.takes),
            people=tuple(people),
            place=place,
        )
    takes = tuple(reversed(carried.values()))
    return Import(episode=episode, document=document, names=tuple(names), takes=takes)
