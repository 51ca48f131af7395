"""What is a take held against? The circled takes of earlier shots, and of earlier episodes."""

from collections.abc import Sequence

from onestory.documents import Digest
from onestory.engines.take import Comparison, Reference
from onestory.production.call_sheet import CallSheet, TakeInHand
from onestory.production.calling import shot_of
from onestory.production.records import Records
from onestory.screenplay.episode import Shot

LAST_KNOWN = 2
"""How many of the newest takes of somebody, or some place, a new one is held against, beside the
first, which nothing has drifted from yet."""


def comparison_for(sheet: CallSheet, take: TakeInHand, records: Records) -> Comparison:
    """Choose the takes that show the people and the place of a take that is to be judged."""
    episode = records.episode_as_ordered(sheet)
    state = records.ledger(sheet.episode).state
    shot = shot_of(episode, take.shot)
    earlier = [
        (one, circled.address)
        for one in episode.shots[: episode.shots.index(shot)]
        if (circled := state.shot(one.slate).circled) is not None
    ]
    alike = [address for one, address in earlier if _look(one) == _look(shot)]
    lent = [take for one in sheet.imports for take in one.takes]
    people = {
        name: [
            *(one.address for one in lent if name in one.people),
            *(address for one, address in earlier if name in one.on_screen),
        ]
        for name in shot.on_screen
    }
    place = [one.address for one in lent if one.place == shot.set_name]
    place += [address for one, address in earlier if one.set_name == shot.set_name]
    return Comparison(
        anchor=alike[0] if alike else None,
        people=tuple(
            Reference(name=name, takes=_telling(takes)) for name, takes in people.items() if takes
        ),
        place=_telling(place),
    )


def _telling(takes: Sequence[Digest]) -> tuple[Digest, ...]:
    """Of takes that show the same, those that a new one is held against: the first and the last."""
    return tuple(dict.fromkeys([*takes[:1], *takes[-LAST_KNOWN:]]))


def _look(shot: Shot) -> tuple[int, str, str, str, str]:
    return shot.scene, shot.set_name, shot.light, shot.weather, shot.framing
