"""The web page that parents chat on, and all that the web process serves, put together."""
