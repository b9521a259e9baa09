"""What terminals on our own ports call themselves: ARP and DHCP, read from frames. Pure."""
