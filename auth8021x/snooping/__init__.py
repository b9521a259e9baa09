"""What terminals on our own ports call themselves: ARP and DHCP. Pure, but for `address_socket.py`."""
