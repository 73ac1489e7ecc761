"""Custom actions: read the turn, call one service, answer."""
