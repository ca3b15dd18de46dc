"""A static page that computes codes in the browser, and needs no server of its own."""
