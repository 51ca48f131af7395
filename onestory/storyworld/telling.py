"""Which words do captions of told stories use? One table per thing that a caption can say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from onestory.storyworld.kinds import (
    Accessory,
    Action,
    CameraMove,
    Emotion,
    Framing,
    HairStyle,
    PlaceKind,
    PropKind,
)
from onestory.storyworld.words import COLOURS

Colour = Literal["cloth", "hair"]

_SYNONYM_SHARE = 0.12
"""How often a colour is called by another of its names."""

_HAIR_WORDS: Mapping[str, str] = {
    "raven": "black",
    "dark brown": "dark brown",
    "platinum": "platinum blond",
}


def colour_word(rng: np.random.Generator, name: str, of: Colour = "cloth") -> str:
    """Choose a word for a palette colour: mostly its own name, sometimes another."""
    if of == "hair":
        return _HAIR_WORDS.get(name, name)
    others = [word.strip() for word in COLOURS.get(name, "").split(",")][:5]
    if others and others[0] and rng.random() < _SYNONYM_SHARE:
        return others[int(rng.integers(len(others)))]
    return name


def with_article(phrase: str) -> str:
    """Put "a" or "an" before a phrase."""
    return f"{'an' if phrase[:1].lower() in 'aeio' else 'a'} {phrase}"


HAIR_PHRASES: Mapping[HairStyle, str] = {
    HairStyle.SHORT: "short {c} hair",
    HairStyle.SIDE_PART: "side-parted {c} hair",
    HairStyle.BUZZ: "a {c} buzz cut",
    HairStyle.BALD: "a bald head",
    HairStyle.BOB: "a {c} bob",
    HairStyle.LONG: "long {c} hair",
    HairStyle.WAVY: "wavy {c} hair",
    HairStyle.PONYTAIL: "a {c} ponytail",
    HairStyle.BUN: "a {c} bun",
    HairStyle.CURLY: "curly {c} hair",
    HairStyle.AFRO: "a {c} afro",
    HairStyle.BRAIDS: "{c} braids",
    HairStyle.SPIKY: "spiky {c} hair",
}

SKIN_PHRASES: Mapping[str, str] = {
    "porcelain": "pale skin",
    "fair": "fair skin",
    "peach": "peach skin",
    "olive skin": "olive skin",
    "bronze": "tan skin",
    "umber": "brown skin",
    "sepia": "dark skin",
    "ebony": "black skin",
}

ACCESSORY_PHRASES: Mapping[Accessory, str] = {
    Accessory.GLASSES: "glasses",
    Accessory.SUNGLASSES: "sunglasses",
    Accessory.HAT: "a {c} hat",
    Accessory.CAP: "a {c} cap",
    Accessory.BEANIE: "a {c} beanie",
    Accessory.SCARF: "a {c} scarf",
    Accessory.EARRINGS: "earrings",
    Accessory.NECKLACE: "a necklace",
    Accessory.TIE: "a {c} tie",
    Accessory.BEARD: "a {h} beard",
    Accessory.MOUSTACHE: "a {h} moustache",
    Accessory.HEADPHONES: "{c} headphones",
    Accessory.SHOULDER_BAG: "a {c} shoulder bag",
    Accessory.BACKPACK: "a {c} backpack",
    Accessory.FLOWER_CLIP: "a flower clip",
}

EMOTION_TAILS: Mapping[Emotion, str] = {
    Emotion.HAPPY: ", smiling",
    Emotion.SAD: ", sad",
    Emotion.ANGRY: ", angry",
    Emotion.SURPRISED: ", surprised",
}

FRAMING_PHRASES: Mapping[Framing, tuple[str, ...]] = {
    Framing.WIDE: ("wide shot", "wide shot", "establishing shot"),
    Framing.FULL: ("full shot",),
    Framing.MEDIUM: ("medium shot",),
    Framing.MEDIUM_CLOSE: ("medium close-up",),
    Framing.CLOSE: ("close-up",),
    Framing.TWO_SHOT: ("two-shot",),
    Framing.OVER_THE_SHOULDER: ("over-the-shoulder shot",),
    Framing.INSERT: ("insert shot",),
}

MOVE_PHRASES: Mapping[CameraMove, tuple[str, ...]] = {
    CameraMove.PAN_LEFT: ("pan left",),
    CameraMove.PAN_RIGHT: ("pan right",),
    CameraMove.PUSH_IN: ("slow push-in", "push-in"),
    CameraMove.PULL_OUT: ("pull-out",),
    CameraMove.HANDHELD: ("hand-held",),
    CameraMove.TRACK: ("tracking shot",),
}


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """How a kind of place is spoken of."""

    preposition: str
    nouns: tuple[str, ...]
    things: tuple[str, ...]
    """What has the palette's first, second and third colour; empty if nothing shows it."""


