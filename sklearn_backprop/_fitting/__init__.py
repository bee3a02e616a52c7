"""What happens around the epochs: recording, stopping, restoring, and what is said of it.

An epoch itself is `_engine`'s business, parameters and data are `_estimators`'. The house's
own: what is here may change without notice.
"""
