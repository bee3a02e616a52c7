"""The five equations as functions of arrays: everything that trains goes through them.

`textbook` has each in NumPy, readable as its formula, for one network and for a stack;
`compiled` has the same with no interpreter between their parts, and `choice` says which of the
two a network gets. `products` is what a matrix product means for a batch that is sparse, or
shared by some networks of a stack. Here lives what a reader of a textbook must not meet
further up. The
house's own: what is here may change without notice.
"""