PLACE_PHRASES: Mapping[PlaceKind, PlaceWords] = {
    PlaceKind.KITCHEN: PlaceWords("in", ("kitchen",), ("walls", "cupboards", "fridge")),
    PlaceKind.LIVING_ROOM: PlaceWords(
        "in", ("living room", "living room", "lounge"), ("walls", "rug", "sofa")
    ),
    PlaceKind.BEDROOM: PlaceWords("in", ("bedroom",), ("walls", "blanket", "curtains")),
    PlaceKind.OFFICE: PlaceWords("in", ("office",), ("walls", "chairs", "desk")),
    PlaceKind.CAFE: PlaceWords("in", ("cafe", "cafe", "restaurant"), ("walls", "lamps", "chairs")),
    PlaceKind.BAR: PlaceWords("in", ("bar", "bar", "pub"), ("walls", "lamps", "counter")),
    PlaceKind.SHOP: PlaceWords("in", ("shop", "shop", "store"), ("walls", "boxes", "shelves")),
    PlaceKind.HOSPITAL: PlaceWords("in", ("hospital room", "hospital"), ("walls", "curtain", "")),
    PlaceKind.CLASSROOM: PlaceWords("in", ("classroom",), ("walls", "board", "desks")),
    PlaceKind.CORRIDOR: PlaceWords(
        "in", ("corridor", "corridor", "hallway"), ("walls", "doors", "carpet")
    ),
    PlaceKind.TRAIN: PlaceWords("on", ("train", "train", "night train"), ("walls", "seats", "")),
    PlaceKind.CAR: PlaceWords("in", ("car", "car", "taxi"), ("paint", "lining", "seats")),
    PlaceKind.STREET: PlaceWords(
        "in", ("street", "street", "wet street"), ("houses", "awnings", "")
    ),
    PlaceKind.ALLEY: PlaceWords("in", ("alley",), ("brick walls", "awnings", "bins")),
    PlaceKind.ROOFTOP: PlaceWords("on", ("rooftop",), ("ground", "hut", "")),
    PlaceKind.PARK: PlaceWords("in", ("park",), ("trees", "path", "bench")),
    PlaceKind.FOREST: PlaceWords("in", ("forest", "forest", "wood"), ("trees", "bushes", "trunks")),
    PlaceKind.BEACH: PlaceWords("on", ("beach",), ("sand", "umbrella", "")),
    PlaceKind.MOUNTAIN_ROAD: PlaceWords("on", ("mountain road",), ("hills", "sign", "")),
}

