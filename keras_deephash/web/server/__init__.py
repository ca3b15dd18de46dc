"""A server of one index: a page with thumbnails, and a JSON API.

FastAPI and uvicorn come with `pip install "keras-deephash[serve]"`.
"""
