"""Gestures as hands show them, drawn or only as landmarks, to measure the gesture code on.

`shapes` says how each static gesture is held, `moves` how each dynamic one goes; `play` puts them
on a stage as landmarks over time, `imitation` makes of exact landmarks what the pipeline would say.
"""
