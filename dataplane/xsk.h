/*
 * An AF_XDP socket: one queue of one device, with frames of its own (UMEM) that are copied into and
 * out of. Who redirects packets to it is another's business (system/xdp.h).
 *
 * Of the worker's thread, once it is open. Nothing here blocks, nothing is allocated after
 * xsk_open(). What the kernel has taken of frames is never more than there are: each is either free,
 * in the kernel's hands, or looked at between xsk_waiting() and xsk_release().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XSK_FRAME      2048u
#define XSK_HEADROOM   256u /* that the kernel keeps in front of what it receives */
#define XSK_RX_FRAMES  4096u
#define XSK_TX_FRAMES  512u
#define XSK_FRAME_MOST (XSK_FRAME - XSK_HEADROOM) /* octets of a frame that can be received */

struct xsk;

/* NULL with errno: EAFNOSUPPORT, EINVAL (the kernel lacks it), EBUSY (the queue has a socket), EPERM,
 * ENOBUFS (RLIMIT_MEMLOCK) ... */
struct xsk *xsk_open(unsigned int ifindex, unsigned int queue);
void xsk_close(struct xsk *x); /* NULL is fine */
int xsk_fd(const struct xsk *x);
/* Does the driver use our frames itself? */
bool xsk_is_zero_copy(const struct xsk *x);

/* How many frames have come. */
unsigned int xsk_waiting(struct xsk *x);
/* Frame i of them; valid until xsk_release(). */
const uint8_t *xsk_frame(const struct xsk *x, unsigned int i, size_t *len);
/* The first n are done with. */
void xsk_release(struct xsk *x, unsigned int n);

/* Room for a frame of `len` octets (up to XSK_FRAME); it goes with the next xsk_send(). NULL: none
 * is free now. */
uint8_t *xsk_put(struct xsk *x, size_t len);
/* Hands over what was put. 0; -EAGAIN: the device does not take it all now, it has to be called
 * again; another negative errno: the device does not work (ENETDOWN, ENXIO). */
int xsk_send(struct xsk *x);
