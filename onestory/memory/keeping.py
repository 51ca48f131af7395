"""
How does a module's configuration get beside its weights?

`save_pretrained` writes the arguments that `__init__` was called with. This is the decorator
of diffusers that records them, with the types it forgets.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from diffusers.configuration_utils import register_to_config

Init = TypeVar("Init", bound=Callable[..., None])


def keeps_config(init: Init) -> Init:
    """Record the arguments of an `__init__` as the module's configuration."""
    return cast(Init, register_to_config(init))  # type: ignore[no-untyped-call]
