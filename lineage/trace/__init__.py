"""Questions of an audit: what made this, and what did that influence?"""
