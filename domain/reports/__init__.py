"""Tables made of metrics and scores."""
