/*
 * TUN devices and the raw GRE socket.
 *
 * The device is made with IFF_TUN_EXCL: it is always a new one and so always goes away with its
 * descriptor; a persistent one that somebody made is not taken over. What the kernel offers of
 * offloads is asked for from all down to nothing, since it refuses as a whole what it does not
 * know.
 */
#include "system/tun.h"

#include "system/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_PATH        "/dev/net/tun"
#define TUN_HEADER_SIZE 10 /* struct virtio_net_hdr */
#define GRE_BUFFER      (8 * 1024 * 1024)

/* Younger than the headers that it may be built with. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static void why_no_tun(int error, char *why)
{
	const char *text = strerror(error);

	if (error == ENOENT)
		text = "it does not exist (load the tun module: modprobe tun)";
	else if (error == ENODEV || error == ENXIO)
		text = "the kernel has no TUN driver (load the tun module: modprobe tun)";
	else if (error == EACCES || error == EPERM)
		text = "no permission (run as root, or let this user read and write it)";
	snprintf(why, SYSTEM_WHY, "cannot open " TUN_PATH ": %s", text);
}

static void why_no_device(int error, const char *name, char *why)
{
	bool exists = if_nametoindex(name) != 0;

	if (error == EPERM || error == EACCES)
		snprintf(why, SYSTEM_WHY,
			"no permission to make a TUN device: run as root or with CAP_NET_ADMIN");
	else if (exists || error == EBUSY)
		snprintf(why, SYSTEM_WHY,
			"a device named %s exists already: choose another name or remove that "
			"device",
			name);
	else if (error == EINVAL)
		snprintf(why, SYSTEM_WHY,
			"the kernel refuses \"%s\" as the name of a TUN device: up to %d letters, "
			"digits, "
			"'-', '_' or '.'; one %%d stands for a free number",
			name, IFNAMSIZ - 1);
	else
		snprintf(why, SYSTEM_WHY, "cannot make the TUN device %s: %s", name,
			strerror(error));
}

/* 0, or a negative errno. */
static int make(int fd, struct ifreq *ifr, const char *name, int flags)
{
	memset(ifr, 0, sizeof(*ifr));
	memcpy(ifr->ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	ifr->ifr_flags = (short)(IFF_TUN | IFF_NO_PI | flags);
	return ioctl(fd, TUNSETIFF, ifr) < 0 ? -errno : 0;
}

/* From all that we can to nothing: the first that the kernel takes. Each lacks one thing more. */
static const struct offload_step {
	unsigned int flags;
	struct tun_offload got;
	const char *missing;
} offload_steps[] = {
#define OFFLOAD_TCP (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)
	{ OFFLOAD_TCP | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6,
		{ .header = true, .tcp4 = true, .tcp6 = true, .ecn = true, .udp = true }, NULL },
	{ OFFLOAD_TCP | TUN_F_TSO_ECN, { .header = true, .tcp4 = true, .tcp6 = true, .ecn = true },
		"segmentation of UDP (since Linux 6.2)" },
	{ OFFLOAD_TCP, { .header = true, .tcp4 = true, .tcp6 = true },
		"segmentation of UDP, and of TCP with ECN" },
	{ TUN_F_CSUM | TUN_F_TSO4, { .header = true, .tcp4 = true },
		"segmentation of UDP, of TCP with ECN and of TCP over IPv6" },
	{ TUN_F_CSUM, { .header = true }, "segmentation of TCP and UDP" },
	{ 0, { .header = true }, "segmentation of TCP and UDP, and checksums" },
#undef OFFLOAD_TCP
};

/* For a device with a header in front of its packets. */
static void set_offload(int fd, const char *name, struct tun_offload *offload)
{
	const struct offload_step *step = offload_steps;
	const struct offload_step *last = step + sizeof(offload_steps) / sizeof(*step) - 1;
	int size = TUN_HEADER_SIZE;

	/* What it is as a rule: who cannot set it has no other. */
	(void)ioctl(fd, TUNSETVNETHDRSZ, &size);
	while (step < last && ioctl(fd, TUNSETOFFLOAD, (unsigned long)step->flags) < 0)
		step++;
	*offload = step->got;
	if (step->missing)
		log_info("device %s: for TUN devices this kernel has no %s; such packets go one by "
			 "one",
			name, step->missing);
}

static int open_tun(char *why)
{
	int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		why_no_tun(errno, why);
	return fd;
}

/* As tun_open(), `name` being of a right length. */
static int open_device(char *name, int flags, struct tun_offload *offload, char *why)
{
	struct ifreq ifr;
	int fd = open_tun(why), r;

	if (fd < 0)
		return -1;
	r = make(fd, &ifr, name, flags | (offload ? IFF_VNET_HDR : 0));
	if (r == -EINVAL && offload) { /* or it is the name: that is wrong without offloads, too */
		r = make(fd, &ifr, name, flags);
		if (r == 0)
			log_info("device %s: this kernel has no offloads for TUN devices; packets "
				 "go "
				 "one by one",
				ifr.ifr_name);
	} else if (r == 0 && offload) {
		set_offload(fd, ifr.ifr_name, offload);
	}
	if (r < 0) {
		close(fd);
		why_no_device(-r, name, why);
		return -1;
	}
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	return fd;
}

int tun_open(char *name, bool queues, struct tun_offload *offload, char *why)
{
	size_t len = strnlen(name, IFNAMSIZ);

	if (offload)
		memset(offload, 0, sizeof(*offload));
	if (len == 0 || len >= IFNAMSIZ) {
		snprintf(why, SYSTEM_WHY, "the name of a TUN device must have 1 to %d characters",
			IFNAMSIZ - 1);
		return -1;
	}
	return open_device(name, IFF_TUN_EXCL | (queues ? IFF_MULTI_QUEUE : 0), offload, why);
}

bool tun_lives(int fd)
{
	struct ifreq ifr = { 0 };

	return ioctl(fd, TUNGETIFF, &ifr) == 0;
}

int tun_replace(int fd, int fresh, char *why)
{
	int r = dup3(fresh, fd, O_CLOEXEC);

	if (r < 0)
		snprintf(why, SYSTEM_WHY, "cannot put a new TUN device in the old one's place: %s",
			strerror(errno));
	close(fresh);
	return r < 0 ? -1 : 0;
}

int tun_open_queue(const char *name, const struct tun_offload *offload, char *why)
{
	struct ifreq ifr;
	int fd, r;

	if (!if_nametoindex(name)) { /* or there would be a new one now */
		snprintf(why, SYSTEM_WHY, "there is no device %s to open a queue of", name);
		return -1;
	}
	fd = open_tun(why);
	if (fd < 0)
		return -1;
	r = make(fd, &ifr, name, IFF_MULTI_QUEUE | (offload->header ? IFF_VNET_HDR : 0));
	if (r == 0)
		return fd;
	close(fd);
	snprintf(why, SYSTEM_WHY, "no further queue of the TUN device %s: %s", name, strerror(-r));
	return -1;
}

static void enlarge(int fd, int force, int option)
{
	int size = GRE_BUFFER;

	/* Beyond the system's limit only with CAP_NET_ADMIN; without, as much as there is. */
	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size));
}

