"""What scikit-learn sees: the two estimators, from their parameters and checks to a pickle.

`base` is `fit` from top to bottom, `prepare` makes a training of parameters and data,
`fitted` is what a fit leaves behind. The classes are public as `sklearn_backprop.Backprop*`;
where they live is the house's own, and may change without notice.
"""
