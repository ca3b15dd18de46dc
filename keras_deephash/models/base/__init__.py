"""The base classes of the methods: encoding, training, freezing."""
