// Feedback about sound that a browser gives and takes without saying so in its answer (RFC 4585).

/**
 * The answer with "nack" for Opus. Chromium and Safari look into the offer alone: where that names it they repeat packets
 * of sound that are asked for, and ask for those that they miss. A browser that does neither is asked in vain for a moment.
 */
export function withRepeats(sdp) {
  const type = /^a=rtpmap:(\d+) opus\//im.exec(sdp)?.[1];
  if (!type || new RegExp(`^a=rtcp-fb:(${type}|\\*) nack\\s*$`, "m").test(sdp)) return sdp;
  return sdp.replace(new RegExp(`^a=rtpmap:${type} .*$`, "m"), `$&\r\na=rtcp-fb:${type} nack`);
}
