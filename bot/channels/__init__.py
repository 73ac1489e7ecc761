"""One module per messaging app, all on one inbox and one reply model."""
