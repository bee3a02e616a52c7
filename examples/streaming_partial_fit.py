"""Learning from a stream: handwritten digits, 45 raw images at a time.

Each call of ``partial_fit`` takes one pass over a chunk and throws it away. The
mean and the scale of every pixel are running statistics, so nothing has to be
known of the stream in advance. A model on disk goes on where it was. Each chunk is
predicted before it is learned, which makes a fair score of every image.
"""

import pickle

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from sklearn_backprop import BackpropClassifier
