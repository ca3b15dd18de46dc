"""Codes in this process, searched by faiss."""
