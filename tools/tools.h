/* The tools' commands, for main.c's table. */
#pragma once

#include "tools/bench/bench.h"
#include "tools/ctl/ctl.h"
#include "tools/decode/decode.h"
#include "tools/doctor/doctor.h"
#include "tools/doctor/report.h"
