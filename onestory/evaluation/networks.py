"""
What do the encoders look like? Cells first, then every person and the place by themselves.

    frame ── Segmenter ── classes, owners of cells ─┬─ crops of people, nothing else left in them
                                                    │    └─ PersonEncoder ── look, identity
                                                    └─ the frame without its people
                                                         └─ PlaceEncoder ── scene, place
    both ── SceneProjection ── picture ~ caption ── CaptionProjection

A person's encoder never sees the place and the place's never sees a person, so that neither can be
recognised by the other. Frames are RGB in [-1, 1].

Shape suffixes, for this module only:
    B  frames            N  crops                P  people of a frame, from the left
    H, W  pixels         h, w  cells             K  classes of a cell
    D  features          A  attributes           E  caption features
    C  channels          X  numbers of a context
"""

from typing import NamedTuple

import torch
from torch import nn

from onestory.evaluation.coverage import CELL, FIRST_SLOT, MAX_PEOPLE, NUM_CLASSES
from onestory.storyworld.attributes import COLOURS, PERSON, SCENE, Attribute
from onestory.storyworld.kinds import Part
from onestory.storyworld.pen import PARTS
from onestory.storyworld.stories import PLACE_SLOTS

NUM_OWNERS = 1 + MAX_PEOPLE
NUM_PARTS = len(PARTS)
FEATURES = 128
"""Numbers that describe a crop or a place before anything is read off them."""
EMBEDDING = 64
CAPTION_DIM = 384
BODY = (96, 64)
HEAD = (48, 48)
"""Height and width of crops, in pixels."""
LIT_BY = ("place", "light", "weather")
"""What of a scene says how its light changes colours."""
CONTEXT = sum(len(attribute.classes) for attribute in SCENE if attribute.name in LIT_BY)
_LIT = [number for number, attribute in enumerate(SCENE) if attribute.name in LIT_BY]
SEEN_OF_COLOUR = 6
"""Mean and spread of red, green and blue."""
LAYOUT = 5
"""Of a person in the picture: left, top, right, bottom, and whether seen at all."""