DEEDS: tuple[tuple[Action, tuple[str, ...], PropKind | None], ...] = (
    (Action.IDLE, ("stands there", "stands alone", "waits"), None),
    (Action.WALK, ("walks", "walks along", "walks slowly"), None),
    (Action.WALK, ("walks home", "walks through"), None),
    (Action.RUN, ("runs", "runs away", "rushes along"), None),
    (Action.SIT, ("sits down", "sits and waits", "sits"), None),
    (Action.STAND_UP, ("stands up", "gets up"), None),
    (Action.WAVE, ("waves", "waves goodbye"), None),
    (Action.TALK, ("says something", "talks", "speaks"), None),
    (Action.TALK, ("says something", "says something"), None),
    (Action.LISTEN, ("listens", "listens quietly"), None),
    (Action.HOLD, ("holds up a yellow umbrella", "stands with an umbrella"), PropKind.UMBRELLA),
    (Action.HOLD, ("holds a bouquet", "holds a bouquet of flowers"), PropKind.BOUQUET),
    (Action.HOLD, ("holds a suitcase", "carries a suitcase"), PropKind.SUITCASE),
    (Action.WALK, ("walks with a suitcase",), PropKind.SUITCASE),
    (Action.DRINK, ("drinks", "drinks a cup of coffee"), PropKind.CUP),
    (Action.EAT, ("eats an apple",), PropKind.APPLE),
    (Action.READ, ("reads a letter", "reads the letter"), PropKind.LETTER),
    (Action.READ, ("reads a book",), PropKind.BOOK),
    (Action.WRITE, ("writes a letter", "writes"), PropKind.LETTER),
    (Action.TYPE, ("types on a laptop", "works at the computer"), PropKind.LAPTOP),
    (Action.PHONE, ("looks at the phone", "talks on the phone"), PropKind.PHONE),
    (Action.TURN_AWAY, ("turns away",), None),
    (Action.LOOK_AROUND, ("looks around", "looks around slowly"), None),
    (Action.FALL, ("falls down",), None),
    (Action.DANCE, ("dances",), None),
    (Action.JUMP, ("jumps", "jumps for joy"), None),
    (Action.POINT, ("points ahead", "points"), None),
    (Action.CRY, ("cries", "weeps"), None),
    (Action.LAUGH, ("laughs",), None),
    (Action.KNOCK, ("knocks on the door",), None),
    (Action.OPEN_DOOR, ("opens the door",), None),
    (Action.COOK, ("cooks", "stirs a pan"), PropKind.PAN),
    (Action.SLEEP, ("sleeps",), None),
    (Action.KNEEL, ("kneels down",), None),
    (Action.ENTER, ("walks in", "comes in"), None),
    (Action.LEAVE, ("leaves", "walks away"), None),
    (Action.SHAKE_HEAD, ("shakes their head", "refuses"), None),
    (Action.THINK, ("thinks", "is lost in thought"), None),
    (Action.CLAP, ("claps",), None),
    (Action.SHRUG, ("shrugs",), None),
    (Action.PLAY, ("plays the guitar",), PropKind.GUITAR),
)
"""Action, words for it, and what is held meanwhile."""

TOGETHER: tuple[tuple[Action, Action, str], ...] = (
    (Action.TALK, Action.LISTEN, "{a} says something to {b}"),
    (Action.TALK, Action.LISTEN, "{a} talks to {b}"),
    (Action.TALK, Action.LISTEN, "{a} says something to {b}, smiling"),
    (Action.IDLE, Action.IDLE, "{a} and {b} stand side by side"),
    (Action.WALK, Action.WALK, "{a} walks with {b}"),
    (Action.HUG, Action.HUG, "{a} hugs {b}"),
    (Action.HUG, Action.HUG, "{a} runs to {b} and they hug"),
    (Action.HOLD_HANDS, Action.HOLD_HANDS, "{a} and {b} hold hands"),
    (Action.HAND_OVER, Action.TAKE, "{a} hands {b} a letter"),
    (Action.SHAKE_HANDS, Action.SHAKE_HANDS, "{a} shakes hands with {b}"),
    (Action.ARGUE, Action.LISTEN, "{a} shouts at {b}"),
    (Action.WAVE, Action.WAVE, "{a} waves at {b}"),
    (Action.LAUGH, Action.LAUGH, "{a} laughs with {b}"),
    (Action.DANCE, Action.DANCE, "{a} dances with {b}"),
    (Action.TURN_AWAY, Action.IDLE, "{a} turns away from {b}"),
    (Action.RUN, Action.RUN, "{a} runs after {b}"),
    (Action.IDLE, Action.WAVE, "{a} looks at {b}, who waves"),
)
"""What one does, what the other does, and words for both."""

INSERTS: tuple[tuple[tuple[PropKind, ...], str], ...] = (
    ((PropKind.LETTER,), "a letter lies on the table"),
    ((PropKind.LETTER, PropKind.FLOWER), "a letter and a flower lie on the table"),
    ((PropKind.CUP,), "a cup stands on the table"),
    ((PropKind.PHONE,), "a phone lies on the table"),
    ((PropKind.BOOK,), "a book lies on the table"),
    ((PropKind.KEY,), "a key lies on the table"),
    ((PropKind.UMBRELLA,), "an umbrella leans there"),
    ((PropKind.GIFT,), "a gift stands on the table"),
    ((PropKind.CANDLE,), "a candle burns on the table"),
    ((PropKind.PHOTO,), "a photo lies on the table"),
    ((), "nobody is there"),
    ((), "the place lies empty"),
)
"""Things alone, and words for them."""
