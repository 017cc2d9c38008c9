"""LINE on loopback, over HTTP: what the demo and the tests talk to instead of LINE's own hosts."""
