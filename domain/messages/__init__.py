"""What we say, one file per message: values in, LINE JSON out."""
