"""What each verb of the command line does, and how its answer reads as text."""

import asyncio
import copy
import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from deployments.opening import PLANNING, READING, episodes_in, open_unit, open_vault
from deployments.producing import Outcome, check_order, check_script
from deployments.producing import produce as produce_film
from deployments.producing import retake as retake_shots
from deployments.studio.addresses import Addresses
from deployments.studio.embedded import status as status_of_studio
from deployments.studio.settings import StudioSettings
from onestory.documents import Digest, Frozen
from onestory.errors import OrderError
from onestory.production.order import EpisodeOrder, RetakeOrder

if TYPE_CHECKING:
    from onestory.production.call_sheet import CallSheet
    from onestory.production.plan import Plan, ShotPlan
    from onestory.production.unit import Unit
    from onestory.vault.ledger import Ledger
    from onestory.vault.store import Vault

AnyOrder = TypeVar("AnyOrder", bound=Frozen)


def order_of(*, size: str | None = None, **fields: Any) -> EpisodeOrder:
    """
    The order that the flags describe.

    Raises:
        OrderError: If a flag asks for something that cannot be had.
    """
    if size is not None:
        width, cross, height = size.partition("x")
        if not (cross and width.isdecimal() and height.isdecimal()):
            raise OrderError(f"size {size!r} is not WIDTHxHEIGHT", hint="for example 360x640")
        fields |= {"width": int(width), "height": int(height)}
    for name in ("script", "out", "music"):
        if fields.get(name) is not None:
            fields[name] = str(Path(fields[name]).resolve())
    return ordered(EpisodeOrder, fields)


def retake_order_of(**fields: Any) -> RetakeOrder:
    """
    The retake that the flags describe.

    Raises:
        OrderError: If a flag asks for something that cannot be had.
    """
    for name in ("keyframe", "clip"):
        if fields.get(name) is not None:
            fields[name] = str(Path(fields[name]).resolve())
    return ordered(RetakeOrder, fields)


