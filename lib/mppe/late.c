/*
 * Keys of stateless MPPE packets that were skipped: RFC 3078 section 8.1. See late.h.
 *
 * Invariants: a place whose bit is not set holds zeros; a serial number has one place.
 */
#include "lib/mppe/late.h"

#include <string.h>

static unsigned int place_of(uint32_t serial)
{
	return serial % MPPE_LATE_KEYS;
}

static uint8_t bit_of(uint32_t serial)
{
	return (uint8_t)(1u << (serial & 7));
}

static uint8_t *used_of(struct mppe_late *l, uint32_t serial)
{
	return &l->used[place_of(serial) / 8];
}

void mppe_late_done(struct mppe_late *l)
{
	explicit_bzero(l, sizeof(*l));
}

void mppe_late_keep(struct mppe_late *l, uint32_t serial, const uint8_t key[16])
{
	unsigned int place = place_of(serial);

	memcpy(l->keys[place], key, sizeof(l->keys[place]));
	l->serials[place] = serial;
	*used_of(l, serial) |= bit_of(serial);
}

const uint8_t *mppe_late_find(const struct mppe_late *l, uint32_t serial)
{
	unsigned int place = place_of(serial);
	bool used = l->used[place / 8] & bit_of(serial);

	return used && l->serials[place] == serial ? l->keys[place] : NULL;
}

void mppe_late_forget(struct mppe_late *l, uint32_t serial)
{
	unsigned int place = place_of(serial);

	if (!mppe_late_find(l, serial))
		return;
	explicit_bzero(l->keys[place], sizeof(l->keys[place]));
	l->serials[place] = 0;
	*used_of(l, serial) &= (uint8_t)~bit_of(serial);
}
