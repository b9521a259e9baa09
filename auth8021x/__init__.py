"""IEEE 802.1X: which terminals are on the network, and RADIUS towards the servers that know them."""
