"""
Is a take any good?

    readable ─ length ─ size ─ black ─ frozen ─ content ─ flicker ─ sharpness ─ colour ─ contrast
               against the recipe                within the take              against the anchor

What the content gates found (`onestory.continuity.content`) comes in: they need encoders, and
all others need numbers only.

The anchor is the first circled take of the same scene. A gate that has nothing to read did
not run, and says why; that is never a pass. Gates stand in order of how bad it is to fail
them, so that a verdict's first reason is its worst.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction

from onestory.continuity.content import CONTENT_GATES, did_not_run, not_looked_at
from onestory.continuity.measures import FrameMeasures, delta_e
from onestory.documents import Digest, digest_of_json
from onestory.engines.recipe import Recipe
from onestory.engines.take import Comparison, GateResult, NgReason, Verdict

GATES_VERSION = 3
"""Raised by hand when a gate's formula or reason changes, so that every take is judged again."""
GATE_NAMES = (
    "readable",
    "length",
    "size",
    "black",
    "frozen",
    *CONTENT_GATES,
    "flicker",
    "sharpness",
    "colour drift",
    "contrast drift",
)
"""In the order of the results: worst to fail first."""
FAINTEST_CONTRAST = 1.0
"""Grey levels; a ratio of contrasts is taken against no less than this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GateThresholds:
    """
    Where the technical gates draw their lines.

    Set by 95 StoryWorld shots in all its places, as drawn and as spoilt: wide, medium and
    close shots, inserts, sleepers, every light and weather; `README.md` has the table.
    """

    black_level: float = 16.0
    """A frame is black if 99 % of it is at or under this luma, in grey levels."""
    most_black: float = 0.02
    """Largest share of black frames, [0, 1]."""
    still_change: float = 2.0
    """Two frames are the same if no block's colour changes by more than this, in grey levels:
    above the noise of a codec, far below a blink."""
    most_still_seconds: float = 1.25
    """Longest run of the same frame, in seconds. A cartoon may hold a pose for so long."""
    most_flicker: float = 4.0
    """Largest mean second difference of mean luma, in grey levels. Good shots reach 1.4; light
    that swings by one level either way every frame has 4."""
    least_sharpness: float = 0.40
    """Smallest median sharpness over the frames, see `FrameMeasures.sharpness`. Good shots have
    0.53 or more, shots blurred by a 45th of their width 0.33 or less."""
    most_colour_drift: float = 42.0
    """Largest distance of the mean colour from the anchor's, in delta E. Lenient, since an insert
    and a wide shot of one scene differ by right, by up to 46."""
    most_contrast_drift: float = 3.0
    """Largest ratio of contrasts, either way round. Good shots of one scene reach 2.7."""

    def __post_init__(self) -> None:
        """Refuse what no take could pass or fail."""
        if not 0 <= self.most_black <= 1:
            raise ValueError(f"most_black must be a share in [0, 1], got {self.most_black}")
        if self.most_contrast_drift < 1:
            raise ValueError(f"most_contrast_drift is a ratio >= 1, got {self.most_contrast_drift}")
        if not all(math.isfinite(value) and value >= 0 for value in asdict(self).values()):
            raise ValueError(f"thresholds must be finite and not negative, got {self}")


DEFAULT_THRESHOLDS = GateThresholds()
"""What holds unless an order says otherwise."""


def gates_fingerprint(
    thresholds: GateThresholds = DEFAULT_THRESHOLDS, *, looked_by: Digest | None = None
) -> Digest:
    """
    Name the gates by everything that decides a verdict: names, thresholds and version.

    Args:
        thresholds: Of the technical gates.
        looked_by: Names encoders and limits of the content gates; None if nobody looks.
    """
    return digest_of_json(
        {
            "gates": GATE_NAMES,
            "version": GATES_VERSION,
            "thresholds": asdict(thresholds),
            "looked_by": looked_by,
        }
    )


def judge(
    recipe: Recipe,
    measures: FrameMeasures | None,
    *,
    comparison: Comparison | None = None,
    anchor: FrameMeasures | None = None,
    content: Sequence[GateResult] = (),
    looked_by: Digest | None = None,
    encoders: Digest | None = None,
    thresholds: GateThresholds = DEFAULT_THRESHOLDS,
) -> Verdict:
    """
    Judge one take.

    Args:
        recipe: What was asked for.
        measures: What came; None if its frames could not be read.
        comparison: What it is held against; stands in the verdict.
        anchor: Measures of the scene's first circled take; None if there is none yet.
        content: What the content gates found, in the order of `CONTENT_GATES`; nothing if they
            were not asked.
        looked_by: Names encoders and limits of the content gates.
        encoders: Fingerprint of the encoders alone; stands in the verdict.
        thresholds: Where the technical gates draw their lines.

    Returns:
        The verdict, one result a gate in the order of `GATE_NAMES`. A take that could not be
        read, or has no frames, never passes: its one reason is `UNREADABLE`.
    """
    if measures is None or not measures.num_frames:
        results = _unreadable(measures)
    else:
        results = (
            _readable(measures),
            _length(recipe, measures),
            _size(recipe, measures),
            _black(measures, thresholds),
            _frozen(recipe, measures, thresholds),
            *(content or not_looked_at("nobody looks at takes here")),
            _flicker(measures, thresholds),
            _sharpness(measures, thresholds),
            _colour_drift(measures, anchor, thresholds),
            _contrast_drift(measures, anchor, thresholds),
        )
    return Verdict(
        take=recipe.digest,
        gates=gates_fingerprint(thresholds, looked_by=looked_by),
        comparison=comparison or Comparison(),
        encoders=encoders,
        results=results,
    )


def is_unreadable(verdict: Verdict) -> bool:
    """Whether the take's media could not be read: a case for a retry, not for a retake."""
    return NgReason.UNREADABLE in verdict.reasons


