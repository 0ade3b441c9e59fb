/* Packets on the wire: see watch.h. */
#include "tools/doctor/watch.h"

#include "lib/wire.h"
#include "system/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 256 /* packets in a turn */

#define GRE_HAS_ACK 0x0080
#define GRE_PPP     0x880b

static struct gre_icmp *icmp_of(struct watch *w, uint8_t protocol)
{
	return protocol == IPPROTO_GRE ? &w->gre_icmp : &w->tcp_icmp;
}

/* The header of IPv4: false if it is none. `r` then stands behind it. */
static bool ip_header(
	struct wire_reader *r, uint8_t *protocol, struct in_addr *from, struct in_addr *to)
{
	uint8_t version = wire_u8(r);
	size_t size = (version & 0xfu) * 4u;
	uint16_t fragment;

	wire_skip(r, 5);
	fragment = wire_u16(r);
	wire_skip(r, 1);
	*protocol = wire_u8(r);
	wire_skip(r, 2);
	wire_copy(r, from, 4);
	wire_copy(r, to, 4);
	if (r->failed || version >> 4 != 4 || size < 20 || fragment & 0x1fff)
		return false;
	wire_skip(r, size - 20);
	return !r->failed;
}

static bool is_ours(const struct watch *w, uint16_t call_id)
{
	for (unsigned int i = 0; i < w->call_count; i++) {
		if (w->calls[i] == call_id)
			return true;
	}
	return false;
}

static void gre_in(struct watch *w, struct wire_reader *r, unsigned int ifindex)
{
	uint16_t flags = wire_u16(r), type = wire_u16(r), call_id;

	wire_skip(r, 2);
	call_id = wire_u16(r);
	if (r->failed || type != GRE_PPP || !w->call_count)
		return;
	if (call_id == w->calls[w->call_count - 1]) {
		w->arrived++;
		w->in_ifindex = ifindex;
		w->acked = w->acked || flags & GRE_HAS_ACK;
	} else if (!is_ours(w, call_id)) {
		w->strangers++;
		w->strange_id = call_id;
	}
}

/* An error: about which packet of ours? */
static void icmp_in(struct watch *w, struct wire_reader *r, struct in_addr router)
{
	struct in_addr from, to;
	uint8_t type = wire_u8(r), code = wire_u8(r), protocol;
	uint16_t mtu;
	struct gre_icmp *icmp;

	wire_skip(r, 4);
	mtu = wire_u16(r);
	if ((type != 3 && type != 11) || !ip_header(r, &protocol, &from, &to) ||
		to.s_addr != w->server.s_addr ||
		(protocol != IPPROTO_GRE && protocol != IPPROTO_TCP))
		return;
	icmp = icmp_of(w, protocol);
	*icmp = (struct gre_icmp){
		.seen = true, .from = router, .type = type, .code = code, .mtu = mtu
	};
}

void watch_packet(
	struct watch *w, const uint8_t *data, size_t len, bool outgoing, unsigned int ifindex)
{
	struct wire_reader r = wire_reader(data, len);
	struct in_addr from, to;
	uint8_t protocol;

	if (!ip_header(&r, &protocol, &from, &to))
		return;
	if (protocol == IPPROTO_ICMP && !outgoing)
		icmp_in(w, &r, from);
	else if (protocol != IPPROTO_GRE)
		return;
	else if (outgoing && to.s_addr == w->server.s_addr)
		w->left++;
	else if (!outgoing && from.s_addr == w->server.s_addr)
		gre_in(w, &r, ifindex);
}

void watch_drain(struct watch *w)
{
	uint8_t data[256]; /* headers only */

	for (unsigned int i = 0; w->fd >= 0 && i < BATCH; i++) {
		struct sockaddr_ll where;
		socklen_t size = sizeof(where);
		ssize_t n = recvfrom(
			w->fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&where, &size);

		if (n < 0)
			return;
		watch_packet(w, data, (size_t)n, where.sll_pkttype == PACKET_OUTGOING,
			(unsigned int)where.sll_ifindex);
	}
}

static void on_packets(uv_poll_t *poll, int status, int events)
{
	(void)events;
	if (status == 0)
		watch_drain(poll->data);
}

/* GRE, and ICMP's errors: everything else stays in the kernel. */
static int set_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_GRE, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 256),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int watch_init(struct watch *w, uv_loop_t *loop, char *why)
{
	memset(w, 0, sizeof(*w));
	w->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->fd >= 0) {
		struct sockaddr_ll all = { .sll_family = AF_PACKET,
			.sll_protocol = htons(ETH_P_ALL) };

		/* The filter first: nothing else must get in. */
		if (set_filter(w->fd) == 0 &&
			bind(w->fd, (const struct sockaddr *)&all, sizeof(all)) == 0 &&
			uv_poll_init(loop, &w->poll, w->fd) == 0) {
			w->poll.data = w;
			uv_poll_start(&w->poll, UV_READABLE, on_packets);
			uv_unref((uv_handle_t *)&w->poll);
			return 0;
		}
		close(w->fd);
		w->fd = -1;
	}
	snprintf(why, SYSTEM_WHY, "cannot watch the interfaces (packet socket): %s",
		strerror(errno));
	return -1;
}

static void forget_call(struct watch *w)
{
	w->left = w->arrived = w->strangers = 0;
	w->acked = false;
	w->in_ifindex = 0;
	w->gre_icmp = (struct gre_icmp){ 0 };
}

void watch_server(struct watch *w, struct in_addr server)
{
	watch_drain(w);
	w->server = server;
	w->call_count = 0;
	w->tcp_icmp = (struct gre_icmp){ 0 };
	forget_call(w);
}

void watch_call(struct watch *w, uint16_t call_id)
{
	watch_drain(w);
	if (w->call_count == WATCH_CALLS)
		memmove(w->calls, w->calls + 1, sizeof(w->calls) - sizeof(w->calls[0]));
	else
		w->call_count++;
	w->calls[w->call_count - 1] = call_id;
	forget_call(w);
}

void watch_done(struct watch *w)
{
	if (w->fd < 0)
		return;
	uv_poll_stop(&w->poll);
	uv_close((uv_handle_t *)&w->poll, NULL);
	close(w->fd);
	w->fd = -1;
}
