/* Control messages as JSON fields; their text is lib/control's. */
#pragma once

#include "lib/control/message.h"
#include "tools/decode/print.h"

void decode_print_control(struct decode_print *p, const struct control_message *m);