def _unreadable(measures: FrameMeasures | None) -> tuple[GateResult, ...]:
    cause = "the media could not be read" if measures is None else "the media holds no frame"
    return (
        GateResult(
            gate="readable",
            value=0.0,
            threshold=1.0,
            unit="frames",
            is_passed=False,
            reason=NgReason.UNREADABLE,
            evidence=f"Nothing to judge: {cause}.",
        ),
        *(did_not_run(gate, f"{cause}") for gate in GATE_NAMES[1:]),
    )


def _readable(measures: FrameMeasures) -> GateResult:
    return GateResult(
        gate="readable",
        value=float(measures.num_frames),
        threshold=1.0,
        unit="frames",
        is_passed=True,
        evidence=f"All {measures.num_frames} frames were read.",
    )


def _length(recipe: Recipe, measures: FrameMeasures) -> GateResult:
    return _result(
        "length",
        value=measures.num_frames,
        threshold=recipe.num_frames,
        unit="frames",
        is_passed=measures.num_frames == recipe.num_frames,
        reason=NgReason.WRONG_LENGTH,
        evidence=f"{measures.num_frames} frames came, {recipe.num_frames} were asked for.",
    )


def _size(recipe: Recipe, measures: FrameMeasures) -> GateResult:
    off = abs(measures.width - recipe.width) + abs(measures.height - recipe.height)
    return _result(
        "size",
        value=off,
        threshold=0,
        unit="pixels off",
        is_passed=off == 0,
        reason=NgReason.WRONG_SIZE,
        evidence=f"{measures.width}×{measures.height} came, "
        f"{recipe.width}×{recipe.height} was asked for.",
    )


def _black(measures: FrameMeasures, thresholds: GateThresholds) -> GateResult:
    black = [i for i, level in enumerate(measures.highlights) if level <= thresholds.black_level]
    share = len(black) / measures.num_frames
    return _result(
        "black",
        value=share,
        threshold=thresholds.most_black,
        unit="share of frames",
        is_passed=share <= thresholds.most_black,
        reason=NgReason.BLACK,
        evidence=f"{len(black)} of {measures.num_frames} frames are black "
        f"(99 % at or under luma {thresholds.black_level:g}).",
        frames=black,
    )


def _frozen(recipe: Recipe, measures: FrameMeasures, thresholds: GateThresholds) -> GateResult:
    if measures.num_frames < 2:
        return did_not_run("frozen", "one frame has nothing to move against")
    start, length = longest_still_run(measures.peaks, thresholds.still_change)
    most = max(1, int(Fraction(recipe.fps) * Fraction(thresholds.most_still_seconds)))
    # A take shorter than the longest hold may still not be one single picture.
    most = min(most, measures.num_frames - 1)
    return _result(
        "frozen",
        value=length,
        threshold=most,
        unit="frames",
        is_passed=length <= most,
        reason=NgReason.FROZEN,
        evidence=f"The longest hold is {length} of {measures.num_frames} frames, "
        f"from frame {start}.",
        frames=range(start, start + length),
    )


