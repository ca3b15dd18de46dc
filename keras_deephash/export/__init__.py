"""Files of a model that run without Keras: SavedModel, ONNX and LiteRT.

Each takes pixels, uint8, at the network's input size and gives packed codes and
continuous codes; a description of the model goes along.
"""
