/*
 * MS-CHAPv2 (RFC 2759 section 8) and what it shares with MS-CHAPv1 (RFC 2433 appendix A), and the
 * text of its Failure message (RFC 2759 section 6). Computations only: no state, no I/O.
 *
 * Invariant: whatever was derived from a password is wiped from the stack before a function
 * returns.
 */
#include "lib/ppp/mschap.h"

#include "lib/wire.h"

#include <errno.h>
#include <nettle/des.h>
#include <nettle/md4.h>
#include <nettle/sha1.h>
#include <string.h>

/* One strict UTF-8 sequence (Unicode 15, table 3-7): its code point; -EINVAL if it is not one. */
static int32_t utf8_next(struct wire_reader *r)
{
	uint8_t lead = wire_u8(r);
	unsigned int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
	static const int32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	int32_t c;

	if (lead < 0x80)
		return lead;
	if (lead < 0xc2 || lead > 0xf4)
		return -EINVAL;
	c = lead & (0x3f >> more);
	for (unsigned int i = 0; i < more; i++) {
		uint8_t next = wire_u8(r);

		if ((next & 0xc0) != 0x80)
			return -EINVAL;
		c = c << 6 | (next & 0x3f);
	}
	if (r->failed || c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -EINVAL;
	return c;
}

static void put_u16_le(struct wire_writer *w, uint32_t v)
{
	wire_put_u8(w, (uint8_t)v);
	wire_put_u8(w, (uint8_t)(v >> 8));
}

static int utf8_to_utf16(struct wire_writer *w, const char *text)
{
	struct wire_reader r = wire_reader(text, strlen(text));

	while (wire_left(&r)) {
		int32_t c = utf8_next(&r);

		if (c < 0)
			return -EINVAL;
		if (c < 0x10000) {
			put_u16_le(w, (uint32_t)c);
		} else {
			put_u16_le(w, 0xd800u + ((uint32_t)(c - 0x10000) >> 10));
			put_u16_le(w, 0xdc00u + ((uint32_t)c & 0x3ff));
		}
	}
	return w->failed ? -EINVAL : 0;
}

static void md4(const uint8_t *data, size_t len, uint8_t hash[16])
{
	struct md4_ctx ctx;

	md4_init(&ctx);
	md4_update(&ctx, len, data);
	md4_digest(&ctx, MD4_DIGEST_SIZE, hash);
	explicit_bzero(&ctx, sizeof(ctx));
}

int mschap_utf16(const char *password, uint8_t text[2 * MSCHAP_PASSWORD_MAX], size_t *len)
{
	struct wire_writer w = wire_writer(text, 2 * (size_t)MSCHAP_PASSWORD_MAX);
	int err = utf8_to_utf16(&w, password);

	*len = wire_written(&w);
	return err;
}

void mschap_hash_utf16(const uint8_t *text, size_t len, uint8_t hash[16])
{
	md4(text, len, hash);
}

int mschap_nt_hash(const char *password, uint8_t hash[16])
{
	uint8_t utf16[2 * MSCHAP_PASSWORD_MAX];
	size_t len;
	int err = mschap_utf16(password, utf16, &len);

	if (err)
		memset(hash, 0, 16);
	else
		md4(utf16, len, hash);
	explicit_bzero(utf16, sizeof(utf16));
	return err;
}

void mschap_hash_hash(const uint8_t nt_hash[16], uint8_t hash_hash[16])
{
	md4(nt_hash, 16, hash_hash);
}

const char *mschap_strip_domain(const char *user)
{
	const char *slash = strrchr(user, '\\');

	return slash ? slash + 1 : user;
}

void mschap2_challenge_hash(const uint8_t peer_challenge[16], const uint8_t auth_challenge[16],
	const char *user, uint8_t challenge[8])
{
	const char *name = mschap_strip_domain(user);
	struct sha1_ctx ctx;

	sha1_init(&ctx);
	sha1_update(&ctx, 16, peer_challenge);
	sha1_update(&ctx, 16, auth_challenge);
	sha1_update(&ctx, strlen(name), (const uint8_t *)name);
	sha1_digest(&ctx, 8, challenge);
}

/* 56 key bits spread over the upper seven bits of eight octets. */
void mschap_des(const uint8_t clear[8], const uint8_t key56[7], uint8_t cypher[8])
{
	uint8_t key[DES_KEY_SIZE];
	struct des_ctx ctx;
	unsigned int bits = 0;

	for (unsigned int i = 0; i < 7; i++) {
		bits = bits << 8 | key56[i];
		key[i] = (uint8_t)(bits >> (i + 1) << 1);
	}
	key[7] = (uint8_t)(bits << 1);
	/* It tells weak keys by its value; the third key is weak for many passwords, and is to be
	 * used. */
	(void)des_set_key(&ctx, key);
	des_encrypt(&ctx, DES_BLOCK_SIZE, cypher, clear);
	explicit_bzero(&ctx, sizeof(ctx));
	explicit_bzero(key, sizeof(key));
	explicit_bzero(&bits, sizeof(bits));
}

int mschap_lm_hash(const char *password, uint8_t hash[8])
{
	static const uint8_t text[8] = { 'K', 'G', 'S', '!', '@', '#', '$', '%' };
	uint8_t upper[7] = { 0 };
	size_t len = strlen(password);
	bool good = len <= 14;

	memset(hash, 0, 8);
	for (size_t i = 0; good && i < len; i++) {
		uint8_t c = (uint8_t)password[i];

		good = c < 0x80;
		if (i < sizeof(upper))
			upper[i] = c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
	}
	if (good)
		mschap_des(text, upper, hash);
	explicit_bzero(upper, sizeof(upper));
	return good ? 0 : -EINVAL;
}

void mschap_response(const uint8_t challenge[8], const uint8_t nt_hash[16], uint8_t response[24])
{
	uint8_t padded[21] = { 0 };

	memcpy(padded, nt_hash, 16);
	for (unsigned int i = 0; i < 3; i++)
		mschap_des(challenge, padded + 7 * i, response + 8 * i);
	explicit_bzero(padded, sizeof(padded));
}

void mschap2_nt_response(const uint8_t auth_challenge[16], const uint8_t peer_challenge[16],
	const char *user, const uint8_t nt_hash[16], uint8_t response[24])
{
	uint8_t challenge[8];

	mschap2_challenge_hash(peer_challenge, auth_challenge, user, challenge);
	mschap_response(challenge, nt_hash, response);
}

void mschap2_auth_response(const uint8_t nt_hash[16], const uint8_t nt_response[24],
	const uint8_t peer_challenge[16], const uint8_t auth_challenge[16], const char *user,
	char out[43])
{
	static const uint8_t magic1[] = "Magic server to client signing constant";
	static const uint8_t magic2[] = "Pad to make it do more than one iteration";
	static const char digits[] = "0123456789ABCDEF";
	uint8_t hash_hash[16], challenge[8], digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx ctx;

	mschap_hash_hash(nt_hash, hash_hash);
	sha1_init(&ctx);
	sha1_update(&ctx, sizeof(hash_hash), hash_hash);
	sha1_update(&ctx, 24, nt_response);
	sha1_update(&ctx, sizeof(magic1) - 1, magic1);
	sha1_digest(&ctx, sizeof(digest), digest);
	mschap2_challenge_hash(peer_challenge, auth_challenge, user, challenge);
	sha1_update(&ctx, sizeof(digest), digest);
	sha1_update(&ctx, sizeof(challenge), challenge);
	sha1_update(&ctx, sizeof(magic2) - 1, magic2);
	sha1_digest(&ctx, sizeof(digest), digest);
	memcpy(out, "S=", 2);
	for (size_t i = 0; i < sizeof(digest); i++) {
		out[2 + 2 * i] = digits[digest[i] >> 4];
		out[3 + 2 * i] = digits[digest[i] & 15];
	}
	out[42] = '\0';
	explicit_bzero(hash_hash, sizeof(hash_hash));
	explicit_bzero(digest, sizeof(digest));
	explicit_bzero(&ctx, sizeof(ctx));
}

/* Decimal digits up to a blank or the end; -EBADMSG if it is something else or has more than 10
 * digits. */
static int parse_number(const uint8_t *text, size_t len, unsigned int *number)
{
	uint64_t n = 0;

	if (len == 0 || len > 10)
		return -EBADMSG;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EBADMSG;
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	*number = n > UINT32_MAX ? UINT32_MAX : (unsigned int)n;
	return 0;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_challenge(const uint8_t *text, size_t len, uint8_t challenge[16])
{
	uint8_t octets[16];

	if (len != 2 * sizeof(octets))
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(octets); i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		octets[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(challenge, octets, sizeof(octets));
	return 0;
}

/* As many whole characters as fit; what is not printable ASCII as \xNN. */
static void escape(char *out, size_t size, const uint8_t *text, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = text[i];
		const char hex[4] = { '\\', 'x', digits[c >> 4], digits[c & 15] };
		size_t need = c >= 0x20 && c < 0x7f ? 1 : sizeof(hex);

		if (n + need >= size)
			break;
		memcpy(out + n, need == 1 ? (const char *)&c : hex, need);
		n += need;
	}
	out[n] = '\0';
}

/* One "K=value" without its blanks. True if it is a usable E=. */
static bool parse_field(struct mschap_failure *f, const uint8_t *text, size_t len)
{
	const uint8_t *value = text + 2;
	unsigned int number;

	if (len < 3 || text[1] != '=')
		return false;
	len -= 2;
	switch (text[0]) {
	case 'E':
		return parse_number(value, len, &f->error) == 0;
	case 'R':
		if (parse_number(value, len, &number) == 0)
			f->retry = number == 1;
		return false;
	case 'C':
		if (parse_challenge(value, len, f->challenge) == 0)
			f->has_challenge = true;
		return false;
	case 'V':
		(void)parse_number(value, len, &f->version);
		return false;
	default:
		return false;
	}
}

int mschap_failure_parse(struct mschap_failure *f, const uint8_t *text, size_t len)
{
	struct mschap_failure found = *f;
	bool has_error = false;
	size_t at = 0;

	while (at < len) {
		size_t end = at;

		/* The message is the rest, blanks and all: an "E=" in it means nothing. */
		if (len - at >= 2 && text[at] == 'M' && text[at + 1] == '=') {
			escape(found.message, sizeof(found.message), text + at + 2, len - at - 2);
			break;
		}
		while (end < len && text[end] != ' ')
			end++;
		has_error |= parse_field(&found, text + at, end - at);
		at = end + 1;
	}
	if (!has_error)
		return -EBADMSG;
	*f = found;
	return 0;
}

const char *mschap_error_text(unsigned int error)
{
	switch (error) {
	case 646:
		return "the account may not log on at this hour";
	case 647:
		return "the account is disabled";
	case 648:
		return "the password has expired";
	case 649:
		return "the account has no permission to dial in";
	case 691:
		return "wrong user name or password";
	case 709:
		return "the password could not be changed";
	default:
		return "refused for another reason";
	}
}

bool mschap_equal(const void *a, const void *b, size_t len)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t difference = 0;

	for (size_t i = 0; i < len; i++)
		difference |= (uint8_t)(x[i] ^ y[i]);
	return difference == 0;
}
