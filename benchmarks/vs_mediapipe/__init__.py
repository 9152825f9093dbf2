"""EdgeHands and MediaPipe in turns: `python -m edgehands.benchmarks.vs_mediapipe`.

`play` is one run of one of them in a process of its own; `peers` makes MediaPipe's environments,
`scenarios` the clips; `contest` runs everybody in turns; `figures` is the arithmetic, `show` the
tables and the plot.
"""
