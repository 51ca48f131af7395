"""
Memory: which frames of earlier shots a take saw, and how that choice is named.

Refuses to know engines, vaults and files.
Entry point: `onestory.memory.lineage.memory_digest`.
"""
