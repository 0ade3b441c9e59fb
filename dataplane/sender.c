/*
 * Sockets that only send: see sender.h.
 *
 * A raw socket receives what is for the address that it is bound to, and sends from it. A multicast address
 * is the exception: bound to one, a socket sends as if it were not bound. Nothing is ever sent to the one
 * here (RFC 5771: "base address, reserved"), so the kernel makes no copies of packets for this socket, and
 * tells it no ICMP errors: each error is the packet's own.
 */
#include "dataplane/sender.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOBODY 0xe0000000u /* 224.0.0.0 */

static int option(int fd, int level, int name, int otherwise)
{
	int value = otherwise;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) < 0 ? otherwise : value;
}

static bool can_be_equalled(int fd)
{
	return option(fd, SOL_SOCKET, SO_DOMAIN, 0) == AF_INET &&
	       option(fd, SOL_SOCKET, SO_TYPE, 0) == SOCK_RAW &&
	       option(fd, SOL_SOCKET, SO_PROTOCOL, 0) == IPPROTO_GRE;
}

/* 0, or a negative errno. */
static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_up(int fd, int like)
{
	static const int alike[] = { IP_MTU_DISCOVER, IP_TTL, IP_TOS };
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = { 1, &nothing };
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(NOBODY) };
	int room = option(like, SOL_SOCKET, SO_SNDBUF, 0) / 2; /* it tells twice of what was set */
	int mark = option(like, SOL_SOCKET, SO_MARK, 0);
	int priority = option(like, SOL_SOCKET, SO_PRIORITY, 0);

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, room) < 0)
		(void)set(fd, SOL_SOCKET, SO_SNDBUF, room);
	if ((mark && set(fd, SOL_SOCKET, SO_MARK, mark) < 0) ||
		(priority && set(fd, SOL_SOCKET, SO_PRIORITY, priority) < 0))
		return -EPERM;
	for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++) {
		int value = option(like, IPPROTO_IP, alike[i], -1);

		if (value < 0 || set(fd, IPPROTO_IP, alike[i], value) < 0)
			return -EINVAL;
	}
	return 0;
}

void sender_open(struct sender *s, int gre_fd)
{
	*s = (struct sender){ .fd = -1, .like = gre_fd };
	if (!can_be_equalled(gre_fd))
		return;
	s->fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_GRE);
	if (s->fd < 0)
		return;
	if (set_up(s->fd, gre_fd) < 0)
		sender_close(s);
}

/* Would the kernel itself send to `to` from this address? Else each packet has to say so. */
static bool is_natural(const struct sender *s, struct in_addr from, struct in_addr to)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr = to, .sin_port = htons(1)
	};
	socklen_t len = sizeof(address);
	int mark = option(s->like, SOL_SOCKET, SO_MARK, 0);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool natural;

	if (fd < 0)
		return false;
	natural = (!mark || set(fd, SOL_SOCKET, SO_MARK, mark) == 0) &&
		  connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		  getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
		  address.sin_addr.s_addr == from.s_addr;
	close(fd);
	return natural;
}

void sender_review(struct sender *s)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = s->most_to };
	struct in_addr from = s->most_from;
	bool most = s->votes > SENDER_REVIEW / 4;
	struct sender other;

	s->votes = s->packets = 0;
	if (!most || (from.s_addr == s->from.s_addr && s->most_to.s_addr == s->to.s_addr) ||
		!is_natural(s, from, s->most_to))
		return;
	sender_open(&other, s->like);
	if (other.fd < 0)
		return;
	if (connect(other.fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		sender_close(&other);
		return;
	}
	other.from = other.most_from = from;
	other.to = other.most_to = address.sin_addr;
	sender_close(s);
	*s = other;
}

void sender_close(struct sender *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
