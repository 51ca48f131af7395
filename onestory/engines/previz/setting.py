"""
Where is it, in what light, and how is it filmed?

    set name, set look, caption ─┬─ Place (the same variant on every return)
                                 ├─ Light, Weather
                                 └─ Framing, CameraMove
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from onestory.engines.previz.lexicon import Hit, Kind, Lexicon
from onestory.engines.previz.words import Token, tokenise, word_set
from onestory.storyworld.kinds import CameraMove, Framing, Light, PlaceKind, Weather
from onestory.storyworld.look import Place

INDOORS = frozenset(
    {
        PlaceKind.KITCHEN,
        PlaceKind.LIVING_ROOM,
        PlaceKind.BEDROOM,
        PlaceKind.OFFICE,
        PlaceKind.CAFE,
        PlaceKind.BAR,
        PlaceKind.SHOP,
        PlaceKind.HOSPITAL,
        PlaceKind.CLASSROOM,
        PlaceKind.CORRIDOR,
    }
)
"""Places that have an outside."""

_WHERE = word_set(
    """
    in at on into inside through along across down around onto of by from aboard within
    """
)
_FURNITURE = word_set(
    """
    desk bed stove oven sink fridge sofa couch table pillow mattress armchair fireplace stairs
    bench tree grass sand deck window screen stage sea ocean lift gate step wave
    """
)
"""Words that hint at a place without naming it."""
_WALLS = word_set(
    """
    wall walls wallpaper tiles bricks brick panelling houses house facades facade fronts trees
    rocks hills sand ground carpet paint pillars
    """
)
_FURNISHING = word_set(
    """
    table tables desk desks chair chairs sofa armchair bed cupboards shelves counter cabinets
    stools seats seat bench benches furniture huts umbrella
    """
)
_NEUTRAL_WALLS = ("cream", "beige", "mint", "sky blue", "grey", "lavender")


@dataclass(frozen=True, slots=True)
class Setting:
    """What the words say of place, light and camera."""

    place: Place
    light: Light
    weather: Weather
    framing: Framing | None
    """None if nothing is said."""
    move: CameraMove
    used: frozenset[int]
    """Positions of the caption's tokens that were understood."""
    set_used: frozenset[int]
    """Positions of the set look's tokens that were understood."""
    remarks: tuple[str, ...] = ()


