/* What the load generator and the floor share: a clock, packet files, SRTP by libsrtp, RTP headers. */
#ifndef BENCH_MEDIA_H
#define BENCH_MEDIA_H
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <srtp2/srtp.h>

#define MAX_PACKET 2048
#define RTP_HEADER 12

struct packet {
    uint32_t timestamp; /* from the beginning of the file, in the clock of the stream */
    uint16_t size;
    uint8_t marker;
    const uint8_t *payload;
};

/* A file: "count", "loop" (length in the clock of the stream), then per packet timestamp, size, marker, payload. */
struct programme {
    uint32_t count, loop;
    struct packet *packets;
};

static inline void die(const char *why) {
    fprintf(stderr, "%s: %s\n", why, errno ? strerror(errno) : "wrong input");
    exit(2);
}

static inline double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

static inline uint32_t get16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }
static inline uint32_t get32(const uint8_t *at) { return get16(at) << 16 | get16(at + 2); }

static inline void rtp_header(uint8_t *at, int type, int marker, uint32_t sequence, uint32_t timestamp, uint32_t ssrc) {
    at[0] = 0x80;
    at[1] = (uint8_t)(type | (marker ? 0x80 : 0));
    put16(at + 2, sequence & 0xffff);
    put32(at + 4, timestamp);
    put32(at + 8, ssrc);
}

/* RFC 5761 4: the second byte of RTCP packets is 192 to 223. */
static inline int is_rtcp(const uint8_t *data) { return data[1] >= 192 && data[1] <= 223; }
/* RFC 7983: STUN and DTLS begin below 128. */
static inline int is_rtp_or_rtcp(const uint8_t *data) { return data[0] >= 128 && data[0] <= 191; }

/* Bytes before the payload: CSRCs and the header extension count. 0 where the packet is too short. */
static inline int header_size(const uint8_t *data, int size) {
    int head = RTP_HEADER + 4 * (data[0] & 15);
    if (data[0] & 0x10 && size >= head + 4) head += 4 + 4 * (int)get16(data + head + 2);
    return size >= head ? head : 0;
}

static inline struct programme read_programme(const char *path) {
    struct programme read = {0, 0, NULL};
    FILE *file = fopen(path, "rb");
    if (!file || fread(&read.count, 4, 1, file) != 1 || fread(&read.loop, 4, 1, file) != 1) die(path);
    read.packets = calloc(read.count, sizeof *read.packets);
    for (uint32_t i = 0; i < read.count; i++) {
        struct packet *packet = &read.packets[i];
        uint8_t *payload;
        if (fread(&packet->timestamp, 4, 1, file) != 1 || fread(&packet->size, 2, 1, file) != 1 ||
            fread(&packet->marker, 1, 1, file) != 1 || packet->size > MAX_PACKET - 256)
            die(path);
        payload = malloc(packet->size);
        if (packet->size && fread(payload, packet->size, 1, file) != 1) die(path);
        packet->payload = payload;
    }
    fclose(file);
    return read;
}

static inline srtp_t srtp_session(const char *suite, const char *hex, srtp_ssrc_type_t direction) {
    static uint8_t key[64];
    srtp_policy_t policy;
    srtp_t session = NULL;
    if (!strcmp(suite, "-")) return NULL;
    memset(&policy, 0, sizeof policy);
    for (size_t i = 0; i < sizeof key && hex[2 * i]; i++) sscanf(hex + 2 * i, "%2hhx", &key[i]);
    if (!strcmp(suite, "AEAD_AES_256_GCM")) {
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
    } else if (!strcmp(suite, "AEAD_AES_128_GCM")) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
        srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
    }
    policy.ssrc.type = direction;
    policy.key = key;
    policy.window_size = 1024;
    if (srtp_create(&session, &policy)) die("srtp_create");
    return session;
}
#endif
