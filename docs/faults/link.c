/*
 * A cable between two network namespaces that loses and delays packets: what `tc netem` does where the kernel has it,
 * for kernels that don't.
 *
 * usage: link NAMESPACE_A NAMESPACE_B LOSS_PERCENT DELAY_MS JITTER_MS SEED
 *
 * Makes a TUN interface "cable" in either namespace and carries IP packets between the two. Each packet is lost with
 * the given probability, and otherwise delivered after DELAY_MS plus a uniformly distributed -JITTER_MS..JITTER_MS, so
 * packets overtake each other. Prints "ready" when the interfaces exist (addresses are the caller's to give), and the
 * number of carried, lost and overflown packets when it is ended with SIGTERM.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST_PACKET = 65536, MOST_WAITING = 65536 };

struct packet {
  uint64_t due;   /* nanoseconds */
  uint64_t order; /* of arrival, to keep packets of one due time in order */
  int to;         /* file descriptor */
  size_t size;
  char *bytes;
};

static struct packet waiting[MOST_WAITING]; /* a heap, the earliest first */
static size_t count;
static uint64_t arrivals, carried, lost, overflown;
static volatile sig_atomic_t ended;

static void end(int signal) {
  (void)signal;
  ended = 1;
}

static void fail(const char *what) {
  fprintf(stderr, "link: %s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static int open_cable(const char *name) {
  char path[256];
  snprintf(path, sizeof path, "/var/run/netns/%s", name);
  int space = open(path, O_RDONLY | O_CLOEXEC);
  if (space < 0) fail(path);
  if (setns(space, CLONE_NEWNET) != 0) fail("setns");
  close(space);
  int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tun < 0) fail("/dev/net/tun");
  struct ifreq request;
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strcpy(request.ifr_name, "cable");
  if (ioctl(tun, TUNSETIFF, &request) != 0) fail("TUNSETIFF");
  return tun;
}

static int earlier(const struct packet *a, const struct packet *b) {
  return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static void swap(size_t a, size_t b) {
  struct packet packet = waiting[a];
  waiting[a] = waiting[b];
  waiting[b] = packet;
}

static void put(struct packet packet) {
  size_t at = count++;
  waiting[at] = packet;
  while (at > 0 && earlier(&waiting[at], &waiting[(at - 1) / 2])) {
    swap(at, (at - 1) / 2);
    at = (at - 1) / 2;
  }
}

static struct packet take(void) {
  struct packet first = waiting[0];
  waiting[0] = waiting[--count];
  for (size_t at = 0;;) {
    size_t least = at;
    for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
      if (earlier(&waiting[child], &waiting[least])) least = child;
    if (least == at) return first;
    swap(at, least);
    at = least;
  }
}

static void receive(int from, int to, double loss, double delay, double jitter) {
  static char buffer[LARGEST_PACKET];
  ssize_t size;
  while ((size = read(from, buffer, sizeof buffer)) > 0) {
    if (drand48() < loss) {
      lost++;
      continue;
    }
    if (count == MOST_WAITING) {
      overflown++;
      continue;
    }
    struct packet packet = {.order = arrivals++, .to = to, .size = (size_t)size};
    packet.due = now() + (uint64_t)(1e6 * (delay + (2 * drand48() - 1) * jitter));
    packet.bytes = malloc(packet.size);
    if (packet.bytes == NULL) fail("malloc");
    memcpy(packet.bytes, buffer, packet.size);
    put(packet);
  }
}

int main(int argc, char **argv) {
  if (argc != 7) {
    fprintf(stderr, "usage: link NAMESPACE_A NAMESPACE_B LOSS_PERCENT DELAY_MS JITTER_MS SEED\n");
    return 2;
  }
  double loss = atof(argv[3]) / 100, delay = atof(argv[4]), jitter = atof(argv[5]);
  if (jitter > delay) {
    fprintf(stderr, "link: the jitter (%g ms) must not exceed the delay (%g ms)\n", jitter, delay);
    return 2;
  }
  srand48(atol(argv[6]));
  struct sigaction action = {.sa_handler = end};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  struct pollfd ends[2];
  for (int i = 0; i < 2; i++) ends[i] = (struct pollfd){.fd = open_cable(argv[1 + i]), .events = POLLIN};
  printf("ready\n");
  fflush(stdout);
  while (!ended) {
    struct timespec pause = {0, 100000000}, *patience = &pause;
    if (count > 0) {
      uint64_t time = now();
      uint64_t rest = waiting[0].due > time ? waiting[0].due - time : 0;
      if (rest < 100000000u) pause.tv_nsec = (long)rest;
    }
    if (ppoll(ends, 2, patience, NULL) < 0 && errno != EINTR) fail("ppoll");
    receive(ends[0].fd, ends[1].fd, loss, delay, jitter);
    receive(ends[1].fd, ends[0].fd, loss, delay, jitter);
    for (uint64_t time = now(); count > 0 && waiting[0].due <= time;) {
      struct packet packet = take();
      if (write(packet.to, packet.bytes, packet.size) == (ssize_t)packet.size) carried++;
      else overflown++;
      free(packet.bytes);
    }
  }
  printf("carried %lu, lost %lu, overflown %lu\n", carried, lost, overflown);
  return 0;
}
