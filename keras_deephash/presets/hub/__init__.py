"""The Hugging Face Hub: handles, downloads, cards and the cache."""
