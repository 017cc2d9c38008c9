"""How we speak to LINE."""
