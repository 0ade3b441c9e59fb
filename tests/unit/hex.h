/* Octets in tests, as hexadecimal digits of either case. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Spaces between octets do not count, and the first character of another kind ends it. How many octets there were. */
static inline size_t unhex(uint8_t *out, size_t size, const char *hex)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	size_t n = 0;

	for (;; hex += 2) {
		const char *high, *low;

		hex += strspn(hex, " ");
		high = *hex ? strchr(digits, hex[0]) : NULL;
		low = high && hex[1] ? strchr(digits, hex[1]) : NULL;
		if (!low)
			return n;
		assert_true(n < size);
		out[n++] = (uint8_t)((high - digits) << 4 | ((low - digits) & 15));
	}
}
