"""The net process: sockets, ICE, DTLS, SRTP, RTCP, and the way of every packet in and out."""
