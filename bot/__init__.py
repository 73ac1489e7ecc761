"""优享小助手, the service assistant of the 成长优享 2024 policies."""
