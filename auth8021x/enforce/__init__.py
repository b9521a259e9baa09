"""What lets the traffic of terminals through: Linux bridges and nftables; plans are pure, programs carry them out."""
