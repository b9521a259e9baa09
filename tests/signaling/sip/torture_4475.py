"""The messages of RFC 4475, section 3, each with what it asks an endpoint to make of it (see torture.Victim.fate)."""

from __future__ import annotations

from tests.signaling.sip.torture import wire

SDP = (
    b"v=0\r\no=mhandley 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\n"
    b"m=audio 49217 RTP/AVP 0 12\r\nm=video 3227 RTP/AVP 31\r\na=rtpmap:31 LPC\r\n"
)


def request(
    name: str,
    start: str = "OPTIONS sip:user@example.com SIP/2.0",
    *,
    body: bytes = b"",
    via: str = "Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdj{name}",
    to: str = "To: sip:user@example.com",
    origin: str = "From: sip:caller@example.org;tag=33242",
    cseq: str = "",
    more: str = "Contact: <sip:caller@host5.example.net>",
    forwards: str = "Max-Forwards: 70",
    length: str = "Content-Length: LENGTH",
) -> bytes:
    """A plain request, and what is different about it; "" leaves a line out."""
    method = start.split()[0]
    lines = [
        start, via.replace("{name}", name), forwards, to, origin, f"Call-ID: {name}.sdf0234n2nds0a099u23h3hnnw009",
        cseq or f"CSeq: 8 {method}", *more.split("\n"),
        "Content-Type: application/sdp" if body is SDP else "", length,
    ]  # fmt: skip
    return wire("\n".join(line for line in lines if line), body)


INVITE = "INVITE sip:user@example.com SIP/2.0"
REGISTER = "REGISTER sip:example.com SIP/2.0"

TORTUOUS_INVITE = wire(
    """
INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0
TO :
 sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n
from   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : LENGTH
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;rport;branch=390skdjuw
s :
NewFangledHeader:   newfangled value
 continued newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:services.example.com;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     spindle.example.com   ;
  branch  =   z9hG4bK9ikj8  ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bK30239
m:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =
      newvalue ;
  secondparam ; q = 0.33
""",
    SDP,
)

STRANGE_METHOD = "!interesting-Method0123456789_*+`.%indeed'~"
STRANGE_USER = (
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com"
)
WIDE_RANGE = (
    request(
        "intmeth",
        f"{STRANGE_METHOD} {STRANGE_USER} SIP/2.0",
        via="Via: SIP/2.0/UDP host1.example.com;rport;branch=z9hG4bK-.!%66*_+`'~",
        to=f'To: "BEL:\\\aNUL:\\\0DEL:\\\x7f" <{STRANGE_USER}>',
        origin="From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%="
        "\"\u0440\u0430\u0431\u043e\u0442\u0430\u044e\u0449\u0438\u0439\";tag=_token~1'+`*%!-.",
        more="extensionHeader-!.%*+_`'~: \ufeff\u5927\u505c\u96fb",
    )
)  # fmt: skip

LONG = request(
    "longreq",
    INVITE,
    body=SDP,
    to='To: "I have a user name of ' + "extreme" * 40 + ' proportion" <sip:user@example.com:6000;unknownparam1='
    + "very" * 50 + "long;longparam" + "name" * 30 + "=shortvalue;very" + "long" * 40 + "ParameterNameWithNoValue>",
    origin="From: sip:" + "amazinglylongcallername" * 5 + "@example.net;tag=12" + "982" * 50 + "424;unknownheaderparam"
    + "name" * 20 + "=unknowheaderparam" + "value" * 15 + ";unknownValueless" + "paramname" * 10,
    via="\n".join(
        ["Via: SIP/2.0/TCP sip33.example.com;branch=z9hG4bKlongreq"]
        + [f"v: SIP/2.0/TCP sip{number}.example.com;branch=z9hG4bK{number}" for number in range(32, 0, -1)]
        + ["V: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKlonger" + "than" * 60]
    ),
    more="Unknown-" + "Long" * 40 + "-Name: unknown-" + "long" * 40 + "-value\nContact: <sip:"
    + "amazinglylongcallername" * 6 + "@host5.example.net>",
)  # fmt: skip