static int gre_socket_connect(int fd, const struct in_addr *peer, char *why)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = *peer };
	char text[INET_ADDRSTRLEN];

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return 0;
	inet_ntop(AF_INET, peer, text, sizeof(text));
	if (errno == ENETUNREACH || errno == EHOSTUNREACH)
		snprintf(why, SYSTEM_WHY, "no GRE socket to %s: there is no route to it", text);
	else
		snprintf(why, SYSTEM_WHY, "no GRE socket to %s: %s", text, strerror(errno));
	return -1;
}

int gre_socket_open(const struct in_addr *peer, bool fragment, char *why)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_GRE);
	int discover = fragment ? IP_PMTUDISC_DONT : IP_PMTUDISC_DO;

	if (fd < 0) {
		if (errno == EPERM || errno == EACCES)
			snprintf(why, SYSTEM_WHY,
				"no permission for a raw GRE socket: run as root or with "
				"CAP_NET_RAW");
		else
			snprintf(why, SYSTEM_WHY,
				"cannot make a raw socket for GRE (IP protocol 47): %s",
				strerror(errno));
		return -1;
	}
	enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(discover)) < 0) {
		snprintf(why, SYSTEM_WHY, "cannot set path MTU discovery on the GRE socket: %s",
			strerror(errno));
		close(fd);
		return -1;
	}
	if (peer && gre_socket_connect(fd, peer, why) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int packet_socket_open(unsigned int ifindex, char *why)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = (int)ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
		enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF);
		return fd;
	}
	if (errno == EPERM || errno == EACCES)
		snprintf(why, SYSTEM_WHY,
			"no permission for a packet socket: run as root or with CAP_NET_RAW");
	else
		snprintf(why, SYSTEM_WHY, "cannot make a packet socket: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}
