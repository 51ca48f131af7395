"""
Tasks: the buttons. Each is one call into `onestory`, with a name, a policy and a time limit.

Refuse to branch, to loop, and to hold tensors or paths that exist on one machine only.
Entry points: `tasks.script`, `tasks.takes`, `tasks.delivery`, `tasks.report`.
"""
