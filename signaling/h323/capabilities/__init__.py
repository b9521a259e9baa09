"""What terminals can receive: H.245 capability tables and channel data types, to and from the media plane's values."""
