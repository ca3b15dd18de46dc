"""The files of a preset: configuration, weights, metadata, README."""
