"""The web process: pages, health; later the agents' console."""
