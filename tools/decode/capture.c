/* Reading of captures: see capture.h. Link types as the list of libpcap defines them. */
#include "tools/decode/capture.h"

#include "lib/ppp/frame.h"
#include "lib/wire.h"
#include "tools/decode/decode.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ETHERTYPE_IPV4  0x0800
#define ETHERTYPE_IPV6  0x86dd
#define ETHERTYPE_VLAN  0x8100
#define ETHERTYPE_QINQ  0x88a8
#define ETHERTYPE_QINQ2 0x9100
#define ETHERTYPE_PPPOE 0x8864
#define VLAN_TAGS_MAX   4
#define SLL_OUTGOING    4

#define WLAN_TO_DS     0x01
#define WLAN_FROM_DS   0x02
#define WLAN_PROTECTED 0x40
#define WLAN_ORDER     0x80
#define WLAN_AMSDU     0x80 /* in the QoS control field */

struct decode_capture {
	pcap_t *pcap;
	int link; /* DLT_... */
	uint64_t frames;
};

static const int links[] = { DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW, DLT_IPV4, DLT_IPV6,
	DLT_NULL, DLT_LOOP, DLT_PPP, DLT_PPP_SERIAL, DLT_PPP_PPPD, DLT_PPP_WITH_DIR, DLT_PPP_ETHER,
	DLT_IEEE802_11, DLT_IEEE802_11_RADIO };

/* Checks the link type and owns `pcap` either way. */
static struct decode_capture *capture_new(pcap_t *pcap, char *why)
{
	struct decode_capture *c;
	int link = pcap_datalink(pcap);
	const char *name = pcap_datalink_val_to_description(link);
	size_t i = 0;

	while (i < sizeof(links) / sizeof(links[0]) && links[i] != link)
		i++;
	if (i == sizeof(links) / sizeof(links[0])) {
		snprintf(why, DECODE_WHY,
			"link type %d (%s) is not supported; Ethernet, Linux cooked, raw IP, PPP "
			"and 802.11 are",
			link, name ? name : "unknown");
		pcap_close(pcap);
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		snprintf(why, DECODE_WHY, "out of memory");
		pcap_close(pcap);
		return NULL;
	}
	c->pcap = pcap;
	c->link = link;
	return c;
}

struct decode_capture *decode_capture_file(FILE *in, char *why)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_fopen_offline(in, error);

	if (!pcap) {
		snprintf(why, DECODE_WHY, "not a capture that libpcap can read: %s", error);
		fclose(in);
		return NULL;
	}
	return capture_new(pcap, why);
}

static pcap_t *live_open(const char *interface, char *why)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap = pcap_create(interface, error);
	int rc;

	if (!pcap) {
		snprintf(why, DECODE_WHY, "%s: %s", interface, error);
		return NULL;
	}
	pcap_set_snaplen(pcap, 262144);
	pcap_set_timeout(pcap, 200);
	rc = pcap_activate(pcap);
	if (rc < 0) {
		snprintf(why, DECODE_WHY, "%s: %s%s%s", interface, pcap_statustostr(rc),
			rc == PCAP_ERROR_PERM_DENIED ? " (capturing needs CAP_NET_RAW)" : "",
			rc == PCAP_ERROR ? pcap_geterr(pcap) : "");
		pcap_close(pcap);
		return NULL;
	}
	return pcap;
}

struct decode_capture *decode_capture_live(const char *interface, char *why)
{
	static const char *const filter = "tcp port 1723 or ip proto 47 or icmp or "
					  "(vlan and (tcp port 1723 or ip proto 47 or icmp))";
	struct decode_capture *c;
	struct bpf_program program;
	pcap_t *pcap = live_open(interface, why);

	if (!pcap)
		return NULL;
	c = capture_new(pcap, why);
	if (!c)
		return NULL;
	/* Without the filter (some link types refuse "vlan") all still works, only slower. */
	if (pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0) {
		pcap_setfilter(pcap, &program);
		pcap_freecode(&program);
	}
	return c;
}

void decode_capture_close(struct decode_capture *c)
{
	if (!c)
		return;
	pcap_close(c->pcap);
	free(c);
}

