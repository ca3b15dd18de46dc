"""What stands beside the tables of results: the published figures, and notes."""

FROM_MEMORY = "from memory of the paper, not checked"
# On CIFAR-10 with 5,000 training and 54,000 database images, by source and bits.
PUBLISHED = {
    "DCH": {
        "from memory of the paper, not checked": {
            16: 0.790,
            32: 0.798,
            48: 0.807,
            64: 0.794,
        },
        "five independent runs": {48: 0.810},
    },
    "DHN": {
        "survey of 2023": {12: 0.555, 24: 0.594, 32: 0.603, 48: 0.621},
        "better of two re-implementations, by its README": {48: 0.781},
    },
    "DQN": {
        "survey of 2023": {12: 0.554, 24: 0.558, 32: 0.564, 48: 0.580},
        "a user's run of the released code": {32: 0.674},
    },
    "DTQ": {FROM_MEMORY: {8: 0.785, 16: 0.789, 24: 0.790, 32: 0.792}},
    "DVSQ": {"secondary notes": {8: 0.715, 16: 0.727, 24: 0.730, 32: 0.733}},
}
PUBLISHED_WITHIN_RADIUS = {"DCH"}  # The others over the full ranking.

METHODS_NOTE = """\
MAP is by the codes, over as many database images as stand behind its `@`: by Hamming
distance for hashing, with the exact expectation over ties, and by AQD for quantizers.
95 % is the bootstrap interval over the queries. SQD has both sides coded, "features"
neither. What the metadata lacks is left empty."""
RADIUS_NOTE = """\
Re-ranked is the MAP of what lies within the radius, ordered by the continuous codes.
Empty balls are the share of queries with nothing within the radius."""
MEASURED_NOTE = """\
Answered is the share of queries with a relevant image among the ranked ones."""
COST_NOTE = """\
Minutes are those of the command above, without the start that it begins from. MB are a
preset's own files; one that names a preset as its backbone needs those of it too."""
PUBLISHED_NOTE = """\
The published figures are quoted, not reproduced, and none was read in the paper of its
method: the source stands beside each. The comparison is not of like with like. Theirs
begin from the Caffe AlexNet pretrained on ImageNet, at 227 pixels; ours from
EfficientNet-Lite0 pretrained on ImageNet, or from an AlexNet that it taught, at the
size in the table above, and with one crop where the released code takes the mean code
of ten. With 1,000 queries the standard error is about 0.008: see
[three seeds](#three-seeds).

Theirs are MAP@54000. Those of DCH are MAP within Hamming radius 2, where the published
protocol re-ranks the ball by the continuous codes. An empty ball counts as 0 there and
here. A query whose ball holds images, but no relevant one, counts as 0 in our first two
columns; the released evaluation leaves it out, as the third does
(`map_at_radius_released` of `keras-deephash evaluate`; empty where the metadata are
older)."""
