/* A capture from its beginning to its end: packets, and events to the sinks. */
#include "tools/decode/decode.h"

#include "lib/mppe/cipher.h"
#include "system/cpu.h"
#include "tools/decode/capture.h"
#include "tools/decode/decoder.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void decode_emit(struct decoder *d)
{
	struct decode_event *e = &d->event;

	d->stats.malformed += e->malformed;
	for (struct decode_sink *s = d->sinks; s; s = s->next)
		s->event(s, e);
}

static void packet_run(struct decoder *d, const struct decode_packet *packet)
{
	struct decode_meta meta = { .time = packet->time, .frame = packet->frame };
	struct decode_ip ip;

	d->stats.packets++;
	decode_work_earn(&d->engine.work);
	if (!d->stats.first_time)
		d->stats.first_time = packet->time;
	d->stats.last_time = packet->time;
	if (packet->link.frame)
		decode_link_frame(d, &meta, &packet->link);
	if (!packet->ip || !decode_ip_read(&ip, packet->ip, packet->len))
		return;
	ip.frame = packet->frame;
	if (ip.protocol != DECODE_IP_TCP && ip.protocol != DECODE_IP_GRE &&
		ip.protocol != DECODE_IP_ICMP)
		return;
	if (decode_ip_is_fragment(&ip) && !decode_fragments_add(d->fragments, &ip, packet->time))
		return;
	meta.src = ip.src;
	meta.dst = ip.dst;
	if (ip.protocol == DECODE_IP_TCP)
		decode_tcp(d, &meta, &ip);
	else if (ip.protocol == DECODE_IP_GRE)
		decode_gre(d, &meta, &ip);
	else
		decode_icmp(d, &meta, &ip);
}

static int dump_open(
	struct decoder *d, const struct decode_capture *capture, const char *path, char *why)
{
	FILE *file;
	struct stat st;
	int fd;

	/* What was secret is in clear there: for its owner only, also where the file was there before. */
	fd = decode_capture_output(capture, path, 0600, why);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fchmod(fd, 0600) < 0) {
		snprintf(why, DECODE_WHY, "%s cannot be made its owner's only: %s", path,
			strerror(errno));
		close(fd);
		return -1;
	}
	file = fdopen(fd, "w");
	if (!file) {
		snprintf(why, DECODE_WHY, "%s: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	d->dump_buffer = malloc(DECODE_DUMP_BUFFER);
	if (d->dump_buffer)
		setvbuf(file, d->dump_buffer, _IOFBF, DECODE_DUMP_BUFFER);
	d->dump_pcap = pcap_open_dead(DLT_RAW, DECODE_PACKET_MAX);
	d->dump = d->dump_pcap ? pcap_dump_fopen(d->dump_pcap, file) : NULL;
	if (!d->dump) {
		snprintf(why, DECODE_WHY, "%s: cannot be written", path);
		fclose(file);
		return -1;
	}
	return 0;
}

static int dump_close(struct decoder *d, char *why)
{
	int rc = 0;

	if (d->dump) {
		if (pcap_dump_flush(d->dump) != 0 || ferror(pcap_dump_file(d->dump))) {
			snprintf(why, DECODE_WHY, "%s: writing failed", d->options.write_path);
			rc = -1;
		}
		pcap_dump_close(d->dump);
	}
	if (d->dump_pcap)
		pcap_close(d->dump_pcap);
	free(d->dump_buffer);
	return rc;
}

/* See decode_table. */
static void call_over(void *user, struct decode_call *call)
{
	struct decoder *d = user;

	decode_gre_flush(d, call);
	decode_summary_call(d, call);
}

static void connection_over(void *user, struct decode_connection *c)
{
	decode_summary_connection(user, c);
}

static int capture_run(struct decoder *d, struct decode_capture *capture, char *why)
{
	struct decode_packet packet;
	int rc;

	while ((rc = decode_capture_next(capture, &packet, why)) > 0)
		packet_run(d, &packet);
	decode_table_done(&d->table);
	d->stats.work = d->engine.work.done;
	d->stats.spared = d->engine.work.spared;
	d->stats.fragments_lost = decode_fragments_end(d->fragments);
	decode_summary_capture(d);
	return rc;
}

/* What no sink looks at is not made. */
static void wishes(struct decoder *d)
{
	d->event.no_text = d->event.no_fields = DECODE_ALL_KINDS;
	d->headers_only = !d->options.write_path;
	for (const struct decode_sink *s = d->sinks; s; s = s->next) {
		d->event.no_text &= s->no_text;
		d->event.no_fields &= s->no_fields;
		d->headers_only &= s->headers_only;
	}
}

int decode_run(const struct decode_options *options, struct decode_capture *capture,
	struct decode_sink *sinks, struct decode_stats *stats, char *why)
{
	struct decoder *d = calloc(1, sizeof(*d));
	int rc = -1;

	snprintf(why, DECODE_WHY, "out of memory");
	if (d)
		d->fragments = decode_fragments_new();
	if (!d || !d->fragments) {
		free(d);
		return -1;
	}
	d->options = *options;
	d->sinks = sinks;
	d->event.secrets = options->secrets;
	wishes(d);
	d->engine.work.left = DECODE_WORK_MAX;
	d->engine.batch.cipher = cipher_choose(cpu_features());
	d->table = (struct decode_table){
		.user = d, .call_over = call_over, .connection_over = connection_over
	};
	if (!options->write_path || dump_open(d, capture, options->write_path, why) == 0)
		rc = capture_run(d, capture, why);
	if (dump_close(d, why) != 0)
		rc = -1;
	if (stats)
		*stats = d->stats;
	decode_fragments_free(d->fragments);
	explicit_bzero(d, sizeof(*d));
	free(d);
	return rc;
}
