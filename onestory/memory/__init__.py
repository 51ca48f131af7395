"""
Memory: which frames of earlier shots a take saw, how finely, and how that choice is named.

Refuses to know engines, vaults and files; `budget` and `lineage` do without torch.
Entry points: `onestory.memory.recall.recall` and `onestory.memory.lineage.memory_digest`.
"""
