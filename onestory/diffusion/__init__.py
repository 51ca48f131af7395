"""
Diffusion: how does a stock Wan transformer get to see the memory?

Refuses to know engines, vaults and files.
Entry points: `onestory.diffusion.inject.joint` and `onestory.diffusion.kv.cached`.
"""
