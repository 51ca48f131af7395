"""The name of what a take remembered."""

from onestory.documents import digest_of
from onestory.engines.recipe import NOTHING_REMEMBERED
from onestory.memory.lineage import Remembered, memory_digest


def _frame(number: int, *, take: bytes = b"take", score: float = 0.5) -> Remembered:
    return Remembered(
        take=digest_of(take),
        frame_index=number,
        latent=digest_of(bytes([number])),
        position=number,
        level=0,
        score=score,
    )


def test_nothing_remembered_has_a_name() -> None:
    """The empty selection's digest is the recipe's default."""
    assert memory_digest([]) == NOTHING_REMEMBERED


def test_content_counts_and_names_do_not() -> None:
    """The same latent frames out of another take, with other scores, are the same memory."""
    one = [_frame(1), _frame(2)]
    other = [_frame(1, take=b"retake", score=0.1), _frame(2, take=b"retake")]

    assert memory_digest(one) == memory_digest(other)


def test_order_and_level_count() -> None:
    """Another order or another compression is another memory."""
    frames = [_frame(1), _frame(2)]
    coarser = [frames[0], frames[1].model_copy(update={"level": 1})]

    assert len({memory_digest(x) for x in (frames, frames[::-1], coarser)}) == 3
