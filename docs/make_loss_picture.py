"""Draws pictures/pair_losses.png: the loss of a pair over its Hamming distance.

python docs/make_loss_picture.py

Two codes of 48 bits differ in 0 to 48 of them. The losses are those of the library,
with their default arguments.
"""

import numpy as np
from make_pictures import save
from matplotlib.figure import Figure

from keras_deephash.losses import PairwiseCauchyLoss, PairwiseLogisticLoss

BITS = 48


def main() -> None:
    figure = Figure(figsize=(7.2, 2.8), layout="constrained")
    codes = np.ones((BITS + 1, BITS), "float32")
    codes[np.tri(BITS + 1, BITS, -1, dtype=bool)] = -1
    losses = {"DCH": PairwiseCauchyLoss(), "DHN": PairwiseLogisticLoss()}
    for axes, similar in zip(figure.subplots(1, 2), (1.0, 0.0), strict=True):
        for name, loss in losses.items():
            values = loss.pair_losses(codes[:1], codes, np.full((1, BITS + 1), similar))
            values = np.array(values)[0]
            axes.plot(values / values.max(), label=name)
        axes.set_title("similar pair" if similar else "dissimilar pair")
        axes.set_xlabel("Hamming distance, bits")
        axes.set_ylabel("loss, share of the largest")
        axes.legend()
    save(figure, "pair_losses")


if __name__ == "__main__":
    main()
