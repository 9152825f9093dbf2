"""How calm a still hand is and how far a moving one lags, over the smoothing's settings.

`python -m edgehands.benchmarks.steadiness`. Drawn hands with sensor noise go through the real Full
model once, without smoothing; then every setting of the filter is tried on what was measured.
Settings are chosen on one seed and reported on another. Real clips come from $EDGEHANDS_MEDIA.
"""
