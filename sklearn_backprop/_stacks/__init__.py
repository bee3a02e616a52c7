"""Many fits as one: networks of one shape train side by side, each as if it were alone.

`fit_many` is the public door (`sklearn_backprop.fit_many`); `planning` decides what goes
together, `stack` trains it with the very step of `_engine`. The house's own: what is here
may change without notice.
"""
