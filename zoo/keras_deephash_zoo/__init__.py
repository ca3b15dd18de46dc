"""The presets of keras_deephash that its own package has no room for.

Data alone: the directories beside this file. keras_deephash finds them by name.
"""
