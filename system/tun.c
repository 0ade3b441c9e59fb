/*
 * TUN devices and the raw GRE socket.
 *
 * The device is made with IFF_TUN_EXCL: it is always a new one and so always goes away with its
 * descriptor; a persistent one that somebody made is not taken over.
 */
#include "system/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define TUN_PATH   "/dev/net/tun"
#define GRE_BUFFER (8 * 1024 * 1024)

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

int tun_open(char *name, char *why)
{
	struct ifreq ifr = { .ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL) };
	size_t len = strnlen(name, IFNAMSIZ);
	int fd, error;

	if (len == 0 || len >= IFNAMSIZ) {
		snprintf(why, SYSTEM_WHY, "the name of a TUN device must have 1 to %d characters",
			IFNAMSIZ - 1);
		return -1;
	}
	memcpy(ifr.ifr_name, name, len);
	fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		why_no_tun(errno, why);
		return -1;
	}
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		error = errno;
		close(fd);
		why_no_device(error, name, why);
		return -1;
	}
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	return fd;
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
