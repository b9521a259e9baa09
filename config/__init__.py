"""Settings: one frozen model a component, from a TOML file and the environment."""
