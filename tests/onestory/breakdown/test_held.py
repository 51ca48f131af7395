"""Whatever a model would like to say, what it can say follows the schema."""

from typing import Any

import pytest
import torch
from llguidance import LLTokenizer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from onestory.breakdown.answers import LookAnswer, SceneAnswer
from onestory.breakdown.held import Held, vocabulary_of
from onestory.documents import Frozen
from onestory.errors import ModelAnswerError, WeightsError
from onestory.testing.tiny_chat import SPARE_TOKENS, byte_tokenizer

WIDTH = len(byte_tokenizer()) + SPARE_TOKENS
LOOK = LookAnswer.model_json_schema()


@pytest.fixture(scope="module", name="vocabulary")
def _vocabulary() -> LLTokenizer:
    return vocabulary_of(byte_tokenizer(), "tiny")


def said(vocabulary: LLTokenizer, text: str) -> torch.Tensor:
    """A text as the tokens of a conversation."""
    return torch.tensor([vocabulary.tokenize_str(text)])


def allowed(held: Held, token_BT: torch.Tensor) -> list[int]:
    """Tokens that may follow, for a model that scores all alike."""
    score_BV = held(token_BT, torch.zeros(1, WIDTH))
    return torch.isfinite(score_BV[0]).nonzero().flatten().tolist()


@pytest.mark.parametrize("kind", [LookAnswer, SceneAnswer])
@pytest.mark.parametrize("seed", range(6))
def test_chance_itself_says_nothing_invalid(
    vocabulary: LLTokenizer, kind: type[Frozen], seed: int
) -> None:
    """One byte after another by lot: the answer ends, and is one of that kind."""
    held = Held(vocabulary, kind.model_json_schema(), 0)
    lots = torch.Generator().manual_seed(seed)
    token_BT = torch.full((1, 20_000), -1)

    for num in range(token_BT.shape[1]):
        score_BV = held(token_BT[:, :num], torch.rand(1, WIDTH, generator=lots))
        token_BT[0, num] = score_BV.argmax()
        if token_BT[0, num] == vocabulary.eos_token:
            break

    kind.model_validate_json(held.whole(token_BT[:, : num + 1]) or "")


def test_the_question_is_not_read_as_an_answer(vocabulary: LLTokenizer) -> None:
    """What was asked may be anything; behind it the answer begins with its brace."""
    question = said(vocabulary, 'Who is "she"? ')

    held = Held(vocabulary, LOOK, question.shape[1])

    assert allowed(held, question) == vocabulary.tokenize_str("{")


@pytest.mark.parametrize(
    ("text", "is_whole"),
    [('{"look": "ab', False), ('{"look": " a , b"', False), ('{"look": " a , b"}', True)],
)
def test_an_answer_is_whole_at_its_last_brace(
    vocabulary: LLTokenizer, text: str, is_whole: bool
) -> None:
    """Neither before it, nor only when the model has said that it ends; and blanks are kept."""
    whole = Held(vocabulary, LOOK, 0).whole(said(vocabulary, text))

    assert whole == (text if is_whole else None)


def test_after_its_last_brace_an_answer_can_only_end(vocabulary: LLTokenizer) -> None:
    """No blank and no second object: the end is all that is left, and not one token too many."""
    held = Held(vocabulary, LOOK, 0)

    assert allowed(held, said(vocabulary, '{"look": "a woman"}')) == [vocabulary.eos_token]


def test_an_umlaut_is_written_and_not_escaped(vocabulary: LLTokenizer) -> None:
    """After a backslash no u may follow, which the grammar would turn into a control character."""
    held = Held(vocabulary, LOOK, 0)

    follows = vocabulary.decode_str(allowed(held, said(vocabulary, '{"look": "ab\\')))

    assert sorted(follows) == sorted('"\\bfnrt')
    assert Held(vocabulary, LOOK, 0).whole(said(vocabulary, '{"look": "a café"}'))


def test_a_schema_that_nothing_follows_is_refused(vocabulary: LLTokenizer) -> None:
    """Before the model is asked, with what contradicts itself."""
    schema: dict[str, Any] = {"type": "string", "minLength": 5, "maxLength": 2}

    with pytest.raises(ModelAnswerError, match=r"minLength \(5\) is greater than maxLength \(2\)"):
        Held(vocabulary, schema, 0)


def test_a_tokenizer_whose_bytes_are_unknown_is_refused() -> None:
    """A tokenizer of whole words does not say what is between them."""
    words = Tokenizer(WordLevel({"<unk>": 0, "</s>": 1}, unk_token="<unk>"))
    fast = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>")

    with pytest.raises(WeightsError, match="'tiny' cannot be held to a schema by its tokenizer"):
        vocabulary_of(fast, "tiny")


def test_a_tokenizer_without_an_end_is_refused() -> None:
    """Its model could not stop."""
    fast = byte_tokenizer()
    fast.eos_token = None

    with pytest.raises(WeightsError, match="the tokenizer of 'tiny' has no end token"):
        vocabulary_of(fast, "tiny")
