"""Where does chance come from? From the seed and a name, never from a global generator."""

import hashlib

import numpy as np


def chance(seed: int, *names: object) -> np.random.Generator:
    """
    Make the generator that belongs to a seed and a path of names.

    Two different paths never share their numbers, so that a new decision
    in one part of a picture leaves every other part as it was.
    """
    text = "/".join([str(seed), *map(str, names)])
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
