/* Load: many RTP streams of pre-encoded packets over sockets that are handed in, and what comes back is counted.

   Lines on standard input:
     stream ID FD RTCP_FD ADDRESS PORT RTCP_PORT TYPE CLOCK SUITE LOCAL_KEY REMOTE_KEY FILE MARK JITTER_MS PHASE_MS
         from now on; RTCP_PORT 0: on the RTP port. FILE "-": only listen. The sending of packet MARK (-1: none) is
         noted each time; every packet is delayed by up to JITTER_MS. It begins PHASE_MS after a whole 40 ms of the
         clock, or at once (-1).
     dump ID FILE   all that stream, which may begin later, receives, in the clear: seconds (double), size (uint32),
                    RTP packet
     count          the counters begin now
     stop           print all as JSON and end */
#include "media.h"

#define MAX_STREAMS 2048
#define MAX_PENDING 64
#define MAX_MARKS 1024
#define REPORT_S 1.0

struct pending {
    double at, due;
    int size, is_mark;
    uint8_t data[MAX_PACKET];
};

struct stream {
    int id, fd, rtcp_fd, type, has_media, mark, heard;
    struct sockaddr_in rtp, rtcp;
    double clock, began, jitter_s, next_report, last_received, max_gap; /* seconds */
    struct programme media;
    uint32_t index, loop, ssrc, sequence, first_timestamp, remote_ssrc, highest, base, cycles;
    uint64_t sent, sent_bytes, received, received_bytes, frames, bad;
    srtp_t outbound, inbound;
    struct pending *waiting;
    int waits;
    FILE *dump;
    struct stream *sibling; /* the next on the same socket (BUNDLE), told apart by the payload type */
};

static struct stream *streams[MAX_STREAMS];
static struct {
    int id;
    FILE *file;
} dumps[MAX_STREAMS];
static int dump_count;
static int stream_count, epoll_fd;
static double worst_late, marks[MAX_MARKS][3];
static int mark_count;

static void deliver(struct stream *s, struct pending *p) {
    double now = now_s();
    if (p->is_mark && mark_count < MAX_MARKS) {
        marks[mark_count][0] = s->id;
        marks[mark_count][1] = p->due;
        marks[mark_count++][2] = now;
    }
    if (now - p->at > worst_late) worst_late = now - p->at;
    if (sendto(s->fd, p->data, (size_t)p->size, 0, (struct sockaddr *)&s->rtp, sizeof s->rtp) < 0) s->bad++;
}

static void build(struct stream *s, const struct packet *packet, double due, struct pending *p) {
    uint32_t timestamp = s->first_timestamp + packet->timestamp + s->loop * s->media.loop;
    rtp_header(p->data, s->type, packet->marker, s->sequence++, timestamp, s->ssrc);
    memcpy(p->data + RTP_HEADER, packet->payload, packet->size);
    p->size = RTP_HEADER + packet->size;
    if (s->outbound && srtp_protect(s->outbound, p->data, &p->size)) s->bad++;
    p->due = due;
    p->at = due + s->jitter_s * (double)rand() / RAND_MAX;
    p->is_mark = s->mark == (int)s->index;
    s->sent++;
    s->sent_bytes += packet->size;
}

/* Send what is due; when the next is. */
static double play(struct stream *s, double now) {
    double next = now + 1;
    while (s->has_media) {
        const struct packet *packet = &s->media.packets[s->index];
        double due = s->began + (packet->timestamp + (double)s->loop * s->media.loop) / s->clock;
        if (due > now) {
            next = due;
            break;
        }
        struct pending *p = &s->waiting[s->waits];
        build(s, packet, due, p);
        if (s->jitter_s > 0 && s->waits < MAX_PENDING - 1)
            s->waits++;
        else
            deliver(s, p);
        if (++s->index == s->media.count) s->index = 0, s->loop++;
    }
    for (int i = 0; i < s->waits;) {
        if (s->waiting[i].at <= now) {
            deliver(s, &s->waiting[i]);
            memmove(&s->waiting[i], &s->waiting[i + 1], sizeof *s->waiting * (size_t)(--s->waits - i));
        } else {
            if (s->waiting[i].at < next) next = s->waiting[i].at;
            i++;
        }
    }
    return next;
}

