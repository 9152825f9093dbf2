"""One module per runtime: each opens a verified model and runs it, nothing else."""

if __name__ != "edgehands.backends":
    raise ImportError(f"{__name__!r} is edgehands.backends: import it by that name")
