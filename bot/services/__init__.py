"""What the business does; one transaction each, and nobody else commits."""
