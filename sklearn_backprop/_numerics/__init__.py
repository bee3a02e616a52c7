"""The ground: functions of arrays that know of no network.

Threads of the BLAS, sums of flat vectors, means and scales, bad readings, and results that
fits on the same data share. Everything above may import from here; nothing here imports
from above. The house's own: what is here may change without notice.
"""
