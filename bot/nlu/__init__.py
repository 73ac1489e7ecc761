"""Rasa graph components: how parents' words are read. Stands alone."""
