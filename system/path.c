/*
 * The path to a peer: see path.h. A socket that is connected, and never used, has the route and what
 * the kernel has learnt of it.
 */
#include "system/path.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define MTU_MIN   68 /* RFC 791 */
#define MTU_MAX   65535
#define OVERHEAD  44
#define PORT_NONE 9 /* discard; any but 0 will do */

static int ask(int fd, struct in_addr peer, struct in_addr local)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(PORT_NONE), .sin_addr = peer
	};
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = local };
	int mtu = 0;
	socklen_t len = sizeof(mtu);

	if (local.s_addr && bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
		getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &len) < 0)
		return -errno;
	if (mtu < MTU_MIN)
		return MTU_MIN;
	return mtu > MTU_MAX ? MTU_MAX : mtu;
}

/* Of GRE, whose way a rule of routing or of IPsec may make another; without the right to it, UDP. */
static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_GRE);

	if (fd >= 0 || (errno != EPERM && errno != EACCES))
		return fd;
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

int path_mtu(struct in_addr peer, struct in_addr local)
{
	int fd = open_socket();
	int mtu;

	if (fd < 0)
		return -errno;
	mtu = ask(fd, peer, local);
	close(fd);
	return mtu;
}

uint16_t path_inner_mtu(int outer_mtu)
{
	if (outer_mtu <= 0 || outer_mtu > MTU_MAX)
		return MTU_MAX;
	return (uint16_t)(outer_mtu > MTU_MIN + OVERHEAD ? outer_mtu - OVERHEAD : MTU_MIN);
}
