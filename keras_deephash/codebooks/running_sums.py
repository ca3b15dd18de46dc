"""The sums over samples from which a training learns its codebook."""

import tensorflow as tf

# Feature vectors that are kept for starting centres, for each centre.
_SAMPLES_PER_CENTER = 32


class CodebookStatistics:
    """B^T B and B^T Z of an epoch, and its latest features.

    Made in the scope of the training's strategy. Sums stay with their replica until
    they are read, so gathering them costs no communication; samples are given as
    rows of the global batch. Nothing here is a weight: a new epoch begins at zero.

    Args:
        subcodebooks: int, M.
        subcenters: int, K.
        dim: int, D.
    """

    def __init__(self, subcodebooks: int, subcenters: int, dim: int):
        self.subcodebooks, self.subcenters = subcodebooks, subcenters
        self.capacity = _SAMPLES_PER_CENTER * subcenters
        rows = subcodebooks * subcenters

        def variable(shape, aggregation, dtype=tf.float32):
            return tf.Variable(
                tf.zeros(shape, dtype),
                trainable=False,
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=aggregation,
            )

        total = tf.VariableAggregation.SUM
        first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self._gram = variable((rows, rows), total)
        self._products = variable((rows, dim), total)
        self._samples = variable((self.capacity, dim), first)
        self._filled = variable((), first, tf.int32)

    def add(self, features, codes, all_features) -> None:
        """Adds the rows of a replica, inside a training step.

        Args:
            features: float32 tensor [n, D], the replica's rows.
            codes: int32 tensor [n, M], their codes.
            all_features: float32 tensor [N, D], the rows of all replicas.
        """
        one_hot = tf.reshape(
            tf.one_hot(codes, self.subcenters),
            (-1, self.subcodebooks * self.subcenters),
        )
        self._gram.assign_add(tf.matmul(one_hot, one_hot, transpose_a=True))
        self._products.assign_add(tf.matmul(one_hot, features, transpose_a=True))
        samples = tf.concat([self._samples.value(), all_features], axis=0)
        self._samples.assign(samples[-self.capacity :])
        filled = self._filled.value() + tf.shape(all_features)[0]
        self._filled.assign(tf.minimum(filled, self.capacity))

    def reset(self) -> None:
        for variable in (self._gram, self._products, self._filled):
            variable.assign(tf.zeros_like(variable.read_value()))

    @property
    def full(self) -> bool:
        """Whether there are as many samples as are kept."""
        return int(self._filled.read_value()) == self.capacity

    def samples(self):
        """The latest features, float32 array [n, D]."""
        filled = int(self._filled.read_value())
        return self._samples.read_value().numpy()[self.capacity - filled :]

    def sums(self):
        """B^T B [MK, MK] and B^T Z [MK, D] over all replicas."""
        return self._gram.read_value().numpy(), self._products.read_value().numpy()
