"""Measuring: accuracy and latency, and the results that the project publishes."""

if __name__ != "edgehands.benchmarks":
    raise ImportError(f"{__name__!r} is edgehands.benchmarks: import it by that name")
