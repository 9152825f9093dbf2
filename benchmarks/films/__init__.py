"""Films for the tracker's tests of nerve: hands that appear, cross, hide and come back.

A film is a row of takes with empty pictures between them, so that one run of each hand tracker sees
all: `film` keeps it and knows what is in it, `takes` draws the hands, `watch` shows it to EdgeHands
and to MediaPipe.
"""
