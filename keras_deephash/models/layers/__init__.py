"""The layers of methods: output layers, and the vectors of classes."""
