"""The desk: where staff talk with parents and work off what the bot has begun."""
