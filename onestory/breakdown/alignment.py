"""
Which of today's shots was already a shot yesterday? Aligned like a diff, by content.

    yesterday  sh001  sh002  sh003          sh004
                 │      │      │               ✕
    today      sh001  sh002  sh003  sh003A

Equal shots are matched first, then similar ones between them, never crossing. A shot keeps
its slate for life, and a slate never names a second shot.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence

from onestory.breakdown.slates import number_between, parts_of, slate_of
from onestory.screenplay.episode import Episode, Shot

SIMILAR = 0.5
"""From this similarity on, two shots are one shot whose text was edited."""


def _content(shot: Shot) -> tuple[object, ...]:
    """What makes a shot itself, in the script's own words."""
    caption = "" if shot.action or shot.lines else shot.caption
    return (shot.set_name, shot.action, shot.lines, caption, shot.keyframe)


def _pairs_of_letters(shot: Shot) -> Counter[str]:
    said = " ".join(line.text for line in shot.lines)
    text = f"{shot.action} {said}".strip() or shot.caption
    text = f" {' '.join(text.casefold().split())} "
    return Counter(text[index : index + 2] for index in range(len(text) - 1))


def _likeness(first: Counter[str], second: Counter[str]) -> float:
    """Share of letter pairs that two texts have in common (Dice), in [0, 1]."""
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 0.0


def _best_path(
    rows: int, columns: int, score: Callable[[int, int], float]
) -> list[tuple[int, int]]:
    """The pairs, never crossing, whose scores add up to most; pairs of score 0 are left out."""
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    scores = [[score(row, column) for column in range(columns)] for row in range(rows)]
    for row in range(rows - 1, -1, -1):
        for column in range(columns - 1, -1, -1):
            paired = scores[row][column]
            taken = paired + best[row + 1][column + 1] if paired > 0 else 0.0
            best[row][column] = max(taken, best[row + 1][column], best[row][column + 1])
    pairs: list[tuple[int, int]] = []
    row = column = 0
    while row < rows and column < columns:
        paired = scores[row][column]
        if paired > 0 and best[row][column] == paired + best[row + 1][column + 1]:
            pairs.append((row, column))
            row, column = row + 1, column + 1
        elif best[row][column] == best[row + 1][column]:
            row += 1
        else:
            column += 1
    return pairs


def match_shots(previous: Sequence[Shot], current: Sequence[Shot]) -> dict[int, int]:
    """By position in `current`: the position in `previous` of the shot that it still is."""
    old, new = [_content(shot) for shot in previous], [_content(shot) for shot in current]
    whole = [shot.caption for shot in previous], [shot.caption for shot in current]

    def equal(row: int, column: int) -> float:
        if old[row] != new[column]:
            return 0.0
        # Of two shots with the same words, the one with the same caption is rather meant.
        return 1.01 if whole[0][row] == whole[1][column] else 1.0

    anchors = _best_path(len(old), len(new), equal)
    matched = {column: row for row, column in anchors}
    letters = [_pairs_of_letters(s) for s in previous], [_pairs_of_letters(s) for s in current]
    edges = [(-1, -1), *anchors, (len(old), len(new))]
    for (row, column), (next_row, next_column) in itertools.pairwise(edges):
        top, left = row + 1, column + 1

        def similar(r: int, c: int, top: int = top, left: int = left) -> float:
            likeness = _likeness(letters[0][top + r], letters[1][left + c])
            return likeness if likeness >= SIMILAR else 0.0

        if (next_row - top, next_column - left) == (1, 1):
            # One shot stands where one shot stood, between the same neighbours: whatever it
            # shows now, a person who rewrote it thinks of it as that shot.
            if previous[top].set_name == current[left].set_name:
                matched[left] = top
            continue
        for r, c in _best_path(next_row - top, next_column - left, similar):
            matched[left + c] = top + r
    return matched


def _tail_number(used: set[str]) -> str:
    """The number after every number that was ever used."""
    return f"{max((int(number[:3]) for number in used), default=0) + 1:03d}"


def align(previous: Episode, current: Episode, *, retired: frozenset[str] = frozenset()) -> Episode:
    """
    Give today's shots the slates that they had yesterday, and new shots new ones.

    Args:
        previous: The episode as it was broken down before.
        current: The episode as the script is today, with provisional slates.
        retired: Slates of shots that were deleted before `previous`; never used again.

    Returns:
        `current` with slates that rise in story order, each naming one shot for life.
    """
    matched = match_shots(previous.shots, current.shots)
    kept = {column: parts_of(previous.shots[row].slate) for column, row in matched.items()}
    used = {parts_of(shot.slate).number for shot in previous.shots}
    used |= {parts_of(slate).number for slate in retired}
    slates: list[str] = []
    before = "000"
    scene = 0
    for index, shot in enumerate(current.shots):
        if index in kept:
            slates.append(previous.shots[matched[index]].slate)
        else:
            coming = next(
                (kept[i] for i in range(index + 1, len(current.shots)) if i in kept), None
            )
            number = number_between(before, coming.number, used) if coming else _tail_number(used)
            used.add(number)
            # The scene part must not fall behind its neighbours', or names would not sort.
            ceiling = coming.scene if coming else max(shot.scene, scene)
            slates.append(slate_of(max(scene, min(shot.scene, ceiling)), number))
        before, scene = parts_of(slates[-1])
    named = zip(current.shots, slates, strict=True)
    shots = tuple(shot.model_copy(update={"slate": slate}) for shot, slate in named)
    return current.model_copy(update={"shots": shots})
