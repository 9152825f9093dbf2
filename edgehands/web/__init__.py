"""The live page: a small web server beside the loop, and the page that it serves.

Importing this package loads nothing; `edgehands.web.live` is where it begins.
"""
