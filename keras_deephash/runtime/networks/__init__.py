"""The runtimes, one in a file: each runs the network of an exported file."""