VALID = {
    "3.1.1.1 wsinv": (TORTUOUS_INVITE, "481"),  # it has a To tag, of a dialog that is not here
    "3.1.1.2 intmeth": (WIDE_RANGE, "501"),
    "3.1.1.3 esc01": (
        request(
            "esc01", "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0", body=SDP,
            to="To: sip:%75se%72@example.com", origin="From: <sip:I%20have%20spaces@example.net>;tag=938",
            more="Contact: <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>",
        ), "call",
    ),
    "3.1.1.4 escnull": (
        request(
            "escnull", REGISTER, to="To: sip:null-%00-null@example.com",
            origin="From: sip:null-%00-null@example.com;tag=839923423",
            more="Contact: <sip:%00@host5.example.com>\nContact: <sip:%00%00@host5.example.com>",
        ), "200",
    ),
    "3.1.1.5 esc02": (
        request(
            "esc02", "RE%47IST%45R sip:registrar.example.com SIP/2.0", to='To: "%Z%45" <sip:resource@example.com>',
            origin='From: "%Z%45" <sip:resource@example.com>;tag=f232jadfj23',
            more="Contact: <sip:alias1@host1.example.com>\nContact: <sip:alias2@host2.example.com>",
        ), "501",
    ),
    "3.1.1.6 lwsdisp": (request("lwsdisp", origin="From: caller<sip:caller@example.com>;tag=323"), "200"),
    "3.1.1.7 longreq": (LONG, "call"),
    "3.1.1.8 dblreq": (request("dblreq", REGISTER) + request("dblreq2", INVITE, body=SDP), "200"),
    "3.1.1.9 semiuri": (
        request("semiuri", "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0"), "200",
    ),
    "3.1.1.10 transports": (
        request(
            "transports",
            via="\n".join(
                f"Via: SIP/2.0/{name} t{number}.example.com;branch=z9hG4bKkdjuw{number}"
                for number, name in enumerate(("UDP", "SCTP", "TLS", "UNKNOWN", "TCP"))
            ),
        ), "200",
    ),
    "3.1.1.11 mpart01": (
        request(
            "mpart01", "MESSAGE sip:kumiko@example.org SIP/2.0", more="Content-Type: multipart/mixed;boundary=7a9cbec0",
            body=b"--7a9cbec0\r\nContent-Type: text/plain\r\n\r\nHello\r\n--7a9cbec0\r\nContent-Type: "
            b"application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\x01\r\n\r\n\xff\xfe\r\n"
            b"--7a9cbec0--",
        ), "200",
    ),
}  # fmt: skip

INVALID = {
    "3.1.2.1 badinv01": (
        request(
            "badinv01", INVITE, body=SDP, via="Via: SIP/2.0/UDP 192.0.2.15;;,;,,",
            more='Contact: "Joe" <sip:joe@example.org>;;;;',
        ), {"400"},
    ),
    "3.1.2.1 badinv01, the Contact alone": (
        request("badinv01", INVITE, body=SDP, more='Contact: "Joe" <sip:joe@example.org>;;;;'), {"400"},
    ),
    "3.1.2.2 clerr": (request("clerr", INVITE, body=SDP, length="Content-Length: 9999"), {"400"}),
    "3.1.2.3 ncl": (request("ncl", INVITE, body=SDP, length="Content-Length: -999"), {"400"}),
    "3.1.2.4 scalar02": (
        request(
            "scalar02", REGISTER, forwards="Max-Forwards: 300", cseq="CSeq: 36893488147419103232 REGISTER",
            more="Expires: 1" + "0" * 99 + "\nContact: <sip:user@host129.example.com>;expires=280297596632815",
        ), {"400"},
    ),
    "3.1.2.4 scalar02, Max-Forwards alone": (request("scalar02", forwards="Max-Forwards: 300"), {"400"}),
    "3.1.2.5 scalarlg": (
        wire(
            "SIP/2.0 503 Service Unavailable\nVia: SIP/2.0/UDP host129.example.com;branch=z9hG4bKzzxdiwo34sw\n"
            "To: <sip:user@example.com>\nFrom: <sip:other@example.net>;tag=2easdjfejw\nCall-ID: scalarlg.noase0of0234\n"
            "CSeq: 9292394834772304023312 OPTIONS\nRetry-After: 949302838503028349304023988\n"
            'Warning: 1812 overture "In Progress"\nContent-Length: 0'
        ), {"dropped"},
    ),
    "3.1.2.6 quotbal": (request("quotbal", INVITE, to='To: "Mr. J. User <sip:j.user@example.com>', body=SDP), {"400"}),
    "3.1.2.7 ltgtruri": (request("ltgtruri", "INVITE <sip:user@example.com> SIP/2.0", body=SDP), {"400"}),
    "3.1.2.8 lwsruri": (request("lwsruri", "INVITE sip:user@example.com; lr SIP/2.0", body=SDP), {"400"}),
    "3.1.2.9 lwsstart": (request("lwsstart", "INVITE  sip:user@example.com  SIP/2.0", body=SDP), {"400"}),
    "3.1.2.10 trws": (request("trws", "OPTIONS sip:remote-target@example.com SIP/2.0  "), {"400"}),
    "3.1.2.11 escruri": (
        request("escruri", "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0", body=SDP), {"400"},
    ),
    "3.1.2.12 baddate": (  # an element may ignore a Date that it has no use for
        request("baddate", INVITE, body=SDP, more="Date: Fri, 01 Jan 2010 16:00:00 EST\nContact: <sip:c@h.example>"),
        {"call", "400"},
    ),
    "3.1.2.13 regbadct": (
        request("regbadct", REGISTER, more="Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E"), {"400"},
    ),
    "3.1.2.14 badaspec": (  # what is meant is clear
        request("badaspec", to='To: "Watson, Thomas" < sip:t.watson@example.org >'), {"200", "400"},
    ),
    "3.1.2.15 baddn": (
        request("baddn", origin="From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43"), {"200", "400"},
    ),
    "3.1.2.16 badvers": (
        request(
            "badvers", "OPTIONS sip:t.watson@example.org SIP/7.0", via="Via: SIP/7.0/UDP c.example.com;branch=z9hG4bKk",
        ), {"505"},
    ),
    "3.1.2.17 mismatch01": (request("mismatch01", cseq="CSeq: 8 INVITE"), {"400"}),
    "3.1.2.18 mismatch02": (
        request("mismatch02", "NEWMETHOD sip:user@example.com SIP/2.0", cseq="CSeq: 8 INVITE"), {"400", "501"},
    ),
    "3.1.2.19 bigcode": (
        wire(
            "SIP/2.0 4294967301 better not break the receiver\nVia: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\n"
            "Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i\nFrom: <sip:user@example.com>;tag=39ansfi3\n"
            "To: <sip:user@example.edu>;tag=902jndnke3\nCSeq: 353494 INVITE\nContent-Length: 0"
        ), {"dropped"},
    ),
}  # fmt: skip

