"""
Script-to-caption expansion: a screenplay becomes an `Episode` of shots with captions and a bible.

Refuses to know how a shot is rendered, remembered or stored.
Entry points: `onestory.breakdown.rules.break_down`, and `layout.break_down_by_model` for a model.
"""
