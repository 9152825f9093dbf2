"""Learning gestures from a few seconds of each: no training, only examples and a border."""