APPLICATION = {
    "3.2.1 badbranch": (request("badbranch", via="Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK"), "200"),
    "3.3.1 insuf": (
        wire(
            "INVITE sip:user@example.com SIP/2.0\nMax-Forwards: 70\nCSeq: 193942 INVITE\n"
            "Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf\nContent-Type: application/sdp\nl: LENGTH", SDP,
        ), "400",
    ),
    "3.3.2 unkscm": (request("unkscm", "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"), "416"),
    "3.3.3 novelsc": (request("novelsc", "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"), "416"),
    "3.3.4 unksm2": (
        request(
            "unksm2", REGISTER, to="To: isbn:2983792873", origin="From: <http://www.example.com>;tag=3234233",
            more="Contact: <name:John_Smith>",
        ), "200",  # that the registrar has no such alias is its own business
    ),
    "3.3.5 bext01": (
        request(
            "bext01", more="Require: nothingSupportsThis, nothingSupportsThisEither\n"
            "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis",
        ), "420",
    ),
    "3.3.6 invut": (
        request("invut", INVITE, more="Contact: <sip:c@h.example>\nContent-Type: application/unknownformat",
                body=b"<audio>\r\n <pcmu port=\"443\"/>\r\n</audio>\r\n"), "415",
    ),
    "3.3.7 regaut01": (  # passed on: whose credentials are not understood has none (the registrar answers 401)
        request("regaut01", REGISTER, more="Authorization: NoOneKnowsThisScheme opaque-data=here"), "200",
    ),
    "3.3.8 multi01": (
        request(
            "multi01", INVITE, body=SDP, more="CSeq: 59 INVITE\nCall-ID: multi01.98asdh@192.0.2.2\n"
            "From: sip:caller@example.com;tag=3413415\nMax-Forwards: 5\nTo: sip:user@example.com\n"
            "Contact: <sip:caller@host5.example.net>",
        ), "400",
    ),
    "3.3.9 mcl01": (request("mcl01", more="Content-Length: 13\nContent-Type: text/plain", body=b"There's none"), "400"),
    "3.3.10 bcast": (
        wire(
            "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\n"
            "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23\nCall-ID: bcast.0384840201234ksdfak3j2\n"
            "CSeq: 35 INVITE\nFrom: sip:user@example.com;tag=11141343\nTo: sip:user@example.edu;tag=2229\n"
            "Contact: <sip:user@host28.example.com>\nContent-Length: 0"
        ), "dropped",
    ),
    "3.3.11 zeromf": (request("zeromf", forwards="Max-Forwards: 0"), "200"),  # only who forwards refuses with 483
    "3.3.12 cparam01": (
        request("cparam01", REGISTER, more="Contact: sip:+19725552222@gw1.example.net;unknownparam"), "200",
    ),
    "3.3.13 cparam02": (
        request("cparam02", REGISTER, more="Contact: <sip:+19725552222@gw1.example.net;unknownparam>"), "200",
    ),
    "3.3.14 regescrt": (
        request(
            "regescrt", REGISTER, more="Contact: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>",
        ), "200",
    ),
    "3.3.15 sdp01": (
        request("sdp01", INVITE, body=SDP, more="Contact: <sip:c@h.example>\nAccept: text/nobodyKnowsThis"), "406",
    ),
    "3.4.1 inv2543": (
        wire(
            "INVITE sip:UserB@example.com SIP/2.0\nVia: SIP/2.0/UDP iftgw.example.com\n"
            "From: <sip:+13035551111@ift.client.example.net;user=phone>\n"
            "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>\n"
            "To: sip:+16505552222@ss1.example.net;user=phone\nCall-ID: inv2543.1717@ift.client.example.com\n"
            "CSeq: 56 INVITE\nContent-Type: application/sdp", SDP,
        ), "call",
    ),
}  # fmt: skip