bool decode_capture_is_from(const struct decode_capture *c, int fd)
{
	FILE *in = pcap_file(c->pcap); /* NULL: live */
	struct stat from, to;

	return in && fstat(fileno(in), &from) == 0 && fstat(fd, &to) == 0 && S_ISREG(to.st_mode) &&
	       from.st_dev == to.st_dev && from.st_ino == to.st_ino;
}

int decode_capture_output(
	const struct decode_capture *c, const char *path, unsigned int mode, char *why)
{
	/* Not O_TRUNC: whose content that would be is known when it is open. */
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	struct stat st;

	if (fd >= 0 && decode_capture_is_from(c, fd)) {
		snprintf(why, DECODE_WHY,
			"%s is the capture that is read: it would be lost, write to another file",
			path);
		close(fd);
		return -1;
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || ftruncate(fd, 0) == 0))
		return fd;
	snprintf(why, DECODE_WHY, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A PPP frame, noted; true if the reader then stands at an IP header. */
static bool skip_ppp(struct decode_link *link, struct wire_reader *r)
{
	uint16_t protocol;

	if (!r->failed) {
		link->frame = r->pos;
		link->len = wire_left(r);
	}
	return ppp_header_read(r, &protocol) && (protocol == PPP_IP || protocol == PPP_IPV6);
}

/* PPP, or Cisco's HDLC. */
static bool skip_serial(struct decode_link *link, struct wire_reader *r)
{
	struct wire_reader peek = *r;
	uint16_t first = wire_u16(&peek), type = wire_u16(&peek);

	if (first != 0x0f00 && first != 0x8f00)
		return skip_ppp(link, r);
	*r = peek;
	return !r->failed && (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6);
}

/* RFC 2516 section 4. Ethernet pads what is short, so the length counts. Without one it is
 * looked through for IP only. */
static bool skip_pppoe(struct decode_link *link, struct wire_reader *r)
{
	struct decode_link nobody = { 0 };
	uint16_t code, length;

	wire_skip(r, 1);
	code = wire_u8(r);
	link->session = wire_u16(r);
	length = wire_u16(r);
	if (r->failed || code)
		return false;
	if (!length)
		return skip_ppp(&nobody, r);
	if (length < wire_left(r))
		*r = wire_sub(r, length);
	link->pppoe = true;
	link->full = length;
	return skip_ppp(link, r);
}

/* What follows an Ethernet type; true if the reader then stands at an IP header. */
static bool skip_to_ip(struct decode_link *link, struct wire_reader *r, uint16_t type)
{
	unsigned int tags = 0;

	while ((type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ2) &&
		tags++ < VLAN_TAGS_MAX) {
		wire_skip(r, 2);
		type = wire_u16(r);
	}
	if (type == ETHERTYPE_PPPOE) /* RFC 2516 section 4: the outer path may be a DSL line */
		return skip_pppoe(link, r);
	return !r->failed && (type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6);
}

/* LLC (IEEE 802.2) with SNAP, as what is not Ethernet carries Ethernet types. */
static bool skip_llc(struct decode_link *link, struct wire_reader *r)
{
	uint32_t llc = wire_u32(r);

	wire_skip(r, 2);
	return (llc & 0xffffff00) == 0xaaaa0300 && skip_to_ip(link, r, wire_u16(r));
}

/* Does LLC begin here? */
static bool is_llc(struct wire_reader r)
{
	return wire_u16(&r) == 0xaaaa && wire_u8(&r) == 3;
}

/* IEEE 802.11: data frames that are not encrypted. */
static bool skip_wlan(struct decode_link *link, struct wire_reader *r)
{
	uint8_t kind = wire_u8(r), flags = wire_u8(r);
	bool qos = kind & 0x80;
	uint8_t control = 0;

	/* Type 2 is data; 0x40: none in there. */
	if ((kind & 0x0f) != 0x08 || kind & 0x40 || flags & WLAN_PROTECTED)
		return false;
	wire_skip(r, 22);
	if ((flags & (WLAN_TO_DS | WLAN_FROM_DS)) == (WLAN_TO_DS | WLAN_FROM_DS))
		wire_skip(r, 6); /* a fourth address */
	if (qos) {
		control = wire_u8(r);
		wire_skip(r, flags & WLAN_ORDER ? 5 : 1); /* "HT control" */
	}
	/* Some drivers leave the header padded to four octets. */
	if (qos && !is_llc(*r) && !(control & WLAN_AMSDU))
		wire_skip(r, 2);
	if (control & WLAN_AMSDU) /* several packets: the first one */
		wire_skip(r, 14);
	return skip_llc(link, r);
}

/* Radiotap: its length is of the little-endian kind. */
static bool skip_radiotap(struct decode_link *link, struct wire_reader *r)
{
	uint8_t low;
	size_t len;

	wire_skip(r, 2);
	low = wire_u8(r);
	len = (size_t)wire_u8(r) << 8 | low;
	wire_skip(r, len < 4 ? SIZE_MAX : len - 4);
	return skip_wlan(link, r);
}

static void direction(struct decode_link *link, bool sent)
{
	link->has_direction = true;
	link->sent = sent;
}

static bool link_read(int type, struct decode_link *link, struct wire_reader *r)
{
	uint16_t what;

	switch (type) {
	case DLT_EN10MB:
		wire_copy(r, link->dst, sizeof(link->dst));
		wire_copy(r, link->src, sizeof(link->src));
		link->has_ends = true;
		return skip_to_ip(link, r, wire_u16(r));
	case DLT_LINUX_SLL:
		direction(link, wire_u16(r) == SLL_OUTGOING);
		wire_skip(r, 12);
		return skip_to_ip(link, r, wire_u16(r));
	case DLT_LINUX_SLL2:
		what = wire_u16(r);
		wire_skip(r, 8);
		direction(link, wire_u8(r) == SLL_OUTGOING);
		wire_skip(r, 9);
		return skip_to_ip(link, r, what);
	case DLT_NULL: /* the family's value differs by system: the IP version will do */
	case DLT_LOOP:
		wire_skip(r, 4);
		return !r->failed;
	case DLT_PPP:
	case DLT_PPP_SERIAL:
		return skip_serial(link, r);
	case DLT_PPP_PPPD: /* the direction is where the address was */
		direction(link, wire_u8(r));
		wire_skip(r, 1);
		return skip_ppp(link, r);
	case DLT_PPP_WITH_DIR: /* and here it is in front of it */
		direction(link, wire_u8(r));
		return skip_ppp(link, r);
	case DLT_PPP_ETHER:
		return skip_pppoe(link, r);
	case DLT_IEEE802_11:
		return skip_wlan(link, r);
	case DLT_IEEE802_11_RADIO:
		return skip_radiotap(link, r);
	default:
		return true;
	}
}

/* Files can say anything: what is before 1970, or beyond some 30,000 years, is not a time. */
static uint64_t time_of(const struct timeval *ts)
{
	uint64_t us = ts->tv_usec >= 0 && ts->tv_usec < 1000000 ? (uint64_t)ts->tv_usec : 0;

	if (ts->tv_sec < 0 || (int64_t)ts->tv_sec > INT64_C(1) << 40)
		return 0;
	return (uint64_t)ts->tv_sec * 1000000 + us;
}

int decode_capture_next(struct decode_capture *c, struct decode_packet *p, char *why)
{
	struct pcap_pkthdr *header;
	struct wire_reader r;
	const uint8_t *data;
	size_t missing;
	bool at_ip;
	int rc;

	do {
		rc = pcap_next_ex(c->pcap, &header, &data);
	} while (rc == 0); /* a live capture's time-out */
	if (rc == PCAP_ERROR_BREAK)
		return 0;
	if (rc < 0) {
		snprintf(why, DECODE_WHY, "reading the capture failed after %llu packets: %s",
			(unsigned long long)c->frames, pcap_geterr(c->pcap));
		return -1;
	}
	memset(p, 0, sizeof(*p));
	p->time = time_of(&header->ts);
	p->frame = ++c->frames;
	r = wire_reader(data, header->caplen);
	at_ip = link_read(c->link, &p->link, &r);
	missing = header->len > header->caplen ? header->len - header->caplen : 0;
	/* PPPoE says so itself; what is not even on the wire is not there. */
	if (!p->link.pppoe || p->link.full > p->link.len + missing)
		p->link.full = p->link.len + missing;
	if (at_ip && wire_left(&r)) {
		p->len = wire_left(&r);
		p->ip = r.pos;
	}
	return 1;
}

void decode_capture_stop(struct decode_capture *c)
{
	pcap_breakloop(c->pcap);
}
