"""Codes in a Milvus server."""
