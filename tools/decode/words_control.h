/* Control messages as fields; their text is lib/control's. */
#pragma once

#include "lib/control/message.h"
#include "tools/decode/event.h"

/* `raw` is the message as it was decoded. */
void decode_words_control(
	struct decode_event *e, const struct control_message *m, struct wire_reader raw);
