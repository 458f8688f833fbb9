"""At which line of a user's files a setting stands, and edits to such files that move no line."""
