/* The least that the packets and the sound of a room can cost: recvfrom, libsrtp, libopus and sendto in one C loop.

   It receives every packet of every caller and unprotects it, decodes every Opus packet, mixes every 20 ms (each talker
   hears the others, everybody else all of them), encodes each mix once, and sends every caller its sound and the packets
   of one rendition, each with a header of its own, protected for it, by one sendto. No RTCP, no jitter buffer, no
   repair, no video decoder. Lines on standard input:
     leg AUDIO_FD VIDEO_FD ADDRESS AUDIO_PORT VIDEO_PORT SUITE LOCAL_KEY REMOTE_KEY TALKS
     rendition FILE
     opus BITRATE COMPLEXITY LOSS_PERCENT
     run WARM_S SECONDS      then prints, as JSON, the CPU time after the warm-up and what was done */
#include "media.h"

#include <opus/opus.h>
#include <sys/resource.h>

#define MAX_LEGS 512
#define SAMPLES 960
#define TICK_S 0.02
#define VIDEO_CLOCK 90000.0

struct leg {
    int fd[2], talks, mix;
    struct sockaddr_in peer[2];
    srtp_t in[2], out[2];
    uint32_t sequence[2];
    OpusDecoder *decoder;
    float pcm[SAMPLES];
};

static struct leg legs[MAX_LEGS];
static int leg_count, epoll_fd, mixes;
static OpusEncoder *encoders[MAX_LEGS];
static struct programme rendition;
static int bitrate = 32000, complexity = 5, loss_percent = 3;
static unsigned long received, sent, decoded, encoded, bad;
static double worst_late, opus_s;

static double thread_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void send_packet(struct leg *l, int kind, int type, int marker, uint32_t timestamp, const uint8_t *payload,
                        int size) {
    uint8_t data[MAX_PACKET];
    rtp_header(data, type, marker, l->sequence[kind]++, timestamp, 0x1000u + (uint32_t)kind);
    memcpy(data + RTP_HEADER, payload, (size_t)size);
    size += RTP_HEADER;
    if (l->out[kind] && srtp_protect(l->out[kind], data, &size)) bad++;
    if (sendto(l->fd[kind], data, (size_t)size, 0, (struct sockaddr *)&l->peer[kind], sizeof l->peer[kind]) < 0) bad++;
    sent++;
}

static void receive(struct leg *l, int kind) {
    uint8_t data[MAX_PACKET];
    struct sockaddr_in from;
    for (;;) {
        socklen_t length = sizeof from;
        int size = (int)recvfrom(l->fd[kind], data, sizeof data, 0, (struct sockaddr *)&from, &length);
        if (size < 0) return;
        if (size < RTP_HEADER || !is_rtp_or_rtcp(data) || is_rtcp(data)) continue;
        received++;
        if (l->in[kind] && srtp_unprotect(l->in[kind], data, &size)) {
            bad++;
            continue;
        }
        int head = header_size(data, size);
        if (kind == 0) {
            double began = thread_s();
            if (opus_decode_float(l->decoder, data + head, size - head, l->pcm, SAMPLES, 0) != SAMPLES) bad++;
            opus_s += thread_s() - began;
            decoded++;
        }
    }
}

static void sound(uint32_t tick) {
    static float all[SAMPLES], own[SAMPLES];
    static uint8_t packets[MAX_LEGS][1275];
    static int sizes[MAX_LEGS];
    double began = thread_s();
    memset(all, 0, sizeof all);
    for (int i = 0; i < leg_count; i++)
        if (legs[i].talks)
            for (int n = 0; n < SAMPLES; n++) all[n] += legs[i].pcm[n];
    for (int i = 0; i < leg_count; i++) {
        if (!legs[i].talks) continue;
        for (int n = 0; n < SAMPLES; n++) own[n] = all[n] - legs[i].pcm[n];
        sizes[legs[i].mix] = opus_encode_float(encoders[legs[i].mix], own, SAMPLES, packets[legs[i].mix], 1275);
    }
    sizes[0] = opus_encode_float(encoders[0], all, SAMPLES, packets[0], 1275);
    encoded += (unsigned long)mixes;
    opus_s += thread_s() - began;
    for (int i = 0; i < leg_count; i++)
        send_packet(&legs[i], 0, 96, 0, tick * SAMPLES, packets[legs[i].mix], sizes[legs[i].mix]);
}