/* RFC 3550 6.4: a sender report with what was received, and the name. */
static void report(struct stream *s, double now) {
    uint8_t data[MAX_PACKET];
    int blocks = s->heard, size = 28 + 24 * blocks;
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    memset(data, 0, sizeof data);
    data[0] = (uint8_t)(0x80 | blocks);
    data[1] = 200;
    put16(data + 2, (uint32_t)size / 4 - 1);
    put32(data + 4, s->ssrc);
    put32(data + 8, (uint32_t)((uint64_t)wall.tv_sec + 2208988800u));
    put32(data + 12, (uint32_t)((double)wall.tv_nsec * 4.294967296));
    put32(data + 16, s->has_media ? s->first_timestamp + (uint32_t)((now - s->began) * s->clock) : 0);
    put32(data + 20, (uint32_t)s->sent);
    put32(data + 24, (uint32_t)s->sent_bytes);
    if (blocks) {
        put32(data + 28, s->remote_ssrc);
        put32(data + 36, s->cycles << 16 | s->highest);
    }
    uint8_t *names = data + size;
    names[0] = 0x81;
    names[1] = 202;
    put16(names + 2, 3);
    put32(names + 4, s->ssrc);
    memcpy(names + 8, "\1\5bench\0", 8);
    size += 16;
    if (s->outbound && srtp_protect_rtcp(s->outbound, data, &size)) s->bad++;
    sendto(s->rtcp_fd, data, (size_t)size, 0, (struct sockaddr *)&s->rtcp, sizeof s->rtcp);
    s->next_report = now + REPORT_S;
}

static void count(struct stream *s, const uint8_t *data, int size, double now) {
    uint32_t sequence = get16(data + 2), ssrc = get32(data + 8);
    if (!s->heard || ssrc != s->remote_ssrc) {
        s->heard = 1, s->remote_ssrc = ssrc, s->cycles = 0;
        s->highest = sequence, s->received = s->frames = 0, s->base = sequence;
    } else {
        int16_t step = (int16_t)(sequence - s->highest);
        if (step > 0) {
            if (sequence < s->highest) s->cycles++;
            s->highest = sequence;
        }
        if (now - s->last_received > s->max_gap) s->max_gap = now - s->last_received;
    }
    s->last_received = now;
    s->received++;
    s->received_bytes += (uint64_t)size;
    s->frames += data[1] >> 7;
    if (s->dump) {
        uint32_t length = (uint32_t)size;
        fwrite(&now, 8, 1, s->dump);
        fwrite(&length, 4, 1, s->dump);
        fwrite(data, length, 1, s->dump);
    }
}

static struct stream *of_type(struct stream *first, int type) {
    for (struct stream *s = first; s; s = s->sibling)
        if (s->type == type) return s;
    return first;
}

static void receive(struct stream *s, int fd) {
    uint8_t data[MAX_PACKET];
    for (int left = 256; left; left--) {
        int size = (int)recv(fd, data, sizeof data, 0);
        if (size < RTP_HEADER) {
            if (size < 0) return;
            continue;
        }
        if (!is_rtp_or_rtcp(data) || is_rtcp(data)) continue;
        if (s->inbound && srtp_unprotect(s->inbound, data, &size))
            s->bad++;
        else
            count(of_type(s, data[1] & 0x7f), data, size, now_s());
    }
}

static int64_t expected(const struct stream *s) {
    return s->heard ? (int64_t)(s->cycles << 16 | s->highest) - s->base + 1 : 0;
}

static void start_counting(struct stream *s) {
    s->base = s->heard ? (s->cycles << 16 | s->highest) + 1 : 0;
    s->received = s->received_bytes = s->frames = s->bad = s->sent = s->sent_bytes = 0;
    s->max_gap = 0;
}

static void watch(struct stream *s, int fd, int is_rtcp_port) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)(uintptr_t)s | (uint64_t)is_rtcp_port};
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

static struct stream *find(int id) {
    for (int i = 0; i < stream_count; i++)
        if (streams[i]->id == id) return streams[i];
    return NULL;
}

static void dump(const char *line) {
    int id;
    char path[1024];
    if (dump_count == MAX_STREAMS || sscanf(line, "dump %d %1023s", &id, path) != 2) die(line);
    FILE *file = fopen(path, "wb");
    if (!file) die(path);
    dumps[dump_count].id = id;
    dumps[dump_count++].file = file;
    if (find(id)) find(id)->dump = file;
}

/* RFC 8843: a socket that is watched already gets a second stream. */
static struct stream *on_socket(int fd) {
    for (int i = 0; i < stream_count; i++)
        if (streams[i]->fd == fd) return streams[i];
    return NULL;
}

