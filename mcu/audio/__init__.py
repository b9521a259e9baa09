"""The audio process: decode, choose who is heard, mix, encode, every 20 ms."""
