"""Lets people and programs see how a run is doing: its status socket, metrics and what is wrong.

All of it is one thread that sleeps until somebody asks; frames pay nothing.
"""
