/*
 * Compression in CCP (RFC 1962): options for MPPC alone (18, RFC 2118 section 2), Deflate (26, RFC
 * 1979 section 3, and the draft's number 24, which pppd still knows) and BSD-Compress (21, RFC 1977
 * section 3), as codec parameters and back. No state.
 */
#pragma once

#include "lib/compress/codec.h"
#include "lib/ppp/option.h"

#define CCP_MPPE          18 /* and MPPC: bits of one option */
#define CCP_BSD           21
#define CCP_DEFLATE_DRAFT 24
#define CCP_DEFLATE       26

#define CCP_MPPC 0x00000001u

/* CODEC_NONE if the option is not of a method that is known here. */
enum codec_kind ccp_codec_kind(uint8_t type);
/* What we would like: the most that there is. */
struct codec_params ccp_codec_best(enum codec_kind kind);

void ccp_codec_put(struct wire_writer *w, const struct codec_params *params);
/* An option's value, of ccp_codec_kind(): false if it is none that can be done. */
bool ccp_codec_get(const struct ppp_option *option, struct codec_params *params);
/* Refuses it with what would be accepted. */
void ccp_codec_nak(struct ppp_review *review, const struct ppp_option *option);
