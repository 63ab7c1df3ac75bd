"""The vitalgraph command line, one module per group of commands."""
