"""Where is a language model? Apart from whoever asks it, which takes a while to import."""

from dataclasses import dataclass, field

SECONDS = 120.0
"""How long one answer is waited for, unless somebody knows better."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelAddress:
    """Where the language model is that lays scripts out. The key is never shown."""

    url: str | None = None
    """Of an OpenAI-compatible API: `http://127.0.0.1:8000/v1`."""
    model: str | None = None
    """The server's name for the model, or the folder that it lies in."""
    api_key: str | None = field(default=None, repr=False)
    seconds: float = SECONDS
    """Longest wait for one answer."""
