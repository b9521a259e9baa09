"""Offers in the shape in which real terminals send them."""

from __future__ import annotations

import base64

CM_KEY = base64.b64encode(bytes(range(30))).decode()
GCM_KEY = base64.b64encode(bytes(range(44))).decode()
FINGERPRINT = ":".join(["0F"] * 32)


def sdp(*lines: str, connection: str = "10.0.0.9") -> bytes:
    family = "IP6" if ":" in connection else "IP4"
    head = ["v=0", f"o=- 1 1 IN {family} {connection}", "s=-", f"c=IN {family} {connection}", "t=0 0"]
    return "".join(line + "\r\n" for line in [*head, *lines]).encode()


BARESIP_SDES = sdp(
    "m=audio 20578 RTP/SAVP 96 9 0 8 101",
    "a=rtpmap:96 opus/48000/2",
    "a=fmtp:96 stereo=1;sprop-stereo=1",
    "a=rtpmap:9 G722/8000",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-15",
    "a=sendrecv",
    "a=label:1",
    "a=rtcp-rsize",
    f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{CM_KEY}",
    "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:abc",
    "a=ssrc:1637792132 cname:sip:a@127.0.0.1",
    "a=rtcp-mux",
    "a=ptime:20",
    "m=video 20562 RTP/SAVP 96",
    "a=rtpmap:96 H264/90000",
    "a=fmtp:96 packetization-mode=0;profile-level-id=42e01f",
    "a=sendrecv",
    "a=rtcp-mux",
    f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{CM_KEY}",
    "a=rtcp-fb:* nack pli",
    "a=content:main",
)
LINPHONE = sdp(
    "b=AS:380",
    "a=rtcp-xr:rcvr-rtt=all:10000",
    "m=audio 7078 RTP/AVPF 96 97 0 8 101 100",
    "a=rtpmap:96 opus/48000/2",
    "a=fmtp:96 useinbandfec=1",
    "a=rtpmap:97 speex/16000",
    "a=fmtp:97 vbr=on",
    "a=rtpmap:101 telephone-event/48000",
    "a=rtpmap:100 telephone-event/8000",
    "a=rtcp:7999",
    "a=rtcp-fb:* trr-int 5000",
    "m=video 9078 RTP/AVPF 96",
    "a=rtpmap:96 VP8/90000",
    "a=rtcp-fb:* ccm fir",
    "a=rtcp-fb:96 nack pli",
    "a=rtcp-fb:96 nack",
)
CHROMIUM = sdp(
    "a=group:BUNDLE 0 1 2",
    "a=msid-semantic: WMS x",
    f"a=fingerprint:sha-256 {FINGERPRINT}",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 110 126",
    "a=rtcp:9 IN IP4 0.0.0.0",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:0123456789012345678901",
    "a=setup:actpass",
    "a=mid:0",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:110 telephone-event/48000",
    "a=rtpmap:126 telephone-event/8000",
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 39 40",
    "a=setup:actpass",
    "a=mid:1",
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtpmap:96 VP8/90000",
    "a=rtcp-fb:96 nack",
    "a=rtcp-fb:96 nack pli",
    "a=rtpmap:97 rtx/90000",
    "a=fmtp:97 apt=96",
    "a=rtpmap:102 H264/90000",
    "a=rtcp-fb:102 ccm fir",
    "a=rtcp-fb:102 nack",
    "a=rtcp-fb:102 nack pli",
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
    "a=rtpmap:103 rtx/90000",
    "a=fmtp:103 apt=102",
    "a=rtpmap:39 H264/90000",
    "a=fmtp:39 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "a=mid:2",
    "a=sctp-port:5000",
    connection="10.0.0.9",
)
ROOM_SYSTEM = sdp(
    "b=AS:4096",
    "m=audio 49170 RTP/AVP 99 9 8 0 101",
    "a=rtpmap:99 G7221/16000",
    "a=rtpmap:101 telephone-event/8000",
    "m=video 49172 RTP/AVP 108 109 34",
    "b=TIAS:2000000",
    "a=rtpmap:108 H264/90000",
    "a=fmtp:108 profile-level-id=640028;packetization-mode=1;max-fs=8192;max-mbps=245760",
    "a=rtpmap:109 H264/90000",
    "a=fmtp:109 profile-level-id=42e028;packetization-mode=1",
    "a=rtpmap:34 H263/90000",
    "a=content:main",
    "a=label:11",
    "a=imageattr:109 send * recv [x=1920,y=1080]",
    "a=rtcp-fb:* ccm fir",
    "m=video 49174 RTP/AVP 108",
    "a=rtpmap:108 H264/90000",
    "a=fmtp:108 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1",
    "a=content:slides",
    "a=label:12",
    "m=application 49180 UDP/BFCP *",
    "a=floorctrl:c-s",
    "m=application 49182 RTP/AVP 100",
    "a=rtpmap:100 H224/4800",
)
FAX = sdp(
    "m=image 4000 udptl t38",
    "a=T38FaxVersion:0",
    "m=audio 4002 RTP/AVP 0 8",
)
