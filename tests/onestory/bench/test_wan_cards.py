"""Is the page about models and cards what its figures and configurations say?"""

import json
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from onestory.bench.looking import NAMES
from onestory.bench.wan_cards import (
    BUDGETS,
    DOES_NOT,
    FITS,
    OFFLOADED,
    PRINTS,
    Counted,
    agreement,
    count,
    document,
)
from onestory.bench.wan_speeds import FIGURES, Expected, expected_seconds, step_operations
from onestory.engines.wan.card import read_card
from onestory.engines.wan.estimate import estimate
from onestory.engines.wan.known import KNOWN, write_configurations

PAGE = Path(__file__).parents[3] / "docs/wan-cards.md"
TRANSFORMERS = {known.name: known.transformer for known in KNOWN}


@pytest.fixture(scope="module", name="small")
def _small() -> Counted:
    """The smallest Wan."""
    return count(KNOWN[0])


def test_the_page_is_what_is_counted_today() -> None:
    """`onestory bench engine --document docs/wan-cards.md` would change nothing."""
    assert document() == PAGE.read_text("utf-8")


def test_every_line_of_a_bench_is_explained() -> None:
    """In the order in which they are printed."""
    assert [*PRINTS] == [*NAMES]


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_configurations_are_those_of_the_model(known, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """The folder is read as the model that its name says."""
    card = read_card(write_configurations(known, tmp_path))

    assert known.name.startswith(card.name)
    assert card.num_experts == (2 if "A14B" in known.name else 1)
    assert card.reads_text_alone == ("-I2V-" not in known.name)
    index = json.loads((tmp_path / "model_index.json").read_text())
    assert ("image_encoder" in index) == known.name.startswith("Wan2.1-I2V")


def test_a_published_model_is_counted_as_any_other(small: Counted, tmp_path: Path) -> None:
    """Parts that are counted once for all models are those of the whole folder."""
    folder = write_configurations(small.known, tmp_path)

    whole = estimate(
        folder,
        small.card,
        small.config,
        width=480,
        height=832,
        num_frames=81,
        memory_budget=1.0,
    )

    assert small.needs[1] == whole
    assert [*small.needs] == [*BUDGETS]
    assert (small.width, small.height, small.tokens) == (480, 832, 32_760)
    assert whole.parts[1].num_parameters == pytest.approx(1.419e9, rel=1e-3)


def test_a_card_bears_what_is_less_than_it_has(small: Counted) -> None:
    """A twentieth stays free; what is too much is offloaded, or does not fit."""
    total, offloaded = (
        small.needs[8].total_bytes / 1024**3,
        small.needs[8].offloaded_bytes / 1024**3,
    )
    assert (13, 22) < (offloaded + 1, total) < (15, 24)

    assert small.verdict(32, 8) == FITS
    assert small.verdict(16, 8) == OFFLOADED
    assert small.verdict(23, 8) == OFFLOADED
    assert small.verdict(12, 8) == DOES_NOT


def test_operations_of_a_step_are_those_of_its_products() -> None:
    """Of one block of width 8: projections, feed-forward layer, both attentions."""
    tiny = {"num_attention_heads": 2, "attention_head_dim": 4, "ffn_dim": 16, "num_layers": 1}

    linear = 2 * 10 * (6 * 64 + 2 * 8 * 16)
    assert step_operations(tiny, tokens=10) == linear + 4 * 10 * 8 * (10 + 512)
    kept = step_operations(tiny, tokens=10, remembered=5, is_kept=True)
    assert kept == linear + 4 * 10 * 8 * (15 + 512)
    joint = step_operations(tiny, tokens=10, remembered=5)
    assert joint == step_operations(tiny, tokens=15)
    assert step_operations({**tiny, "num_layers": 3}, tokens=10) == 3 * (linear + 167_040)


def test_operations_are_those_of_the_real_transformer() -> None:
    """Two blocks of true width, without storage: torch counts what the formula says."""
    config = {**TRANSFORMERS["Wan2.1-T2V-1.3B"], "num_layers": 2}
    kind: Any = diffusers.WanTransformer3DModel
    with torch.device("meta"):
        transformer = kind.from_config(config)
        noise_1CFhw = torch.empty(1, 16, 21, 60, 104)
        caption_1LE = torch.empty(1, 512, 4096)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        transformer(noise_1CFhw, torch.empty(1, device="meta"), caption_1LE)

    counted = step_operations(config, tokens=32_760)
    assert counter.get_total_flops() == pytest.approx(counted, rel=0.01)


def test_published_seconds_agree_with_the_operations() -> None:
    """Extrapolated from each other, figures of one GPU are met within a half."""
    low, high = agreement()

    assert 1 / 1.5 < low < 1 < high < 1.5
    assert low * high == pytest.approx(1.0)


def test_seconds_are_published_or_extrapolated_or_unknown() -> None:
    """The very shot is the figure itself; more steps take longer; no figure, no number."""

    def seconds(gpu: str, steps: int = 50, remembered: int = 0) -> Expected | None:
        return expected_seconds(
            "Wan2.2-TI2V-5B",
            gpu,
            TRANSFORMERS,
            steps=steps,
            tokens=27_280,
            remembered=remembered,
        )

    same = seconds("RTX 4090")
    assert same is not None
    assert (same.seconds, same.factor, same.is_published) == (524.8, 1.0, True)
    half = seconds("RTX 4090", steps=25)
    assert half is not None
    assert (half.seconds, half.is_published) == (262.4, False)
    more = seconds("RTX 4090", remembered=880)
    assert more is not None
    assert more.seconds > same.seconds
    assert not more.is_published
    other = seconds("A100")
    assert other is not None
    assert not other.is_published
    assert other.figure.gpu == "A100"
    assert FIGURES[other.number - 1] is other.figure
    assert seconds("L40S") is None


def test_a_figure_of_the_same_model_comes_first() -> None:
    """Though another model's step is nearer."""
    found = expected_seconds("Wan2.1-I2V-14B-720P", "A100", TRANSFORMERS, steps=40, tokens=32_760)

    assert found is not None
    assert found.figure.model == "Wan2.1-I2V-14B-720P"
