"""The layers of methods: what makes continuous codes, and the vectors of classes."""