def _norm(width: int) -> nn.Module:
    # Not over the batch: shots of a story look alike, and a generator's like nothing trained on.
    return nn.GroupNorm(width // 16, width)


def _centred() -> nn.Module:
    # What all embeddings have in common would make all of them alike.
    return nn.BatchNorm1d(EMBEDDING, affine=False)


class Residual(nn.Module):
    """Two convolutions and a way past them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.first_norm = _norm(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second_norm = _norm(width)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        inner = nn.functional.relu(self.first_norm(self.first(hidden)))
        return nn.functional.relu(hidden + self.second_norm(self.second(inner)))


def _step(channels: int, width: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False),
        _norm(width),
        nn.ReLU(),
    )


class Cells(NamedTuple):
    """What a segmenter makes of frames."""

    classes_BKhw: torch.Tensor
    """Logits of `Coverage.classes_HW`."""
    owners_BKhw: torch.Tensor
    """Logits of `Coverage.owners_HW`."""


class Segmenter(nn.Module):
    """Says of every cell what it shows and whose it is."""

    def __init__(self, widths: tuple[int, int, int, int] = (32, 64, 128, 128)) -> None:
        super().__init__()
        one, two, three, four = widths
        self.enter = nn.Sequential(_step(3 * CELL * CELL, one), Residual(one))
        self.halved = nn.Sequential(_step(one, two, stride=2), Residual(two))
        self.quarter = nn.Sequential(_step(two, three, stride=2), Residual(three), Residual(three))
        self.eighth = nn.Sequential(_step(three, four, stride=2), Residual(four))
        self.to_quarter = nn.Conv2d(four, three, 1)
        self.to_half = nn.Conv2d(three, two, 1)
        self.to_enter = nn.Conv2d(two, one, 1)
        self.at_half = Residual(two)
        self.at_enter = Residual(one)
        self.leave = nn.Conv2d(one, NUM_CLASSES + NUM_OWNERS, 1)

    def forward(self, frames_BCHW: torch.Tensor) -> Cells:
        """Read frames whose sides divide by `8 * CELL`."""
        fine = self.enter(nn.functional.pixel_unshuffle(frames_BCHW, CELL))
        half = self.halved(fine)
        quarter = self.quarter(half)
        eighth = self.eighth(quarter)
        quarter = nn.functional.relu(quarter + _twice(self.to_quarter(eighth), quarter))
        half = self.at_half(half + _twice(self.to_half(quarter), half))
        fine = self.at_enter(fine + _twice(self.to_enter(half), fine))
        logits = self.leave(fine)
        return Cells(*logits.split([NUM_CLASSES, NUM_OWNERS], dim=1))


def _twice(coarse: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return nn.functional.interpolate(coarse, size=like.shape[-2:], mode="nearest")


class Trunk(nn.Module):
    """Pixels to features."""

    def __init__(self, channels: int, widths: tuple[int, ...], features: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in widths:
            layers += [_step(channels, width, stride=2), Residual(width)]
            channels = width
        self.layers = nn.Sequential(*layers)
        # What all pictures have in common is most of what is pooled: taken out, or nothing else
        # is learnt for long.
        self.leave = nn.Sequential(
            nn.BatchNorm1d(2 * channels),
            nn.Linear(2 * channels, features),
            nn.BatchNorm1d(features),
        )

    def forward(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        hidden = self.layers(pixels_NCHW)
        pooled = torch.cat([hidden.mean((2, 3)), hidden.amax((2, 3))], dim=1)
        features_ND: torch.Tensor = self.leave(pooled)
        return features_ND


class ColourReader(nn.Module):
    """
    Names colours: of something, as seen, in a light.

    One reader serves everything that a person wears, or that a place shows: what the light does
    to a colour is learnt once.
    """

    def __init__(self, roles: int, features: int) -> None:
        super().__init__()
        known = 7 * SEEN_OF_COLOUR + 1 + CONTEXT + roles + features
        self.layers = nn.Sequential(
            nn.Linear(known, 160),
            nn.ReLU(),
            nn.Linear(160, 160),
            nn.ReLU(),
            nn.Linear(160, len(COLOURS)),
        )

    def forward(
        self, seen_NRX: torch.Tensor, context_NX: torch.Tensor, features_ND: torch.Tensor
    ) -> torch.Tensor:
        """
        Name the colours of R things.

        Args:
            seen_NRX: As `mean_colours` gives it.
            context_NX: How likely each place, light and weather is, one after the other.
            features_ND: What else was seen.

        Returns:
            Logits of `COLOURS`, `N R K`.
        """
        num, roles, _ = seen_NRX.shape
        colour_NRX, share_NR1 = seen_NRX[..., :SEEN_OF_COLOUR], seen_NRX[..., SEEN_OF_COLOUR:]
        waves = [colour_NRX]
        for octave in (1, 2, 4):
            waves += [
                (torch.pi * octave * colour_NRX).sin(),
                (torch.pi * octave * colour_NRX).cos(),
            ]
        role_NRR = torch.eye(roles).expand(num, -1, -1)
        around_NRX = torch.cat([context_NX, features_ND], dim=1)[:, None].expand(-1, roles, -1)
        named_NRK: torch.Tensor = self.layers(
            torch.cat([*waves, share_NR1, role_NRR, around_NRX], dim=2)
        )
        return named_NRK


class Crops(NamedTuple):
    """People cut out of frames."""

    body_NCHW: torch.Tensor
    """Colours, who, and the parts."""
    head_NCHW: torch.Tensor
    colours_NKX: torch.Tensor
    """Colour of every part, and how much of the picture it covers."""
    layout_NX: torch.Tensor


COLOURS_OF_PARTS = (SEEN_OF_COLOUR + 1) * NUM_PARTS
BODY_CHANNELS = 3 + 1 + NUM_PARTS


_COLOURED_PARTS = [PARTS.index(part) for part in (Part.HAIR, Part.TOP, Part.BOTTOM)]
"""Of the attributes of a person that are colours, in their order."""


def _is_colour(attribute: Attribute) -> bool:
    return attribute.classes == COLOURS


def _others(attributes: tuple[Attribute, ...]) -> int:
    return sum(len(one.classes) for one in attributes if not _is_colour(one))


def _merged(
    attributes: tuple[Attribute, ...], plain_NK: torch.Tensor, colours_NRK: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Bring logits of colours and of all else into the order of the attributes."""
    widths = [len(one.classes) for one in attributes if not _is_colour(one)]
    plain = iter(torch.split(plain_NK, widths, dim=1))
    colours = iter(colours_NRK.unbind(1))
    return tuple(next(colours) if _is_colour(one) else next(plain) for one in attributes)


class Person(NamedTuple):
    """What is read off crops of people."""

    logits: tuple[torch.Tensor, ...]
    """One `N K` for every attribute of `PERSON`."""
    identity_ND: torch.Tensor
    """Length 1."""
    features_ND: torch.Tensor


class PersonEncoder(nn.Module):
    """Reads a person."""

    def __init__(self) -> None:
        super().__init__()
        self.body = Trunk(BODY_CHANNELS, (32, 64, 128, 128), FEATURES)
        self.head = Trunk(BODY_CHANNELS, (32, 64, 128), FEATURES)
        plain = 2 * FEATURES + COLOURS_OF_PARTS
        self.hidden = nn.Linear(plain + CONTEXT, 256)
        self.read = nn.Linear(256, _others(PERSON))
        self.colours = ColourReader(len(_COLOURED_PARTS), 2 * FEATURES)
        answers = sum(len(attribute.classes) for attribute in PERSON)
        self.identity = nn.Sequential(
            nn.Linear(2 * FEATURES + answers, 192),
            nn.ReLU(),
            nn.Linear(192, EMBEDDING),
            _centred(),
        )

    def forward(self, crops: Crops, context_NX: torch.Tensor) -> Person:
        """
        Read people.

        Args:
            crops: Of them.
            context_NX: How likely each place, light and weather is, one after the other.
        """
        seen_ND = torch.cat([self.body(crops.body_NCHW), self.head(crops.head_NCHW)], dim=1)
        known = torch.cat([seen_ND, crops.colours_NKX.flatten(1), context_NX], dim=1)
        logits_NK = self.read(nn.functional.relu(self.hidden(known))).float()
        worn_NRK = self.colours(crops.colours_NKX[:, _COLOURED_PARTS], context_NX, seen_ND)
        logits = _merged(PERSON, logits_NK, worn_NRK.float())
        answers_NK = torch.cat([one.softmax(1) for one in logits], dim=1)
        # By what was read, not by the light: answers have the light taken out of them.
        identity_ND = self.identity(torch.cat([seen_ND, 3.0 * answers_NK], dim=1)).float()
        return Person(logits, nn.functional.normalize(identity_ND, dim=1), seen_ND.float())


class Scene(NamedTuple):
    """What is read off places."""

    logits: tuple[torch.Tensor, ...]
    """One `B K` for every attribute of `SCENE`."""
    place_BD: torch.Tensor
    """Length 1."""
    features_BD: torch.Tensor

    @property
    def context(self) -> torch.Tensor:
        """How likely each place, light and weather is, one after the other: `B X`."""
        pairs = zip(SCENE, self.logits, strict=True)
        return torch.cat([one.softmax(1) for what, one in pairs if what.name in LIT_BY], dim=1)


NUM_SLOTS = len(PLACE_SLOTS)
PLACE_CHANNELS = 3 + 1 + NUM_SLOTS
COLOURS_OF_SLOTS = (SEEN_OF_COLOUR + 1) * (NUM_SLOTS + 1)


class Surroundings(NamedTuple):
    """Frames without their people."""

    pixels_BCHW: torch.Tensor
    """Half as large: colours, where nobody is, and the coloured things."""
    colours_BKX: torch.Tensor
    """Colour of every coloured thing and of the rest, and how much they cover."""


class PlaceEncoder(nn.Module):
    """Reads a place."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(PLACE_CHANNELS, (32, 64, 96, 128), FEATURES)
        answers = sum(len(attribute.classes) for attribute in SCENE)
        self.hidden = nn.Linear(FEATURES + COLOURS_OF_SLOTS, 256)
        self.read = nn.Linear(256, _others(SCENE))
        self.colours = ColourReader(NUM_SLOTS, FEATURES)
        self.place = nn.Sequential(
            nn.Linear(FEATURES + COLOURS_OF_SLOTS + answers, 192),
            nn.ReLU(),
            nn.Linear(192, EMBEDDING),
            _centred(),
        )

    def forward(self, around: Surroundings) -> Scene:
        features_BD = self.trunk(around.pixels_BCHW)
        known = torch.cat([features_BD, around.colours_BKX.flatten(1)], dim=1)
        logits_BK = self.read(nn.functional.relu(self.hidden(known))).float()
        plain = logits_BK.split([len(SCENE[number].classes) for number in _LIT], dim=1)
        context_BX = torch.cat([one.softmax(1) for one in plain], dim=1)
        painted_BRK = self.colours(around.colours_BKX[:, :NUM_SLOTS], context_BX, features_BD)
        logits = _merged(SCENE, logits_BK, painted_BRK.float())
        answers_BK = torch.cat([one.softmax(1) for one in logits], dim=1)
        place_BD = self.place(torch.cat([known, 3.0 * answers_BK], dim=1)).float()
        return Scene(logits, nn.functional.normalize(place_BD, dim=1), features_BD.float())


class Agreement(nn.Module):
    """Brings pictures and captions into one space."""

    def __init__(self) -> None:
        super().__init__()
        seen = FEATURES + MAX_PEOPLE * (2 * FEATURES + LAYOUT)
        self.picture = nn.Sequential(nn.Linear(seen, 256), nn.ReLU(), nn.Linear(256, EMBEDDING))
        self.caption = nn.Sequential(
            nn.Linear(CAPTION_DIM, 256), nn.ReLU(), nn.Linear(256, EMBEDDING)
        )
        self.log_scale = nn.Parameter(torch.tensor(2.3))

    def of_picture(
        self, place_BD: torch.Tensor, people_BPD: torch.Tensor, layout_BPX: torch.Tensor
    ) -> torch.Tensor:
        """Project what was seen; absent people are zeros. Length 1."""
        seen = torch.cat([place_BD, people_BPD.flatten(1), layout_BPX.flatten(1)], dim=1)
        return nn.functional.normalize(self.picture(seen).float(), dim=1)

    def of_caption(self, caption_BE: torch.Tensor) -> torch.Tensor:
        """Project mean token features. Length 1."""
        return nn.functional.normalize(self.caption(caption_BE).float(), dim=1)


class Encoders(nn.Module):
    """All of them."""

    def __init__(self) -> None:
        super().__init__()
        self.segmenter = Segmenter()
        self.person = PersonEncoder()
        self.place = PlaceEncoder()
        self.agreement = Agreement()


def surroundings(
    frames_BCHW: torch.Tensor, classes_BKhw: torch.Tensor, owners_BKhw: torch.Tensor
) -> Surroundings:
    """
    Take people out of frames.

    Args:
        frames_BCHW: Frames in [-1, 1].
        classes_BKhw: How likely each cell shows each class.
        owners_BKhw: How likely each cell is nobody's, the first person's …
    """
    size = (frames_BCHW.shape[2] // 2, frames_BCHW.shape[3] // 2)
    # A hard edge: half of a person would still be somebody.
    free_B1hw = (owners_BKhw[:, :1] > 0.5).float()
    slots_BKhw = classes_BKhw[:, FIRST_SLOT:] * free_B1hw
    cells_BKhw = torch.cat([free_B1hw, slots_BKhw], dim=1)
    small_BCHW = nn.functional.avg_pool2d(frames_BCHW, 2)
    fine_BKHW = nn.functional.interpolate(cells_BKhw, size=size, mode="nearest")
    pixels = torch.cat([small_BCHW * fine_BKHW[:, :1], fine_BKHW], dim=1)
    coarse_BChw = nn.functional.avg_pool2d(frames_BCHW, CELL)
    rest_B1hw = (free_B1hw - slots_BKhw.sum(1, keepdim=True)).clamp_min(0)
    return Surroundings(pixels, mean_colours(coarse_BChw, torch.cat([slots_BKhw, rest_B1hw], 1)))


def mean_colours(colours_BChw: torch.Tensor, weights_BKhw: torch.Tensor) -> torch.Tensor:
    """Mean and spread of colour under every weight, and the root of its share: `B K 7`."""
    mass_BK1 = weights_BKhw.sum((2, 3))[..., None]
    both_BChw = torch.cat([colours_BChw, colours_BChw.square()], dim=1)
    sums_BKC = weights_BKhw.flatten(2) @ both_BChw.flatten(2).transpose(1, 2)
    mean_BKC, square_BKC = (sums_BKC / mass_BK1.clamp_min(1.0)).chunk(2, dim=2)
    spread_BKC = (square_BKC - mean_BKC.square()).clamp_min(0.0).add(1e-4).sqrt()
    cells = weights_BKhw.shape[2] * weights_BKhw.shape[3]
    return torch.cat([mean_BKC, spread_BKC, (mass_BK1 / cells).sqrt()], dim=2)


_OF_HEAD = [1 + PARTS.index(part) for part in (Part.HAIR, Part.FACE)]


def cut_out(
    frames_NCHW: torch.Tensor, classes_NKhw: torch.Tensor, mine_N1hw: torch.Tensor
) -> Crops:
    """
    Cut people out of frames.

    Args:
        frames_NCHW: Frames in [-1, 1], one a person.
        classes_NKhw: How likely each cell shows each class.
        mine_N1hw: How likely each cell is the person's.
    """
    hard_N1hw = (mine_N1hw > 0.5).float()
    parts_NKhw = classes_NKhw[:, 1:FIRST_SLOT] * hard_N1hw
    around_NX = boxes_of(hard_N1hw[:, 0])
    of_head_Nhw = (classes_NKhw[:, _OF_HEAD].sum(1) > 0.5).float() * hard_N1hw[:, 0]
    head_NX = boxes_of(of_head_Nhw)
    cells_NKhw = torch.cat([hard_N1hw, parts_NKhw], dim=1)
    coarse_NChw = nn.functional.avg_pool2d(frames_NCHW, CELL)
    seen_N1 = (hard_N1hw.sum((2, 3)) > 0).float()
    return Crops(
        _crop(frames_NCHW, cells_NKhw, around_NX, BODY, margin=1.06),
        _crop(frames_NCHW, cells_NKhw, head_NX, HEAD, margin=1.25),
        mean_colours(coarse_NChw, parts_NKhw),
        torch.cat([around_NX, seen_N1], dim=1),
    )


def boxes_of(mask_Nhw: torch.Tensor) -> torch.Tensor:
    """Find left, top, right, bottom of masks, in shares of the picture; all 0 if empty."""
    rows, columns = mask_Nhw.amax(2), mask_Nhw.amax(1)
    sides = []
    for line_NL in (columns, rows):
        length = line_NL.shape[1]
        first_N = line_NL.argmax(1)
        last_N = length - line_NL.flip(1).argmax(1)
        sides.append((first_N / length, last_N / length))
    (left, right), (top, bottom) = sides
    box_NX = torch.stack([left, top, right, bottom], dim=1)
    return box_NX * (mask_Nhw.amax((1, 2)) > 0)[:, None]


def _crop(
    frames_NCHW: torch.Tensor,
    cells_NKhw: torch.Tensor,
    box_NX: torch.Tensor,
    size: tuple[int, int],
    *,
    margin: float,
) -> torch.Tensor:
    """Cut boxes out, made larger until they have the shape of the crop; outside is nothing."""
    height, width = frames_NCHW.shape[2:]
    centre_N2 = torch.stack([box_NX[:, 0] + box_NX[:, 2], box_NX[:, 1] + box_NX[:, 3]], dim=1) / 2
    wide_N = (box_NX[:, 2] - box_NX[:, 0]) * width * margin
    high_N = (box_NX[:, 3] - box_NX[:, 1]) * height * margin
    scale_N = torch.maximum(wide_N / size[1], high_N / size[0])
    half_N2 = torch.stack([scale_N * size[1] / width, scale_N * size[0] / height], dim=1)
    theta_N23 = torch.zeros(len(box_NX), 2, 3)
    theta_N23[:, 0, 0], theta_N23[:, 1, 1] = half_N2[:, 0], half_N2[:, 1]
    theta_N23[:, :, 2] = centre_N2 * 2 - 1
    # Four samples a pixel, or a large person would be cut out in splinters.
    fine = _grid(theta_N23, (2 * size[0], 2 * size[1]))
    colours = nn.functional.grid_sample(frames_NCHW, fine, align_corners=False)
    cells = nn.functional.grid_sample(cells_NKhw, _grid(theta_N23, size), align_corners=False)
    there_N = (scale_N > 0).float()[:, None, None, None]
    crop = torch.cat([nn.functional.avg_pool2d(colours, 2) * cells[:, :1], cells], dim=1)
    return crop * there_N


def _grid(theta_N23: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return nn.functional.affine_grid(theta_N23, [len(theta_N23), 1, *size], align_corners=False)