static void open_stream(const char *line) {
    struct stream *s = calloc(1, sizeof *s);
    char address[64], suite[64], local[192], remote[192], file[1024];
    int port, rtcp_port;
    double jitter_ms, phase_ms;
    if (sscanf(line, "stream %d %d %d %63s %d %d %d %lf %63s %191s %191s %1023s %d %lf %lf", &s->id, &s->fd, &s->rtcp_fd,
               address, &port, &rtcp_port, &s->type, &s->clock, suite, local, remote, file, &s->mark, &jitter_ms,
               &phase_ms) != 15)
        die(line);
    s->rtp.sin_family = s->rtcp.sin_family = AF_INET;
    s->rtp.sin_port = htons((uint16_t)port);
    s->rtcp.sin_port = htons((uint16_t)(rtcp_port ? rtcp_port : port));
    inet_aton(address, &s->rtp.sin_addr);
    s->rtcp.sin_addr = s->rtp.sin_addr;
    s->outbound = srtp_session(suite, local, ssrc_any_outbound);
    s->inbound = srtp_session(suite, remote, ssrc_any_inbound);
    s->ssrc = (uint32_t)rand() * 2u + 1;
    s->first_timestamp = (uint32_t)rand();
    s->sequence = (uint32_t)rand() & 0x3fff;
    s->jitter_s = jitter_ms / 1000;
    s->waiting = calloc(MAX_PENDING, sizeof *s->waiting);
    s->began = now_s();
    if (phase_ms >= 0) s->began = ((uint64_t)(s->began / 0.04) + 1) * 0.04 + phase_ms / 1000;
    s->next_report = s->began + 0.3;
    s->has_media = strcmp(file, "-") != 0;
    if (s->has_media) s->media = read_programme(file);
    if (stream_count == MAX_STREAMS) die("too many streams");
    for (int i = 0; i < dump_count; i++)
        if (dumps[i].id == s->id) s->dump = dumps[i].file;
    struct stream *first = on_socket(s->fd);
    streams[stream_count++] = s;
    if (first) {
        while (first->sibling) first = first->sibling;
        first->sibling = s;
        return;
    }
    watch(s, s->fd, 0);
    if (s->rtcp_fd != s->fd) watch(s, s->rtcp_fd, 1);
}

static void print_all(double elapsed) {
    printf("{\"seconds\": %.3f, \"late_ms\": %.2f, \"streams\": [", elapsed, worst_late * 1000);
    for (int i = 0; i < stream_count; i++) {
        struct stream *s = streams[i];
        printf("%s{\"id\": %d, \"sent\": %lu, \"received\": %lu, \"bytes\": %lu, \"frames\": %lu, \"lost\": %ld, "
               "\"bad\": %lu, \"max_gap_ms\": %.1f}",
               i ? ", " : "", s->id, s->sent, s->received, s->received_bytes, s->frames,
               (long)(expected(s) - (int64_t)s->received), s->bad, s->max_gap * 1000);
        if (s->dump) fclose(s->dump);
    }
    printf("], \"marks\": [");
    for (int i = 0; i < mark_count; i++)
        printf("%s[%d, %.6f, %.6f]", i ? ", " : "", (int)marks[i][0], marks[i][1], marks[i][2]);
    printf("]}\n");
}

/* Whether to go on. */
static int obey(char *line, double *began) {
    if (!strncmp(line, "stream", 6))
        open_stream(line);
    else if (!strncmp(line, "dump", 4))
        dump(line);
    else if (!strncmp(line, "count", 5)) {
        for (int i = 0; i < stream_count; i++) start_counting(streams[i]);
        worst_late = 0;
        *began = now_s();
    } else
        return 0;
    return 1;
}

static int read_lines(double *began) {
    static char buffer[65536];
    static size_t used;
    ssize_t size = read(0, buffer + used, sizeof buffer - 1 - used);
    if (size <= 0) return size < 0 && errno == EAGAIN;
    used += (size_t)size;
    buffer[used] = 0;
    char *line = buffer, *end;
    while ((end = strchr(line, '\n'))) {
        *end = 0;
        if (!obey(line, began)) return 0;
        line = end + 1;
    }
    used -= (size_t)(line - buffer);
    memmove(buffer, line, used);
    return 1;
}

int main(void) {
    double began = now_s();
    struct epoll_event events[256], input = {.events = EPOLLIN, .data.u64 = 0};
    srtp_init();
    srand(20240501);
    epoll_fd = epoll_create1(0);
    fcntl(0, F_SETFL, O_NONBLOCK);
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &input);
    for (;;) {
        double now = now_s(), next = now + 0.1;
        for (int i = 0; i < stream_count; i++) {
            double due = play(streams[i], now);
            if (due < next) next = due;
            if (now >= streams[i]->next_report) report(streams[i], now);
        }
        long wait_ns = (long)((next - now_s()) * 1e9);
        struct timespec timeout = {0, wait_ns > 0 ? wait_ns : 0};
        int ready = epoll_pwait2(epoll_fd, events, 256, &timeout, NULL);
        for (int i = 0; i < ready; i++) {
            struct stream *s = (struct stream *)(uintptr_t)(events[i].data.u64 & ~1ull);
            if (!s) {
                if (!read_lines(&began)) {
                    print_all(now_s() - began);
                    return 0;
                }
            } else
                receive(s, events[i].data.u64 & 1 ? s->rtcp_fd : s->fd);
        }
    }
}
