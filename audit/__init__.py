"""What all packages need to write their audits: lines that strangers can cause are bounded, and stay one line each."""
