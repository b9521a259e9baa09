"""What `drumtower doctor` looks at, one file a subject."""
