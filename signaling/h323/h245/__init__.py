"""H.245: the control protocol of an H.323 call, sans-IO."""
