"""How well gestures are recognised: `edgehands gestures eval`.

`trial` puts one scene through the gesture code, `positives` scenes that show something, `negatives`
hours that do not, `rendered` drawn films through the whole pipeline, `clips` the real ones; `tally`
is the arithmetic, `show` the tables. `fit` makes the numbers that imitate the model.
"""
