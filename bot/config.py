"""The configuration, read once: defaults, then the TOML file, then the environment."""