def ordered(kind: type[AnyOrder], fields: dict[str, Any]) -> AnyOrder:
    """
    An order of a kind.

    Raises:
        OrderError: If its fields ask for something that cannot be had.
    """
    try:
        return kind(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise OrderError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def produce(order: EpisodeOrder, settings: StudioSettings) -> Outcome:
    """Make the film, with a live shot list on the terminal."""
    return _watched(partial(produce_film, order, settings))


def retake(order: RetakeOrder, settings: StudioSettings) -> Outcome:
    """Film shots again, with a live shot list on the terminal."""
    return _watched(partial(retake_shots, order, settings))


def _watched(make: Callable[..., Outcome]) -> Outcome:
    from deployments.live import ShotBoard

    board = ShotBoard()

    def greet(addresses: Addresses) -> None:
        for line in addresses.summary().splitlines():
            board.say(line)
        board.__enter__()

    try:
        return make(watchers=(board,), on_studio=greet)
    finally:
        board.__exit__(None, None, None)


def outcome_text(outcome: Outcome) -> str:
    """Where the delivery lies and how to look at everything again."""
    made = outcome.delivery
    waiting = made.num_waiting_for_review
    lines = [
        f"film       {made.film}",
        f"dailies    {made.dailies}",
        f"subtitles  {', '.join(made.subtitles)}",
        f"timeline   {made.otio}",
        f"manifest   {made.manifest}",
        f"{len(made.shots)} shots, {outcome.rendered} takes rendered, {outcome.reused} reused, "
        f"{outcome.seconds:.0f} s",
        "dashboard and MLflow again: onestory studio up; onestory studio mlflow",
    ]
    if waiting:
        lines.append(f"{waiting} shots are waiting for review: see the dailies page")
    return "\n".join(lines)


def plan(order: EpisodeOrder, settings: StudioSettings) -> dict[str, Any]:
    """The units of work of a script, without spending anything."""
    check_order(order, settings)
    with open_unit(settings, PLANNING) as (unit, addresses):
        return asyncio.run(_survey(unit, order, addresses.mlflow_tracking_uri))


async def _survey(unit: "Unit", order: EpisodeOrder, tracking_uri: str) -> dict[str, Any]:
    sheet = await unit.read_through(await unit.break_down(order), is_entered=False)
    plan = await unit.survey(sheet)
    return await _priced(unit, sheet, plan, plan.shots, tracking_uri)


def plan_retake(order: RetakeOrder, settings: StudioSettings) -> dict[str, Any]:
    """What a retake would film, without entering it."""
    with open_unit(settings, PLANNING) as (unit, addresses):
        return asyncio.run(_survey_retake(unit, order, addresses.mlflow_tracking_uri))


async def _survey_retake(unit: "Unit", order: RetakeOrder, tracking_uri: str) -> dict[str, Any]:
    from onestory.production.retake import enter

    entered = await enter(unit, order, run="", in_pencil=True)
    plan = await unit.survey(entered.sheet)
    shots = plan.since(entered.first)
    return await _priced(unit, entered.sheet, plan, shots, tracking_uri)


async def _priced(
    unit: "Unit", sheet: "CallSheet", plan: "Plan", shots: "Sequence[ShotPlan]", tracking_uri: str
) -> dict[str, Any]:
    """A plan as a document, with what some of its shots come to."""
    from onestory.production.estimate import price

    findings = await unit.preflight(sheet, shots)
    found = await price(unit, sheet, shots, tracking_uri)
    return {
        **plan.model_dump(mode="json"),
        **found.model_dump(mode="json"),
        "price": found.in_words,
        "findings": [finding.model_dump(mode="json") for finding in findings],
        "breakdown": sheet.breakdown.model_dump(mode="json") if sheet.breakdown else None,
    }


def plan_text(document: dict[str, Any]) -> str:
    """The plan as a table."""
    from onestory.production.plan import ShotPlan
    from onestory.production.preflight import Finding

    shown = [ShotPlan.model_validate(shot) for shot in document["shots"]]
    rows = [(shot.slate, shot.standing, shot.verdict, shot.why) for shot in shown]
    shots = table(("shot", "freshness", "verdict", "why"), rows)
    to_film = f"{document['to_film']} of {len(rows)} shots would be filmed"
    lines = [shots, ": ".join(filter(None, (to_film, document["price"])))]
    instead_of = (document["breakdown"] or {}).get("instead_of")
    if instead_of:
        lines.append(f"broken down by rules; {instead_of}")
    lines += [Finding.model_validate(one).in_words for one in document["findings"]]
    return "\n".join(lines)


def status(episode: str | None, settings: StudioSettings) -> dict[str, Any]:
    """Where every shot of one episode, or of all, stands in the ledger."""
    from onestory.vault.ledger import Ledger

    with open_vault(settings) as vault:
        names = [episode] if episode else episodes_in(vault)
        return {"episodes": [_status_of(Ledger(vault, name)) for name in names]}


def _status_of(ledger: Any) -> dict[str, Any]:
    state = ledger.state
    if not state.title:
        raise OrderError(
            f"there is no episode {ledger.episode!r}", hint="onestory status lists them all"
        )
    return {
        "episode": ledger.episode,
        "title": state.title,
        "is_delivered": state.delivery is not None,
        "shots": [_shot_status(slate, shot) for slate, shot in sorted(state.shots.items())],
    }


def _shot_status(slate: str, shot: Any) -> dict[str, Any]:
    circled = shot.circled
    waiting = bool(shot.crashed or (circled and circled.is_waiting_for_review))
    return {
        "slate": slate,
        "takes": len(shot.takes),
        "circled": circled.slate if circled else None,
        "verdict": "waiting for review" if waiting else "circled" if circled else "",
        "by": circled.by if circled else None,
        "person": circled.person if circled else "",
        "why": shot.crashed or (circled.why if circled else ""),
        "quarantined": len(shot.quarantined),
    }


def status_text(document: dict[str, Any]) -> str:
    """The status as tables."""
    parts = []
    for episode in document["episodes"]:
        rows = [
            (shot["slate"], str(shot["takes"]), shot["circled"] or "", shot["verdict"], shot["why"])
            for shot in episode["shots"]
        ]
        shots = table(("shot", "takes", "circled", "verdict", "why"), rows)
        word = "delivered" if episode["is_delivered"] else "not delivered yet"
        parts.append(f"{episode['episode']}  {episode['title']}  {word}\n{shots}")
    return "\n\n".join(parts) or "no episode yet"


def explain(
    take: str, other: str | None, episode: str | None, settings: StudioSettings
) -> dict[str, Any]:
    """What a take was made from; with another one, what differs."""
    from onestory.production.call_sheet import CallSheet
    from onestory.production.explain import explain as lay_open

    with open_vault(settings) as vault:
        address, ledger = _found(take, episode, vault)
        one = vault.get_take(address)
        two = vault.get_take(_found(other, episode, vault)[0]) if other else None
        sources = [vault.find_take(address) for address in {frame.take for frame in one.lineage}]
        slates = {source.address: source.slate for source in sources if source}
        if ledger and ledger.state.sheet:
            slates |= CallSheet.from_json(vault.get_blob(ledger.state.sheet)).lent()
    return lay_open(one, two, slates=slates).model_dump(mode="json")


def _found(name: str, episode: str | None, vault: "Vault") -> tuple[Digest, "Ledger | None"]:
    """Address of a take, and the ledger of its episode if it was asked for by its slate."""
    from onestory.vault.ledger import Ledger

    if name.startswith("sha256:"):
        return Digest(name), None
    for one in [episode] if episode else episodes_in(vault):
        ledger = Ledger(vault, one)
        for shot in ledger.state.shots.values():
            for take in shot.takes:
                if take.slate == name:
                    return take.address, ledger
    raise OrderError(f"there is no take {name!r}", hint="onestory status lists the slates")


def explain_text(document: dict[str, Any]) -> str:
    """The explanation, differences first."""
    lines = [f"{document['slate']}  {document['address']}"]
    for difference in document["differences"]:
        lines += [
            f"{difference['field']}:",
            f"  - {difference['one']}",
            f"  + {difference['other']}",
        ]
    if not document["differences"]:
        recipe = document["recipe"]
        lines += [f"{name:16}  {_inline(value)}" for name, value in recipe.items() if value]
    lines.append(f"remembered        {len(document['remembered'])} frames of earlier takes")
    lines += [
        f"  {frame['slate'] or frame['take']}  frame {frame['frame']}  "
        f"score {frame['score']:.2f}  level {frame['level']}"
        for frame in document["remembered"]
    ]
    lines += [f"remark            {remark}" for remark in document["remarks"]]
    return "\n".join(lines)


def screen(episode: str, out: Path, settings: StudioSettings) -> Path:
    """Write the dailies page of an episode and say where it lies."""
    from onestory.production.dailies import write_dailies

    with open_unit(settings, PLANNING) as (unit, addresses):
        tracking_uri = addresses.mlflow_tracking_uri
        return asyncio.run(
            write_dailies(
                unit, unit.records.sheet_of(episode), out.resolve(), tracking_uri=tracking_uri
            )
        )


def compare(episode: str, shot: str, out: Path, settings: StudioSettings) -> dict[str, Any]:
    """All takes of a shot side by side, written as a page: what is on it, and where it lies."""
    from onestory.production.compare import compare as lay_beside
    from onestory.production.compare import write_comparison

    with open_unit(settings, READING) as (unit, _):
        found = lay_beside(unit, unit.records.sheet_of(episode), shot)
        page = write_comparison(found, out.resolve())
    return {"page": str(page), **found.model_dump(mode="json")}


def ab(
    order: EpisodeOrder, policies: tuple[Sequence[str], Sequence[str]], settings: StudioSettings
) -> dict[str, Any]:
    """
    Film a script in two ways on the same seeds, and lay the films beside each other.

    Args:
        order: What both have in common; its episode's id, with `-a` and `-b`, is theirs.
        policies: Options of the engine, as `NAME=VALUE`, for A and for B.
        settings: The studio.

    Returns:
        What is on the page, and where it lies.

    Raises:
        OrderError: If an option cannot be read.
    """
    from onestory.production.ab import Filmed, lay_beside, write_ab

    episode = check_script(order)
    options = [_with_options(settings.engine_options, policy) for policy in policies]
    for name, each in zip("ab", options, strict=True):
        same = {"episode": f"{episode}-{name}", "seeds_of": episode}
        produce(order.model_copy(update=same), settings.model_copy(update={"engine_options": each}))
    with open_unit(settings, READING) as (unit, _):
        one, other = (
            Filmed(
                unit.records.sheet_of(f"{episode}-{name}"),
                " ".join(policy) or "as the studio is set",
            )
            for name, policy in zip("ab", policies, strict=True)
        )
        found = lay_beside(unit, (one, other), episode=episode)
        page = write_ab(found, Path(order.out))
    return {"page": str(page), **found.model_dump(mode="json")}


def _with_options(options: Mapping[str, Any], policy: Sequence[str]) -> dict[str, Any]:
    """Engine options with some changed: `memory_budget=3`, or `config.steps=4` for one inside."""
    changed = copy.deepcopy(dict(options))
    for each in policy:
        path, equals, word = each.partition("=")
        *folders, name = path.split(".")
        if not equals or not all((*folders, name)):
            raise OrderError(f"{each!r} is no option", hint="write NAME=VALUE: memory_budget=3")
        inside = changed
        for folder in folders:
            inside = inside.setdefault(folder, {})
        try:
            inside[name] = json.loads(word)
        except ValueError:
            inside[name] = word
    return changed


def export(episode: str, to: str, settings: StudioSettings) -> str:
    """The episode's cut in a foreign format."""
    from onestory.production.cutting import export as export_cut

    with open_unit(settings, READING) as (unit, _):
        return export_cut(unit, unit.records.sheet_of(episode), to)


def studio_status(settings: StudioSettings) -> dict[str, Any]:
    """Which services run, and where."""
    return status_of_studio(settings).model_dump(mode="json")


def studio_text(document: dict[str, Any]) -> str:
    """The services as a table."""
    rows = [
        (service["name"], service["state"], str(service["pid"] or ""), service["address"] or "")
        for service in document["services"]
    ]
    return table(("service", "state", "pid", "address"), rows)


def doctor(settings: StudioSettings) -> dict[str, Any]:
    """Every finding about this machine."""
    from deployments.studio.doctor import examine

    findings = examine(settings)
    return {
        "is_ready": all(finding.is_ok for finding in findings if finding.is_required),
        "findings": [finding.model_dump(mode="json") for finding in findings],
    }


def doctor_text(document: dict[str, Any]) -> str:
    """The findings as a table, with what to do about them."""
    rows = [
        (
            "ok" if one["is_ok"] else "MISSING" if one["is_required"] else "missing",
            one["name"],
            str(one["found"] or ""),
            "" if one["is_ok"] else str(one["hint"] or ""),
        )
        for one in document["findings"]
    ]
    return table(("", "what", "found", "hint"), rows)


def _inline(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Rows under headings, as text."""
    drawn = Table(box=None, pad_edge=False)
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    console = Console(width=120, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(drawn)
    return captured.get().rstrip()