class SettingReader:
    """Reads the setting of one recipe."""

    def __init__(self, lexicon: Lexicon, set_name: str, set_look: str) -> None:
        """
        Read the set's bible.

        Args:
            lexicon: What words mean.
            set_name: Name of the set; empty if only the caption knows.
            set_look: Its fixed look.
        """
        self.lexicon = lexicon
        self.set_name, self.set_look = set_name, set_look
        self.name_tokens = tokenise(set_name.lower())
        self.name_hits = lexicon.hits(self.name_tokens)
        self.look_tokens = tokenise(set_look)
        self.look_hits = lexicon.hits(self.look_tokens)

    def read(
        self, tokens: Sequence[Token], hits: Sequence[Hit], blocked: frozenset[int]
    ) -> Setting:
        """
        Read a caption's setting.

        Args:
            tokens: The caption's words.
            hits: Every phrase of it that means something.
            blocked: Positions that describe people.

        Returns:
            The setting; what nobody says gets a sensible value and, for the place, a remark.
        """
        free = [hit for hit in hits if blocked.isdisjoint(range(hit.start, hit.end))]
        used: set[int] = set()
        kind, remarks = self._kind(tokens, free, used)
        light = self._light(tokens, free, used)
        weather = _first(free, Kind.WEATHER, used)
        move = _first(free, Kind.MOVE, used)
        framing = self._framing(tokens, free, used)
        palette, set_used = self._palette()
        return Setting(
            place=Place(kind=kind, variant=self._variant(tokens, kind), palette=palette),
            light=light,
            weather=Weather(weather) if weather else Weather.CLEAR,
            framing=framing,
            move=CameraMove(move) if move else CameraMove.STATIC,
            used=frozenset(used),
            set_used=frozenset(set_used),
            remarks=remarks,
        )

    def _kind(
        self, tokens: Sequence[Token], free: Sequence[Hit], used: set[int]
    ) -> tuple[PlaceKind, tuple[str, ...]]:
        places = [hit for hit in free if hit.meaning.kind is Kind.PLACE]
        for hit in places:
            used.update(range(hit.start, hit.end))
        named = self._best(self.name_tokens, self.name_hits, is_name=True)
        named = named or self._best(self.look_tokens, self.look_hits, is_name=False)
        best = named or self._best(tokens, places, is_name=False)
        if best is None:
            chosen = PlaceKind.STREET
            return chosen, (f"No place is named, so this plays in a {chosen.value}.",)
        kind, start = best
        is_outside = not named and kind in INDOORS and _is_outside(tokens, start)
        return (PlaceKind.STREET if is_outside else kind), ()

    def _best(
        self, tokens: Sequence[Token], hits: Sequence[Hit], *, is_name: bool
    ) -> tuple[PlaceKind, int] | None:
        """The place most likely meant. In a name the last word rules ("ROOFTOP BAR")."""
        ranked = []
        for hit in hits:
            if hit.meaning.kind is not Kind.PLACE:
                continue
            word = tokens[hit.start].word
            before = [tokens[i].word for i in range(max(0, hit.start - 4), hit.start)]
            score = 4.0 * (not _is_hint(tokens, hit)) + 2.0 * hit.meaning.is_known
            score += 1.5 * any(w in _WHERE for w in before) - 1.5 * ("past" in before)
            score -= 2.0 * (before[-1:] == ["to"] or "toward" in before or "above" in before)
            score += 0.4 * (hit.end - hit.start) + (0.3 * hit.start if is_name else 0.0)
            score -= 0.05 * hit.start * (not is_name) + 0.0 * len(word)
            ranked.append((score, hit))
        if not ranked:
            return None
        best = max(ranked, key=lambda pair: pair[0])[1]
        return PlaceKind(best.meaning.value), best.start

    def _variant(self, tokens: Sequence[Token], kind: PlaceKind) -> int:
        """Seed of the instance: of the set alone if there is one, so that it returns as itself."""
        del tokens
        text = f"{self.set_name.casefold()}\0{self.set_look}" if self.set_name else kind.value
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:3], "big")

    def _light(self, tokens: Sequence[Token], free: Sequence[Hit], used: set[int]) -> Light:
        lights = [hit for hit in free if hit.meaning.kind is Kind.LIGHT]
        for hit in lights:
            used.update(range(hit.start, hit.end))
        if not lights:
            return Light.DAY
        strong = [h for h in lights if _words(tokens, h) not in (["dark"], ["bright"], ["sun"])]
        # Dawn and dusk say more than the "dark" or the "sun" beside them.
        exact = [h for h in strong if h.meaning.value in (Light.DAWN, Light.DUSK)]
        return Light((exact or strong or lights)[0].meaning.value)

    def _framing(
        self, tokens: Sequence[Token], free: Sequence[Hit], used: set[int]
    ) -> Framing | None:
        """Framing words count at the start of a sentence or beside "shot": not "a full cup"."""
        for hit in free:
            if hit.meaning.kind is not Kind.FRAMING:
                continue
            following = tokens[hit.end].word if hit.end < len(tokens) else ""
            is_term = hit.end - hit.start > 1 or following in ("shot", "angle", "on", "of", "view")
            is_opening = tokens[hit.start].is_first or hit.start < 2
            if is_term or is_opening:
                used.update(range(hit.start, hit.end))
                return Framing(hit.meaning.value)
        return None

    def _palette(self) -> tuple[tuple[str, ...], set[int]]:
        """Colours of wall, accent and furniture, out of the set's look."""
        wall = accent = furniture = None
        used: set[int] = {
            i
            for hit in self.look_hits
            if hit.meaning.kind in (Kind.PLACE, Kind.PROP)
            for i in range(hit.start, hit.end)
        }
        for hit in self.look_hits:
            if hit.meaning.kind is not Kind.COLOUR:
                continue
            behind = {t.word for t in self.look_tokens[hit.end : hit.end + 3]}
            used.update(range(hit.start, min(hit.end + 1, len(self.look_tokens))))
            if behind & _WALLS and wall is None:
                wall = hit.meaning.value
            elif behind & _FURNISHING and furniture is None:
                furniture = hit.meaning.value
            else:
                accent = accent or hit.meaning.value
        if wall is accent is furniture is None:
            return (), used
        seed = hashlib.sha256(self.set_name.casefold().encode()).digest()[0]
        wall = wall or _NEUTRAL_WALLS[seed % len(_NEUTRAL_WALLS)]
        accent = accent or furniture or wall
        return ((wall, accent, furniture) if furniture else (wall, accent)), used


def _is_hint(tokens: Sequence[Token], hit: Hit) -> bool:
    """Whether the phrase is a thing that only suggests a place: "desk"."""
    words = _words(tokens, hit)
    return len(words) == 1 and bool(_FURNITURE & set(tokens[hit.start].bases))


def _is_outside(tokens: Sequence[Token], start: int) -> bool:
    return any(token.word == "outside" for token in tokens[max(0, start - 4) : start])


def _first(free: Sequence[Hit], kind: Kind, used: set[int]) -> str | None:
    """The first meaning of a kind; every phrase of it counts as understood."""
    found = [hit for hit in free if hit.meaning.kind is kind]
    for hit in found:
        used.update(range(hit.start, hit.end))
    own = [hit for hit in found if hit.end - hit.start > 1] or found
    return own[0].meaning.value if own else None


def _words(tokens: Sequence[Token], hit: Hit) -> list[str]:
    return [token.word for token in tokens[hit.start : hit.end]]
