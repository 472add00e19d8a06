"""The server's heads: from what was received to class scores."""

from torch import Tensor, nn

from semcom.params.ranges import Fraction, PositiveInt


class MLP(nn.Module):
    """Linear, ReLU, dropout, linear, on the received symbols of its devices laid side by side.

    Args:
        features: real values received a frame, 2 × channel uses × devices that it hears: all, or one.
        classes: number of class scores.
        hidden: width of the hidden layer.
        dropout: share of hidden units dropped in training.
    """

    def __init__(
        self, features: int, classes: int, *, hidden: PositiveInt = 256, dropout: Fraction = 0.1
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, classes)
        )

    def forward(self, received: Tensor) -> Tensor:
        """Class scores (..., classes) of received reals (..., features)."""
        scores: Tensor = self.layers(received)
        return scores
