"""The dashboard in a real browser, with the real engine: what a reader does, and what must be seen then.

A package, so that browser and server end with its last test: while Playwright runs, the main thread has an
event loop, which other tests could not start one in.
"""
