"""Estimators made of estimators: ensembles, and a network as a transformer.

Public as `sklearn_backprop.BackpropEnsemble*` and `BackpropTransformer`; where they live is
the house's own, and may change without notice.
"""
