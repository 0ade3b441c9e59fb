/* The key "compression": the methods that may be used, in the order of preference. */
#include "session/settings.h"

#include <strings.h>

#define WORDS "mppc, deflate or bsd"

static enum codec_kind kind_of(const char *word)
{
	static const struct {
		const char *word;
		enum codec_kind kind;
	} words[] = {
		{ "mppc", CODEC_MPPC },
		{ "deflate", CODEC_DEFLATE },
		{ "bsd", CODEC_BSD },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcasecmp(words[i].word, word))
			return words[i].kind;
	}
	return CODEC_NONE;
}

int settings_check_compression(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *word = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);

	/* --set compression= empties the list. */
	if (!*word || kind_of(word) != CODEC_NONE)
		return 0;
	cfg_error(cfg, "compression: \"%s\" is not a method (write " WORDS ")", word);
	return -1;
}

void settings_compression(cfg_t *cfg, struct ppp_compress_list *list)
{
	list->count = 0;
	for (unsigned int i = 0; i < cfg_size(cfg, "compression"); i++) {
		enum codec_kind kind = kind_of(cfg_getnstr(cfg, "compression", i));
		bool there = kind == CODEC_NONE;

		for (unsigned int k = 0; k < list->count; k++)
			there = there || list->kinds[k] == kind;
		if (!there)
			list->kinds[list->count++] = kind;
	}
}