def _flicker(measures: FrameMeasures, thresholds: GateThresholds) -> GateResult:
    if measures.num_frames < 3:
        return did_not_run("flicker", f"it takes 3 frames, there are {measures.num_frames}")
    flickers = measures.flickers
    value = sum(flickers) / len(flickers)
    worst = max(range(len(flickers)), key=flickers.__getitem__)
    return _result(
        "flicker",
        value=value,
        threshold=thresholds.most_flicker,
        unit="grey levels",
        is_passed=value <= thresholds.most_flicker,
        reason=NgReason.FLICKER,
        evidence=f"The largest jump of light is {flickers[worst]:.1f} grey levels, "
        f"at frame {worst + 1}.",
        frames=[i + 1 for i, jump in enumerate(flickers) if jump > thresholds.most_flicker],
    )


def _sharpness(measures: FrameMeasures, thresholds: GateThresholds) -> GateResult:
    value = sorted(measures.sharpness)[measures.num_frames // 2]
    softest = min(range(measures.num_frames), key=measures.sharpness.__getitem__)
    return _result(
        "sharpness",
        value=value,
        threshold=thresholds.least_sharpness,
        unit="edge ratio",
        is_passed=value >= thresholds.least_sharpness,
        reason=NgReason.SOFT,
        evidence=f"The softest frame is {softest} with {measures.sharpness[softest]:.2f}; "
        "1 is hard edges, 0.25 a blur, 0 nothing to see.",
        frames=[i for i, s in enumerate(measures.sharpness) if s < thresholds.least_sharpness],
    )


def _colour_drift(
    measures: FrameMeasures, anchor: FrameMeasures | None, thresholds: GateThresholds
) -> GateResult:
    if anchor is None or not anchor.num_frames:
        return did_not_run("colour drift", _NO_ANCHOR)
    value = delta_e(measures.mean_lab, anchor.mean_lab)
    mine, theirs = (_words_of(one.mean_lab) for one in (measures, anchor))
    return _result(
        "colour drift",
        value=value,
        threshold=thresholds.most_colour_drift,
        unit="delta E",
        is_passed=value <= thresholds.most_colour_drift,
        reason=NgReason.COLOUR_DRIFT,
        evidence=f"The mean colour is {mine}; the scene's anchor has {theirs}.",
    )


def _contrast_drift(
    measures: FrameMeasures, anchor: FrameMeasures | None, thresholds: GateThresholds
) -> GateResult:
    if anchor is None or not anchor.num_frames:
        return did_not_run("contrast drift", _NO_ANCHOR)
    mine, theirs = (max(one.contrast, FAINTEST_CONTRAST) for one in (measures, anchor))
    value = max(mine / theirs, theirs / mine)
    return _result(
        "contrast drift",
        value=value,
        threshold=thresholds.most_contrast_drift,
        unit="times",
        is_passed=value <= thresholds.most_contrast_drift,
        reason=NgReason.CONTRAST_DRIFT,
        evidence=f"The contrast is {measures.contrast:.1f} grey levels; "
        f"the scene's anchor has {anchor.contrast:.1f}.",
    )


_NO_ANCHOR = "this scene has no circled take to compare with"


def longest_still_run(peaks: tuple[float, ...], still_change: float) -> tuple[int, int]:
    """
    Find the longest run of frames that are all the same.

    Args:
        peaks: Largest change of every frame against the one before, from frame 1 on.
        still_change: Up to which change two frames count as the same.

    Returns:
        Its first frame and its length in frames; the earliest if several are longest. A run
        of one frame if every frame moves.
    """
    best_start, best_length = 0, 1
    start = 0
    for frame, peak in enumerate(peaks, start=1):
        if peak > still_change:
            start = frame
        if frame - start + 1 > best_length:
            best_start, best_length = start, frame - start + 1
    return best_start, best_length


def _result(
    gate: str,
    *,
    value: float,
    threshold: float,
    unit: str,
    is_passed: bool,
    reason: NgReason,
    evidence: str,
    frames: range | list[int] | tuple[int, ...] = (),
) -> GateResult:
    """A gate that ran: the reason and the frames stand only where it says NG."""
    return GateResult(
        gate=gate,
        value=round(float(value), 4),
        threshold=float(threshold),
        unit=unit,
        is_passed=is_passed,
        reason=None if is_passed else reason,
        evidence=evidence,
        frames=() if is_passed else tuple(frames),
    )


def _words_of(lab: tuple[float, float, float]) -> str:
    return f"L* {lab[0]:.0f} a* {lab[1]:.0f} b* {lab[2]:.0f}"
