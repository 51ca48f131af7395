"""Which engines are there, and how is one opened?"""

from collections.abc import Mapping
from typing import Any

from onestory.engines.protocol import Engine
from onestory.errors import OrderError

ENGINES = ("pocket", "wan", "previz", "painted", "remembering", "sabotaged")


def open_engine(name: str, options: Mapping[str, Any]) -> Engine:
    """
    Open an engine by name. Heavy imports happen here and not before.

    Raises:
        OrderError: If there is no engine of that name.
    """
    if name == "pocket":
        from onestory.engines.pocket.engine import PocketConfig, PocketEngine

        config = PocketConfig(**options.get("config", {}))
        return PocketEngine(**{**options, "config": config})
    if name == "wan":
        from onestory.engines.wan.engine import WanEngine

        return WanEngine(**options)
    if name == "previz":
        from onestory.engines.previz.engine import PrevizEngine

        return PrevizEngine(**options)
    if name == "painted":
        from onestory.engines.painted import PaintedEngine

        return PaintedEngine(**options)
    if name == "remembering":
        from onestory.engines.remembering import RememberingEngine

        return RememberingEngine(**options)
    if name == "sabotaged":
        from onestory.engines.sabotaged import SabotagedEngine

        inner = open_engine(options.get("inner", "previz"), options.get("inner_options", {}))
        return SabotagedEngine(inner, options["faults"], state=options["state"])
    raise OrderError(f"there is no engine {name!r}", hint=f"engines are {', '.join(ENGINES)}")
