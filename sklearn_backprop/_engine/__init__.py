"""How a network learns: forward, delta, backward, update, epoch by epoch.

`network` and `training` are what a reader of a textbook looks for. Beside them: the samples
and how they are read, dropout, and what a trained network says of data. No estimator is
known here, and of scikit-learn no more than helpers of validation. The house's own: what is
here may change without notice.
"""
