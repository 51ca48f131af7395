"""
Commands: the verbs of `onestory`, as functions that parse, call one function and print.

Refuses to know how anything is done: each verb imports it when it is called.
Entry points: none of its own; `deployments.cli` collects them.
"""