static void leg(const char *line) {
    struct leg *l = &legs[leg_count];
    char address[64], suite[64], local[192], remote[192];
    int port[2], error;
    if (leg_count == MAX_LEGS || sscanf(line, "leg %d %d %63s %d %d %63s %191s %191s %d", &l->fd[0], &l->fd[1], address,
                                        &port[0], &port[1], suite, local, remote, &l->talks) != 9)
        die(line);
    for (int kind = 0; kind < 2; kind++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)(leg_count * 2 + kind)};
        l->peer[kind].sin_family = AF_INET;
        l->peer[kind].sin_port = htons((uint16_t)port[kind]);
        inet_aton(address, &l->peer[kind].sin_addr);
        l->in[kind] = srtp_session(suite, remote, ssrc_any_inbound);
        l->out[kind] = srtp_session(suite, local, ssrc_any_outbound);
        fcntl(l->fd[kind], F_SETFL, O_NONBLOCK);
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, l->fd[kind], &event)) die("epoll_ctl");
    }
    l->decoder = opus_decoder_create(48000, 1, &error);
    l->mix = l->talks ? ++mixes : 0;
    leg_count++;
}

static void open_encoders(void) {
    int error;
    mixes++; /* the one that everybody hears who does not talk */
    for (int i = 0; i < mixes; i++) {
        encoders[i] = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &error);
        opus_encoder_ctl(encoders[i], OPUS_SET_BITRATE(bitrate));
        opus_encoder_ctl(encoders[i], OPUS_SET_COMPLEXITY(complexity));
        opus_encoder_ctl(encoders[i], OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
        opus_encoder_ctl(encoders[i], OPUS_SET_INBAND_FEC(loss_percent > 0));
        opus_encoder_ctl(encoders[i], OPUS_SET_PACKET_LOSS_PERC(loss_percent));
    }
}

static double cpu_s(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static void run(double warm, double seconds) {
    struct epoll_event events[256];
    double began = now_s(), before = 0, measured = 0;
    uint32_t tick = 0, index = 0, loop = 0;
    open_encoders();
    for (;;) {
        double now = now_s(), audio = began + tick * TICK_S;
        double video = rendition.count ? began + (rendition.packets[index].timestamp + (double)loop * rendition.loop) /
                                                     VIDEO_CLOCK
                                       : now + 1;
        if (!measured && now >= began + warm) {
            measured = now, before = cpu_s(), worst_late = opus_s = 0;
            received = sent = decoded = encoded = bad = 0;
        }
        if (measured && now >= measured + seconds) break;
        if (now >= audio) {
            if (now - audio > worst_late) worst_late = now - audio;
            sound(tick++);
        } else if (now >= video) {
            struct packet *p = &rendition.packets[index];
            for (int i = 0; i < leg_count; i++)
                send_packet(&legs[i], 1, 99, p->marker, p->timestamp + loop * rendition.loop, p->payload, p->size);
            if (++index == rendition.count) index = 0, loop++;
        } else {
            double next = audio < video ? audio : video;
            struct timespec timeout = {0, (long)((next - now) * 1e9)};
            int ready = epoll_pwait2(epoll_fd, events, 256, &timeout, NULL);
            for (int i = 0; i < ready; i++) receive(&legs[events[i].data.u32 / 2], events[i].data.u32 & 1);
        }
    }
    double elapsed = now_s() - measured;
    printf("{\"cpu\": %.5f, \"opus\": %.5f, \"seconds\": %.3f, \"late_ms\": %.2f, \"received\": %lu, \"sent\": %lu, \"decoded\": %lu, "
           "\"encoded\": %lu, \"bad\": %lu, \"libopus\": \"%s\"}\n",
           (cpu_s() - before) / elapsed, opus_s / elapsed, elapsed, worst_late * 1000, received, sent, decoded, encoded, bad,
           opus_get_version_string());
}

int main(void) {
    char line[2048], file[1024];
    double warm, seconds;
    srtp_init();
    epoll_fd = epoll_create1(0);
    while (fgets(line, sizeof line, stdin)) {
        if (!strncmp(line, "leg", 3))
            leg(line);
        else if (sscanf(line, "rendition %1023s", file) == 1)
            rendition = read_programme(file);
        else if (sscanf(line, "opus %d %d %d", &bitrate, &complexity, &loss_percent) == 3)
            continue;
        else if (sscanf(line, "run %lf %lf", &warm, &seconds) == 2)
            run(warm, seconds);
        else
            die(line);
    }
    return 0;
}
