"""Pictures drawn from words and numbers; nothing of ours is known here."""
